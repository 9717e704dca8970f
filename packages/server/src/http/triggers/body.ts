/**
 * Bodies of requests to webhooks, by what they are declared to be (documented): JSON of any kind, forms, texts and XML
 * become the item's `body`; files, and whatever else there is, become files of the run.
 */
import { Refusal } from "@brevet/core/errors"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { bodyFault, requireSoundJson } from "../faults.ts"

/** A file that came with a request, and the field of the item's `binary` that it is for. */
export type SentFile = {
  readonly name: string
  readonly content: Uint8Array
  readonly mimeType: string
  readonly fileName: string | null
}

/** What a body holds. */
export type SentBody = { readonly body: JsonValue; readonly files: readonly SentFile[] }

/** How a webhook takes bodies: `rawBody`: the whole body is a file, too; `binaryName`: what files are called. */
export type BodySettings = { readonly rawBody: boolean; readonly binaryName: string | null }

/** Fields and files of a form (ours). */
const fieldsMax = 1_000
const unknownType = "application/octet-stream"
const mimeType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/

/** The body. Throws VALIDATION_ERROR for one that is not what it is declared to be. */
export async function readTriggerBody(
  bytes: Buffer | undefined,
  contentType: string | undefined,
  settings: BodySettings,
): Promise<SentBody> {
  if (bytes === undefined || bytes.length === 0) return { body: {}, files: [] }
  const type = (contentType?.split(";")[0] ?? "").trim().toLowerCase()
  const sent = await readByType(bytes, { type, contentType, settings })
  if (!settings.rawBody) return sent
  const raw = fileOf(settings.binaryName ?? "data", bytes, { type: type || "application/json", fileName: null })
  return { body: sent.body, files: [raw, ...sent.files.filter(({ name }) => name !== raw.name)] }
}

type Declared = { readonly type: string; readonly contentType: string | undefined; readonly settings: BodySettings }

async function readByType(bytes: Buffer, declared: Declared): Promise<SentBody> {
  const { type, settings } = declared
  if (type === "application/json" || type.endsWith("+json")) return { body: parseJson(bytes), files: [] }
  if (type === "application/x-www-form-urlencoded") {
    return { body: fieldsOf(new URLSearchParams(textOf(bytes))), files: [] }
  }
  if (type === "multipart/form-data") return readForm(bytes, declared)
  if (type.startsWith("text/") || type === "application/xml" || type.endsWith("+xml")) {
    return { body: textOf(bytes), files: [] }
  }
  // Without a type: JSON where it is some, as a request by hand often is.
  if (type === "" && /^\s*[[{]/.test(bytes.toString("latin1", 0, 64))) return { body: parseJson(bytes), files: [] }
  return { body: {}, files: [fileOf(settings.binaryName ?? "data", bytes, { type, fileName: null })] }
}

/** What is no UTF-8 is read with marks in its place, as every reader of texts does. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8")
  return text.startsWith("\uFEFF") ? text.slice(1) : text
}

function parseJson(bytes: Buffer): JsonValue {
  const text = textOf(bytes)
  if (text.trim() === "") return {}
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) throw bodyFault("is not valid JSON", "invalid_json")
    throw error
  }
  requireSoundJson(value)
  return value
}

function fileOf(name: string, content: Uint8Array, facts: { type: string; fileName: string | null }): SentFile {
  return { name, content, mimeType: mimeType.test(facts.type) ? facts.type : unknownType, fileName: facts.fileName }
}

async function readForm(bytes: Buffer, { contentType, settings }: Declared): Promise<SentBody> {
  const { fields, uploads } = await readParts(bytes, contentType)
  return { body: fieldsOf(fields), files: await filesOf(uploads, settings) }
}

/** What somebody sent with a form's page, by the names of its inputs; an input without a choice sends a file without a name. */
export async function readFormBody(
  bytes: Buffer | undefined,
  contentType: string | undefined,
): Promise<{
  readonly texts: ReadonlyMap<string, readonly string[]>
  readonly files: ReadonlyMap<string, readonly SentFile[]>
}> {
  const texts = new Map<string, string[]>()
  const files = new Map<string, SentFile[]>()
  const isPlain = contentType?.toLowerCase().startsWith("application/x-www-form-urlencoded") === true
  const body = bytes ?? Buffer.alloc(0)
  const { fields, uploads } = isPlain
    ? { fields: new URLSearchParams(textOf(body)), uploads: [] }
    : await readParts(body, contentType)
  for (const [name, value] of fields) {
    if (texts.size >= fieldsMax) throw bodyFault(`may have at most ${fieldsMax} fields`, "too_big")
    texts.set(name, [...(texts.get(name) ?? []), value])
  }
  for (const [name, file] of uploads) {
    if (file.name === "" || (file.size === 0 && file.name === "blob")) continue
    const content = new Uint8Array(await file.arrayBuffer())
    const sent = fileOf(name, content, { type: file.type.split(";")[0] ?? "", fileName: file.name })
    files.set(name, [...(files.get(name) ?? []), sent])
  }
  return { texts, files }
}

type Parts = { readonly fields: URLSearchParams; readonly uploads: readonly (readonly [string, File])[] }

async function readParts(bytes: Buffer, contentType: string | undefined): Promise<Parts> {
  const form = await parseForm(bytes, contentType ?? "")
  const fields = new URLSearchParams()
  const uploads: (readonly [string, File])[] = []
  let count = 0
  for (const [name, value] of form) {
    count += 1
    if (count > fieldsMax) throw bodyFault(`may have at most ${fieldsMax} fields`, "too_big")
    if (typeof value === "string") fields.append(name, value)
    else uploads.push([name.replace(/\[\]$/, ""), value])
  }
  return { fields, uploads }
}

/** The reader is the one of `fetch`: it refuses what is no form as a whole. */
async function parseForm(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(bytes), { headers: { "content-type": contentType } }).formData()
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError)
      throw bodyFault("is not a valid form", "invalid_form")
    throw error
  }
}

/** Of several with one name each has its number; with a name of the node's own they are counted under that (documented). */
async function filesOf(
  uploads: readonly (readonly [string, File])[],
  { binaryName }: BodySettings,
): Promise<readonly SentFile[]> {
  const files: SentFile[] = []
  const seen = new Map<string, number>()
  for (const [index, [field, file]] of uploads.entries()) {
    const place = seen.get(field) ?? 0
    seen.set(field, place + 1)
    const isOneOfMany = uploads.filter(([other]) => other === field).length > 1
    const name = binaryName === null ? `${field}${isOneOfMany ? place : ""}` : `${binaryName}${index}`
    if (name === "__proto__") throw new Refusal("VALIDATION_ERROR")
    const content = new Uint8Array(await file.arrayBuffer())
    files.push(fileOf(name, content, { type: file.type.split(";")[0] ?? "", fileName: file.name || null }))
  }
  return files
}

/** Fields by their names; of several with one name a list. */
export function fieldsOf(fields: URLSearchParams): JsonObject {
  const byName = new Map<string, string[]>()
  for (const [name, value] of fields) {
    if (byName.size >= fieldsMax) throw bodyFault(`may have at most ${fieldsMax} fields`, "too_big")
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [value])
    else known.push(value)
  }
  if (byName.has("__proto__") || byName.has("__proto__[]"))
    throw bodyFault("has a name that is not accepted", "forbidden_key")
  return Object.fromEntries(
    [...byName].map(([name, values]): [string, JsonValue] => [
      name.replace(/\[\]$/, ""),
      values.length > 1 || name.endsWith("[]") ? values : (values[0] ?? ""),
    ]),
  )
}
