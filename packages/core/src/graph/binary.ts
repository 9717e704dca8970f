/**
 * Files that items carry: not the bytes, which are kept apart (the server's binary store), but a reference to them in the
 * item's `binary`, under the name of the field:
 *
 *     { json: {…}, binary: { data: { id, mimeType, fileType, fileExtension, fileName?, fileSize, bytes } } }
 *
 * The id is made of the content, so that the same bytes have the same id however often they are kept (ours).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"

/** A reference to a file, as items hold it. `fileSize` is for people (`1.2 kB`, documented), `bytes` for programs (ours). */
export type BinaryReference = JsonObject & {
  readonly id: string
  readonly mimeType: string
  readonly fileSize: string
  readonly bytes: number
}

/** What a file is, beside its bytes. */
export type BinaryFacts = { readonly mimeType: string; readonly fileName: string | null }

/** The type of a file of which nothing is known. */
export const unknownMimeType = "application/octet-stream"

const idPattern = /^bin_[0-9a-f]{64}$/

/** True for a well-formed id of a file: `bin_` and the SHA-256 of its content in hex. */
export function isBinaryId(text: string): boolean {
  return idPattern.test(text)
}

/** The reference to a file that is kept. */
export function binaryReference(id: string, bytes: number, { mimeType, fileName }: BinaryFacts): BinaryReference {
  const fileExtension = extensionOf(fileName) ?? extensions[bareType(mimeType)]
  return {
    id,
    mimeType,
    fileType: mimeType.split("/")[0] ?? "",
    ...(fileExtension === undefined ? {} : { fileExtension }),
    ...(fileName === null ? {} : { fileName }),
    fileSize: sizeText(bytes),
    bytes,
  }
}

/** The file in a field of an item's `binary`; null where the field holds none that is kept. */
export function findBinary(binary: JsonObject | undefined, name: string): (BinaryFacts & { id: string }) | null {
  const value = binary !== undefined && Object.hasOwn(binary, name) ? binary[name] : undefined
  if (!isJsonObject(value) || typeof value.id !== "string" || !isBinaryId(value.id)) return null
  return { id: value.id, ...readFacts(value) }
}

/** A file whose bytes stand in the item itself, as base64: what code makes, and what requests and pinned data bring. */
export type InlineBinary = BinaryFacts & { readonly base64: string }

/** The bytes that stand in a value of `binary`; null where it is a reference, or no file at all. */
export function readInlineBinary(value: JsonValue | undefined): InlineBinary | null {
  if (!isJsonObject(value) || typeof value.data !== "string") return null
  if (typeof value.id === "string" && isBinaryId(value.id)) return null
  return { base64: value.data, ...readFacts(value) }
}

function readFacts({ mimeType, fileName }: JsonObject): BinaryFacts {
  return {
    mimeType: typeof mimeType === "string" && isMimeType(mimeType) ? mimeType : unknownMimeType,
    fileName: typeof fileName === "string" && fileName !== "" ? cleanFileName(fileName) : null,
  }
}

/** Characters of a file's name (ours). */
const fileNameLengthMax = 255
const typeLengthMax = 255

/** True for a type that can stand in a header: `type/subtype` with parameters. */
export function isMimeType(text: string): boolean {
  return (
    text.length <= typeLengthMax &&
    /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[^"\\\r\n]*"))*$/.test(text)
  )
}

/** A file's name without folders and control characters, so that it is one name wherever it is written. */
export function cleanFileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? ""
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = last.replace(/[\u0000-\u001f\u007f]/g, "").trim()
  return [...plain].slice(0, fileNameLengthMax).join("")
}

/** The type without its parameters, in lower case. */
export function bareType(mimeType: string): string {
  return (mimeType.split(";")[0] ?? "").trim().toLowerCase()
}

/** Extensions of the types that workflows make and meet most. */
const extensions: Readonly<Record<string, string>> = {
  "text/plain": "txt",
  "text/csv": "csv",
  "text/html": "html",
  "text/xml": "xml",
  "text/calendar": "ics",
  "text/markdown": "md",
  "application/json": "json",
  "application/xml": "xml",
  "application/pdf": "pdf",
  "application/zip": "zip",
  "application/rtf": "rtf",
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/svg+xml": "svg",
  "audio/mpeg": "mp3",
  "audio/wav": "wav",
  "audio/ogg": "ogg",
  "video/mp4": "mp4",
  "video/webm": "webm",
}

const types: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(extensions).map(([type, extension]) => [extension, type])),
  jpeg: "image/jpeg",
  htm: "text/html",
  // Both have two types; these are the ones that are sent.
  xml: "application/xml",
  txt: "text/plain",
}

/** The type of a file by its name; null where the name does not tell. */
export function mimeTypeOfName(fileName: string): string | null {
  const extension = extensionOf(fileName)?.toLowerCase()
  return extension !== undefined && Object.hasOwn(types, extension) ? (types[extension] ?? null) : null
}

function extensionOf(fileName: string | null): string | undefined {
  return fileName?.match(/[^.]\.([A-Za-z0-9]{1,16})$/)?.[1]
}

const units = ["B", "kB", "MB", "GB"] as const

/** A size for people: three digits that count, in steps of a thousand. */
function sizeText(bytes: number): string {
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  return `${Number((bytes / 1_000 ** step).toPrecision(3))} ${units[step]}`
}
