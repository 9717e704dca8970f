/**
 * Forms as pages: HTML that needs no script, can be read aloud and fits a phone. Everything that somebody wrote is escaped;
 * what an author may write as HTML has been made safe when it was read.
 */
import type { FormField, FormSettings } from "./form-settings.ts"
import type { FormFault } from "./form-submission.ts"
import { escapeHtml } from "./safe-html.ts"

/** What stands in the fields, and what was wrong with it. */
export type FormState = {
  /** By the names of the inputs; null: nobody has filled the form in yet. */
  readonly values: ReadonlyMap<string, readonly string[]> | null
  readonly faults: readonly FormFault[]
}

const text = escapeHtml

/** The page of a form. */
export function renderForm(form: FormSettings, state: FormState): string {
  const { title, descriptionHtml, buttonLabel, fields } = form
  const description = descriptionHtml === "" ? "" : `<div class="about">${descriptionHtml}</div>`
  const asterisk = fields.some(({ required }) => required)
    ? `<p class="hint"><span aria-hidden="true">*</span> means that an answer is required.</p>`
    : ""
  const body = [
    `<h1>${text(title || "Form")}</h1>`,
    description,
    summaryOf(form, state),
    `<form method="post" enctype="multipart/form-data" accept-charset="utf-8">`,
    asterisk,
    ...fields.map((field) => renderField(field, state)),
    `<button type="submit">${text(buttonLabel)}</button>`,
    "</form>",
  ]
  const isFaulty = state.faults.length > 0
  return page({ title: `${isFaulty ? "Please check: " : ""}${title || "Form"}`, css: form.css, body: body.join("\n") })
}

/** A page that only says something. `role`: `alert` where something went wrong. */
export function renderMessage(said: {
  readonly title: string
  readonly message: string
  readonly role: "status" | "alert"
  readonly css?: string
}): string {
  const { title, message, role, css = "" } = said
  const body = `<div role="${role}"><h1>${text(title)}</h1>${message === "" ? "" : `<p>${lines(message)}</p>`}</div>`
  return page({ title, css, body })
}

const lines = (message: string): string => text(message).replaceAll("\n", "<br>")

/** What is wrong, at the top, with a way to each field. */
function summaryOf({ fields }: FormSettings, { faults }: FormState): string {
  if (faults.length === 0) return ""
  const items = faults.map(({ input, message }) => {
    const label = fields.find((field) => field.input === input)?.label ?? ""
    return `<li><a href="#${text(input)}">${text(label || "Answer")}</a>: ${text(message)}</li>`
  })
  return `<div class="faults" role="alert"><p>Please check these answers:</p><ul>${items.join("")}</ul></div>`
}

function renderField(field: FormField, { values, faults }: FormState): string {
  if (field.type === "html") return `<div class="about">${field.content}</div>`
  const given = values === null ? field.initial : (values.get(field.input) ?? [])
  if (field.type === "hidden") return hiddenInput(field, values?.get(field.input)?.[0] ?? field.content)
  const fault = faults.find(({ input }) => input === field.input)
  const shown: Shown = { field, given, fault: fault?.message ?? null }
  return field.type === "radio" || field.type === "checkboxes" ? choiceGroup(shown) : labelled(shown)
}

type Shown = { readonly field: FormField; readonly given: readonly string[]; readonly fault: string | null }

const hiddenInput = ({ input }: FormField, value: string): string =>
  `<input type="hidden" name="${text(input)}" value="${text(value)}">`

const star = ({ required }: FormField): string => (required ? ` <span class="star" aria-hidden="true">*</span>` : "")

function faultText({ field, fault }: Shown): string {
  return fault === null ? "" : `<p class="fault" id="${text(field.input)}-fault">${text(fault)}</p>`
}

/** What every input says of itself. */
function attributes({ field, fault }: Shown): string {
  const { input, required } = field
  const wrong = fault === null ? "" : ` aria-invalid="true" aria-describedby="${text(input)}-fault"`
  return `id="${text(input)}" name="${text(input)}"${required ? " required" : ""}${wrong}`
}

function labelled(shown: Shown): string {
  const { field } = shown
  const label = `<label for="${text(field.input)}">${text(field.label || field.key || "Answer")}${star(field)}</label>`
  return `<div class="field">${label}${faultText(shown)}${control(shown)}</div>`
}

