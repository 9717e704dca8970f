/** The settings of a form, versions 1 to 2.x, as its page needs them (documented parameters of n8n). */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { readAuthentication, type TriggerAuthentication } from "./authentication.ts"
import { makeSafeHtml } from "./safe-html.ts"
import { objectOf, textOf } from "./settings.ts"

/** How a field is asked for. */
export type FormFieldType =
  | "text"
  | "textarea"
  | "number"
  | "date"
  | "email"
  | "password"
  | "select"
  | "checkboxes"
  | "radio"
  | "file"
  | "hidden"
  | "html"

/** A field of a form. */
export type FormField = {
  readonly type: FormFieldType
  /** The name of the input on the page: its place among the fields. */
  readonly input: string
  /** Its name in the item; null: it gives nothing (a piece of HTML without a name). */
  readonly key: string | null
  readonly label: string
  readonly placeholder: string
  /** What stands there at first; of several choices those that are made. */
  readonly initial: readonly string[]
  readonly required: boolean
  readonly options: readonly string[]
  /** Several choices, or several files. */
  readonly multiple: boolean
  /** How many choices there have to be; null: as many as one likes. */
  readonly choices: { readonly min: number; readonly max: number } | null
  /** Which files, in the words of a browser; empty: all. */
  readonly accept: string
  /** Of a piece of HTML: what it is, made safe. Of a hidden field: its value. */
  readonly content: string
  /** How a date is written (luxon's words); null: as the browser sends it. */
  readonly dateFormat: string | null
}

/** When and how a form answers. */
export type FormResponse =
  | { readonly when: "immediately" | "last-node"; readonly text: string; readonly redirect: string | null }
  | { readonly when: "node" }

/** A form. */
export type FormSettings = {
  readonly title: string
  /** Made safe. */
  readonly descriptionHtml: string
  readonly buttonLabel: string
  readonly fields: readonly FormField[]
  readonly authentication: TriggerAuthentication
  readonly response: FormResponse
  readonly ignoreBots: boolean
  /** The zone in which the time of sending is told. */
  readonly timeZone: string
  /** Rules over the page's own; empty: none. */
  readonly css: string
}

/** Fields of a form, options of a field, and characters of a text (ours). */
const fieldsMax = 200
const optionsMax = 1_000
const textCharsMax = 10_000

/** The standard text of a form that was sent (documented). */
const submittedText = "Your response has been recorded"

/** What a form says. */
export function readForm(graph: Graph, node: GraphNode): FormSettings {
  const { parameters } = node
  const options = objectOf(parameters.options)
  const zone = graph.settings.timezone
  return {
    title: cut(textOf(parameters.formTitle) ?? ""),
    descriptionHtml: makeSafeHtml(
      (textOf(parameters.formDescription) ?? "").replaceAll("\\n", "\n").replaceAll("\n", "<br>"),
    ),
    buttonLabel: cut(textOf(options.buttonLabel) ?? "Submit"),
    fields: readFields(parameters.formFields),
    authentication: readAuthentication(node),
    response: readResponse(parameters),
    ignoreBots: options.ignoreBots === true,
    timeZone: options.useWorkflowTimezone === true && typeof zone === "string" ? zone : "UTC",
    css: textOf(options.customCss) ?? "",
  }
}

/** The path of a form: a parameter of its first versions, an option of later ones (documented). */
export function formPathOf({ parameters }: GraphNode): JsonValue | undefined {
  const option = objectOf(parameters.options).path
  return option === undefined || option === "" ? parameters.path : option
}

function readResponse(parameters: JsonObject): FormResponse {
  if (parameters.responseMode === "responseNode") return { when: "node" }
  const options = objectOf(parameters.options)
  const values = objectOf(objectOf(options.respondWithOptions).values)
  const redirect = values.respondWith === "redirect" ? textOf(values.redirectUrl) : null
  return {
    when: parameters.responseMode === "lastNode" ? "last-node" : "immediately",
    text: cut(textOf(values.formSubmittedText) ?? textOf(options.formSubmittedText) ?? submittedText),
    redirect: redirect !== null && /^https?:\/\//i.test(redirect) ? redirect : null,
  }
}

