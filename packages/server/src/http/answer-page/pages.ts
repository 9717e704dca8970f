/**
 * What the answer page shows, as functions from a pause to HTML: the form, and what became of the question. No script, no
 * file beside it; it is laid out for a phone first, and everything in it has a name for those who do not see it.
 */
import type { FormField } from "@brevet/core/contract/pause-form"
import type { PauseView } from "@brevet/core/contract/pauses"
import { Html, html } from "./html.ts"

/** A fault of a form that was sent: the field's name (empty: the whole of it), and words. */
export type FormFault = { readonly path: string; readonly message: string }

/** A form as it is shown: to which pause, with which token; with what was typed and what is wrong, where it was sent. */
export type FormView = {
  readonly pause: PauseView
  readonly fields: readonly FormField[]
  readonly token: string
  readonly typed: ReadonlyMap<string, string>
  readonly faults: readonly FormFault[]
}

const style = new Html(`
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#57606a;--line:#8c959f;--accent:#0b5cad;--on:#fff;--bad:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--soft:#9da7b1;--line:#6e7681;--accent:#79b8ff;--on:#0d1117;--bad:#ff9b8f}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:36rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem;overflow-wrap:anywhere}
p{margin:0 0 1rem;overflow-wrap:anywhere}.said{white-space:pre-wrap}.soft{color:var(--soft)}
.field,fieldset{margin:0 0 1.25rem;padding:0;border:0;min-width:0}label,legend{display:block;font-weight:600;margin:0 0 .375rem;padding:0;overflow-wrap:anywhere}
input,textarea,select{font:inherit;color:inherit;background:transparent;width:100%;padding:.625rem .75rem;border:1px solid var(--line);border-radius:.5rem;min-height:2.75rem}
select option{background:var(--paper)}textarea{min-height:7rem;resize:vertical}.pick{display:flex;gap:.75rem;align-items:center;font-weight:400;min-height:2.75rem;margin:0}
.pick input{width:1.375rem;height:1.375rem;min-height:0;flex:none;accent-color:var(--accent)}
button{font:inherit;font-weight:600;width:100%;min-height:3rem;padding:.625rem 1rem;border-radius:.5rem;border:1px solid var(--accent);background:var(--accent);color:var(--on);cursor:pointer;margin:0 0 .75rem}
button.other{background:transparent;color:var(--accent)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.fault{color:var(--bad);margin:.375rem 0 0}.faults{border:2px solid var(--bad);border-radius:.5rem;padding:.75rem 1rem;margin:0 0 1.25rem}.faults p{margin:0}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid var(--line);border-radius:.5rem;padding:.75rem;margin:0 0 1rem}
`)

/** A page with a heading. */
function page(title: string, content: readonly Html[]): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.text
}

/** The form of an open pause. */
export function formPage(view: FormView): string {
  const { pause, fields, token, faults } = view
  const title = pause.title ?? (pause.kind === "approval" ? "Your approval is asked for" : "A question for you")
  const whole = faults.filter(({ path }) => !fields.some(({ name }) => name === path))
  return page(title, [
    ...(pause.message === null ? [] : [html`<p class="said">${pause.message}</p>`]),
    ...(faults.length === 0 ? [] : [faultList(whole)]),
    html`<form method="post" action="/answer" novalidate>
<input type="hidden" name="_token" value="${token}">
${pause.kind === "approval" ? approvalFields(view) : fields.map((field) => fieldOf(field, view))}
${pause.kind === "approval" ? approvalButtons() : html`<button type="submit">Send</button>`}
</form>`,
    ...(pause.expiresAtMs === null
      ? []
      : [html`<p class="soft">${`You can answer until ${when(pause.expiresAtMs)}.`}</p>`]),
  ])
}

function faultList(whole: readonly FormFault[]): Html {
  const lines = whole.map(({ message }) => html`<p>${message}</p>`)
  return html`<div class="faults" role="alert"><p><strong>Please look at your answer once more.</strong></p>${lines}</div>`
}

function approvalFields(view: FormView): readonly Html[] {
  return view.fields.filter(({ name }) => name !== "decision").map((field) => fieldOf(field, view))
}

function approvalButtons(): Html {
  return html`<button type="submit" name="decision" value="approve">Approve</button>
<button type="submit" name="decision" value="deny" class="other">Deny</button>`
}