function control(shown: Shown): string {
  const { field, given } = shown
  const [first = ""] = given
  const placeholder = field.placeholder === "" ? "" : ` placeholder="${text(field.placeholder)}"`
  switch (field.type) {
    case "textarea":
      // A line break right after the tag is dropped by browsers.
      return `<textarea ${attributes(shown)} rows="5"${placeholder}>\n${text(first)}</textarea>`
    case "select":
      return selectOf(shown)
    case "file": {
      const accept = field.accept === "" ? "" : ` accept="${text(field.accept)}"`
      return `<input type="file" ${attributes(shown)}${accept}${field.multiple ? " multiple" : ""}>`
    }
    case "password":
      // What was typed is not sent back to the page.
      return `<input type="password" autocomplete="off" ${attributes(shown)}${placeholder}>`
    default: {
      const type = field.type === "number" ? `number" step="any` : field.type
      return `<input type="${type}" ${attributes(shown)} value="${text(first)}"${placeholder}>`
    }
  }
}

function selectOf(shown: Shown): string {
  const { field, given } = shown
  const none = field.multiple ? "" : `<option value="">Choose …</option>`
  const options = field.options.map(
    (option) => `<option value="${text(option)}"${given.includes(option) ? " selected" : ""}>${text(option)}</option>`,
  )
  const multiple = field.multiple ? ` multiple size="${Math.min(8, Math.max(2, field.options.length))}"` : ""
  return `<select ${attributes(shown)}${multiple}>${none}${options.join("")}</select>`
}

function choiceGroup(shown: Shown): string {
  const { field, given } = shown
  const type = field.type === "radio" ? "radio" : "checkbox"
  const required = field.required && type === "radio" ? " required" : ""
  const choices = field.options.map((option, index) => {
    const id = index === 0 ? field.input : `${field.input}-${index}`
    const checked = given.includes(option) ? " checked" : ""
    const input = `<input type="${type}" id="${text(id)}" name="${text(field.input)}" value="${text(option)}"${required}${checked}>`
    return `<div class="choice">${input}<label for="${text(id)}">${text(option)}</label></div>`
  })
  const wrong = shown.fault === null ? "" : ` aria-invalid="true" aria-describedby="${text(field.input)}-fault"`
  const legend = `<legend>${text(field.label || field.key || "Answer")}${star(field)}</legend>`
  return `<fieldset class="field"${wrong}>${legend}${faultText(shown)}${choices.join("")}</fieldset>`
}

/** Rules of an author cannot end the element that they stand in. */
const safeCss = (css: string): string => css.replaceAll("<", "\\3c ")

function page({ title, css, body }: { readonly title: string; readonly css: string; readonly body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${text(title)}</title>
<style>${ownCss}</style>${css === "" ? "" : `\n<style>${safeCss(css)}</style>`}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`
}

const ownCss = `
:root { color-scheme: light dark; --ink: #1d2430; --paper: #ffffff; --ground: #f3f4f6; --line: #6b7280; --accent: #1d4ed8; --fault: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --paper: #1b1f27; --ground: #11141a; --line: #8b94a3; --accent: #8ab4f8; --fault: #ff9a8f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 36rem; margin: 2rem auto; padding: 2rem; background: var(--paper); border-radius: .75rem; }
@media (max-width: 40rem) { main { margin: 0; min-height: 100vh; padding: 1.25rem; border-radius: 0; } }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
.about { margin: 0 0 1.25rem; } .about img, .about video, .about iframe { max-width: 100%; height: auto; }
.field { margin: 0 0 1.25rem; padding: 0; border: 0; min-width: 0; }
label, legend { display: block; padding: 0; margin-bottom: .35rem; font-weight: 600; }
.choice { display: flex; gap: .6rem; align-items: flex-start; min-height: 2.75rem; padding: .5rem 0; }
.choice label { margin: 0; font-weight: 400; flex: 1; }
.choice input { width: 1.25rem; height: 1.25rem; margin: .15rem 0 0; flex: none; }
.field > input, textarea, select { width: 100%; min-height: 2.75rem; padding: .55rem .7rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; }
[aria-invalid] { border-color: var(--fault); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button { width: 100%; min-height: 3rem; padding: .6rem 1rem; font: inherit; font-weight: 600; color: var(--paper); background: var(--accent); border: 0; border-radius: .5rem; cursor: pointer; }
.hint { margin: 0 0 1rem; font-size: .9rem; }
.star, .fault { color: var(--fault); }
.fault { margin: 0 0 .35rem; font-weight: 600; }
.faults { margin: 0 0 1.25rem; padding: .75rem 1rem; border: 2px solid var(--fault); border-radius: .5rem; }
.faults p, .faults ul { margin: 0; } .faults ul { padding-left: 1.25rem; } a { color: var(--accent); }
`
