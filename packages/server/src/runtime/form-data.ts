/** Form data as the bytes of a body (RFC 7578). Names are escaped as browsers do, so that none can end its own header. */
import { randomBytes } from "node:crypto"

/** A part: a text, or a file with its type and name. */
export type DataPart = { readonly name: string } & (
  | { readonly text: string }
  | { readonly content: Uint8Array; readonly mimeType: string; readonly fileName: string }
)

/** The bytes of form data, and the type that they are sent under. */
export function encodeFormData(parts: readonly DataPart[]): { readonly bytes: Buffer; readonly contentType: string } {
  // Nobody who chose the parts knows the boundary.
  const boundary = `brevet-${randomBytes(16).toString("hex")}`
  const pieces = parts.flatMap((part) => {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(part.name)}"`
    if ("text" in part) return [Buffer.from(`${head}\r\n\r\n${part.text}\r\n`)]
    const file = `; filename="${escapeName(part.fileName)}"\r\nContent-Type: ${part.mimeType}\r\n\r\n`
    return [Buffer.from(`${head}${file}`), part.content, Buffer.from("\r\n")]
  })
  const bytes = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
  return { bytes, contentType: `multipart/form-data; boundary=${boundary}` }
}

function escapeName(name: string): string {
  return name.replace(/\r\n|\r|\n/g, "%0D%0A").replaceAll('"', "%22")
}