function fieldOf(field: FormField, { typed, faults, fields }: FormView): Html {
  const id = `field-${fields.indexOf(field)}`
  const fault = faults.find(({ path }) => path === field.name || path.startsWith(`${field.name}.`)) ?? null
  const notes = [
    ...(field.help === null ? [] : [html`<p class="soft" id="${id}-help">${field.help}</p>`]),
    ...(fault === null ? [] : [html`<p class="fault" id="${id}-fault">${fault.message}</p>`]),
  ]
  const described = [field.help === null ? "" : `${id}-help`, fault === null ? "" : `${id}-fault`].join(" ").trim()
  const facts: InputFacts = { field, id, value: typed.get(field.name) ?? "", described, isFaulty: fault !== null }
  if (field.input === "choice" && field.choices.length <= 7) return choiceSet(facts, notes)
  if (field.input === "tick")
    return html`<div class="field"><label class="pick">${inputOf(facts)} ${field.label}</label>${notes}</div>`
  return html`<div class="field"><label for="${id}">${field.label}${field.isRequired ? "" : " (optional)"}</label>${inputOf(facts)}${notes}</div>`
}

type InputFacts = {
  readonly field: FormField
  readonly id: string
  readonly value: string
  readonly described: string
  readonly isFaulty: boolean
}

/** A few choices are seen at once. */
function choiceSet({ field, id, value, described }: InputFacts, notes: readonly Html[]): Html {
  const picks = field.choices.map(
    (choice, index) =>
      html`<label class="pick"><input type="radio" name="${field.name}" id="${id}-${index}" value="${choice.value}"${flags({ required: field.isRequired })}${flags({ checked: choice.value === value })}> ${choice.label}</label>`,
  )
  return html`<fieldset${described === "" ? null : html` aria-describedby="${described}"`}><legend>${field.label}</legend>${picks}${notes}</fieldset>`
}

const inputTypes = { line: "text", number: "number", date: "date", email: "email" } as const

function inputOf({ field, id, value, described, isFaulty }: InputFacts): Html {
  const shared = html` id="${id}" name="${field.name}"${flags({ required: field.isRequired })}${isFaulty ? html` aria-invalid="true"` : null}${described === "" ? null : html` aria-describedby="${described}"`}`
  switch (field.input) {
    case "text":
    case "json":
      return html`<textarea${shared}>${value === "" ? "" : `\n${value}`}</textarea>`
    case "tick":
      return html`<input type="checkbox" value="true"${shared}${flags({ checked: value !== "" })}>`
    case "choice": {
      const options = field.choices.map(
        (choice) =>
          html`<option value="${choice.value}"${flags({ selected: choice.value === value })}>${choice.label}</option>`,
      )
      return html`<select${shared}><option value="">Choose one</option>${options}</select>`
    }
    default:
      return html`<input type="${inputTypes[field.input]}"${field.input === "number" ? html` step="any" inputmode="decimal"` : null}${shared} value="${value}">`
  }
}

/** Attributes that are there or not. */
function flags(set: Readonly<Partial<Record<"required" | "checked" | "selected", boolean>>>): Html {
  const names = Object.entries(set).flatMap(([name, isSet]) => (isSet ? [` ${name}`] : []))
  return new Html(names.join(""))
}

/** What became of a pause that was left. `isThanks`: it was answered just now, by whoever reads this. */
export function leftPage(pause: PauseView, { isThanks }: { readonly isThanks: boolean }): string {
  if (isThanks) return page("Thank you", [html`<p>Your answer has arrived. You can close this page.</p>`])
  switch (pause.status) {
    case "answered":
      return page("This was answered already", [
        ...asked(pause),
        html`<p>${`It was answered by ${pause.answeredBy ?? "somebody"}${pause.answeredAtMs === null ? "" : ` on ${when(pause.answeredAtMs)}`}.`}</p>`,
      ])
    case "cancelled":
      return page("This is not asked any more", [
        ...asked(pause),
        html`<p>The run that asked for it was cancelled.</p>`,
      ])
    default:
      return page("The time for an answer has passed", asked(pause))
  }
}

function asked({ title, message }: PauseView): readonly Html[] {
  const text = title ?? message
  return text === null ? [] : [html`<p class="said soft">${text}</p>`]
}

/** A link that is none of ours, or too old: nothing is told. */
export const noPage = page("This link does not work", [
  html`<p>It may be incomplete, or its time may have passed. Ask whoever sent it for another one.</p>`,
])

/** Somebody asks too often. */
export const tooOftenPage = page("Please wait a moment", [
  html`<p>There were too many requests. Try again in a minute.</p>`,
])

function when(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`
}
