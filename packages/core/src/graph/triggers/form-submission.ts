/** What somebody sent with a form: what is wrong with it, and the item that it becomes (documented). Pure. */
import { DateTime } from "luxon"
import type { JsonObject, JsonValue } from "../../json.ts"
import type { FormField, FormSettings } from "./form-settings.ts"

/** What came for the inputs of a page, by their names. */
export type SentFields = {
  readonly texts: ReadonlyMap<string, readonly string[]>
  readonly files: ReadonlyMap<string, readonly SentFormFile[]>
}

/** A file that came with a form. */
export type SentFormFile = { readonly fileName: string | null; readonly mimeType: string; readonly bytes: number }

/** What is wrong with a field, in words for whoever filled it in. */
export type FormFault = { readonly input: string; readonly message: string }

/** Characters of one answer (ours). */
const answerCharsMax = 100_000

const textsOf = ({ texts }: SentFields, { input }: FormField): readonly string[] =>
  (texts.get(input) ?? []).map((text) => text.trim()).filter((text) => text !== "")

/** What is wrong; empty: the form can be taken. */
export function checkSubmission({ fields }: FormSettings, sent: SentFields): readonly FormFault[] {
  return fields.flatMap((field) => {
    const message = faultOf(field, sent)
    return message === null ? [] : [{ input: field.input, message }]
  })
}

function faultOf(field: FormField, sent: SentFields): string | null {
  if (field.type === "html" || field.type === "hidden") return null
  if (field.type === "file") return fileFault(field, sent.files.get(field.input) ?? [])
  const texts = textsOf(sent, field)
  if (texts.length === 0) return field.required ? "This field is required." : choicesFault(field, 0)
  if (texts.some((text) => text.length > answerCharsMax)) return "This answer is too long."
  if (texts.length > 1 && !field.multiple) return "Only one answer can be given here."
  return choicesFault(field, texts.length) ?? textFault(field, texts)
}

function fileFault(field: FormField, files: readonly SentFormFile[]): string | null {
  if (files.length === 0) return field.required ? "Choose a file." : null
  return files.length > 1 && !field.multiple ? "Only one file can be sent here." : null
}

function choicesFault({ choices, type }: FormField, count: number): string | null {
  if (choices === null || (type !== "checkboxes" && type !== "select")) return null
  if (count < choices.min) return `Choose at least ${choices.min}.`
  return count > choices.max ? `Choose at most ${choices.max}.` : null
}

function textFault(field: FormField, texts: readonly string[]): string | null {
  const [first = ""] = texts
  switch (field.type) {
    case "number":
      return Number.isFinite(Number(first)) ? null : "This is not a number."
    case "email":
      return /^[^\s@]+@[^\s@]+$/.test(first) ? null : "This is not an e-mail address."
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(first) && DateTime.fromISO(first, { zone: "UTC" }).isValid
        ? null
        : "This is not a date."
    case "select":
    case "radio":
    case "checkboxes":
      return texts.every((text) => field.options.includes(text)) ? null : "Choose one of the options."
    default:
      return null
  }
}

/** How the form was sent. `mode`: `test` where somebody listens. */
export type Submission = {
  readonly atMs: number
  readonly mode: "production" | "test"
  readonly query: JsonObject
}

/** The item's fields. */
export function submissionJson(form: FormSettings, sent: SentFields, submission: Submission): JsonObject {
  const fields = form.fields.flatMap((field): [string, JsonValue][] =>
    field.key === null ? [] : [[field.key, fieldValue(field, sent)]],
  )
  const { atMs, mode, query } = submission
  const submittedAt = DateTime.fromMillis(atMs, { zone: form.timeZone }).toISO() ?? ""
  return {
    ...Object.fromEntries(fields),
    submittedAt,
    formMode: mode,
    ...(Object.keys(query).length === 0 ? {} : { formQueryParameters: query }),
  }
}

function fieldValue(field: FormField, sent: SentFields): JsonValue {
  const texts = textsOf(sent, field)
  const [first] = texts
  switch (field.type) {
    case "html":
      return field.content
    case "hidden":
      return first ?? field.content
    case "file":
      return filesValue(field, sent.files.get(field.input) ?? [])
    case "number":
      return first === undefined ? null : Number(first)
    case "date":
      return first === undefined ? null : dateText(field, first)
    default:
      return field.multiple ? texts : (first ?? "")
  }
}

function dateText({ dateFormat }: FormField, text: string): string {
  return dateFormat === null ? text : DateTime.fromISO(text, { zone: "UTC" }).toFormat(dateFormat)
}

function filesValue(field: FormField, files: readonly SentFormFile[]): JsonValue {
  const shown = files.map(({ fileName, mimeType, bytes }) => ({
    filename: fileName ?? "",
    mimetype: mimeType,
    size: bytes,
  }))
  return field.multiple ? shown : (shown[0] ?? null)
}

/** The name in the item's `binary` of a file of a field: of several each has its place behind it. */
export function fileKeyOf(field: FormField, index: number): string {
  const name = (field.key ?? field.input).replace(/\W/g, "_")
  return field.multiple ? `${name}_${index}` : name
}