/** Types by their names in a node's settings (documented). */
const types: Readonly<Record<string, FormFieldType>> = {
  text: "text",
  textarea: "textarea",
  number: "number",
  date: "date",
  email: "email",
  password: "password",
  dropdown: "select",
  checkbox: "checkboxes",
  radio: "radio",
  file: "file",
  hiddenField: "hidden",
  html: "html",
}

function readFields(listed: JsonValue | undefined): readonly FormField[] {
  const { values } = objectOf(listed)
  const fields = Array.isArray(values) ? (values as readonly JsonValue[]).filter(isJsonObject) : []
  return fields.slice(0, fieldsMax).map(readField)
}

function readField(field: JsonObject, index: number): FormField {
  const name = typeof field.fieldType === "string" ? field.fieldType : "text"
  const type = Object.hasOwn(types, name) ? (types[name] ?? "text") : "text"
  const label = cut(textOf(field.fieldLabel) ?? textOf(field.fieldName) ?? "")
  const multiple =
    type === "checkboxes" ||
    (type === "select" && field.multiselect === true) ||
    (type === "file" && field.multipleFiles !== false)
  return {
    type,
    input: `field-${index}`,
    key: keyOf(field, type, { label, index }),
    label,
    placeholder: cut(textOf(field.placeholder) ?? ""),
    initial: textsOf(field.defaultValue),
    required: field.requiredField === true && type !== "html" && type !== "hidden",
    options: optionsOf(field.fieldOptions),
    multiple,
    choices: choicesOf(field),
    accept: type === "file" ? cut(textOf(field.acceptFileTypes) ?? "") : "",
    content: contentOf(field, type),
    dateFormat: textOf(field.formatDate),
  }
}

function keyOf(
  field: JsonObject,
  type: FormFieldType,
  own: { readonly label: string; readonly index: number },
): string | null {
  if (type === "html") return textOf(field.elementName)
  const key = textOf(field.fieldName) ?? (own.label === "" ? `field-${own.index}` : own.label)
  return key === "__proto__" ? `field-${own.index}` : cut(key)
}

function contentOf(field: JsonObject, type: FormFieldType): string {
  if (type === "html") return makeSafeHtml(textOf(field.html) ?? "")
  return type === "hidden" ? cut(textOf(field.fieldValue) ?? "") : ""
}

function optionsOf(listed: JsonValue | undefined): readonly string[] {
  const { values } = objectOf(listed)
  const options = Array.isArray(values) ? (values as readonly JsonValue[]) : []
  const names = options.flatMap((option) => {
    const name = isJsonObject(option) ? option.option : option
    return typeof name === "string" && name !== "" ? [cut(name)] : []
  })
  return [...new Set(names)].slice(0, optionsMax)
}

function choicesOf(field: JsonObject): FormField["choices"] {
  const count = (value: JsonValue | undefined, otherwise: number): number =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : otherwise
  if (field.limitSelection === "exact") {
    const exact = count(field.numberOfSelections, 1)
    return { min: exact, max: exact }
  }
  if (field.limitSelection !== "range") return null
  return { min: count(field.minSelections, 0), max: count(field.maxSelections, optionsMax) }
}

/** A text, or several with commas between them. */
function textsOf(value: JsonValue | undefined): readonly string[] {
  const values = Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
  return values.flatMap((text) =>
    typeof text === "number"
      ? [String(text)]
      : typeof text === "string" && text !== "" && !text.startsWith("=")
        ? [cut(text)]
        : [],
  )
}

function cut(text: string): string {
  return text.length <= textCharsMax ? text : text.slice(0, textCharsMax)
}
