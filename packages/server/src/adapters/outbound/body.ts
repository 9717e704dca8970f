/** The body of an answer: read and decoded within a bound, so that neither its bytes nor what they unpack to can fill memory. */
import { pipeline, Readable, type Transform } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib"
import { OutboundFailure } from "../../ports/outbound.ts"

/** Encodings that are understood, as a request offers them. */
export const acceptedEncodings = "gzip, deflate, br"

/** Encodings on top of each other (ours): more are no answer but a bomb. */
const encodingsMax = 3

/** Reads a body to its end. Throws OutboundFailure: `too-large`, `broken`. */
export async function readBody(
  body: Readable,
  options: { readonly encoding: string | undefined; readonly bytesMax: number },
): Promise<Uint8Array> {
  // A body that is left alone says that it was: nobody needs to hear it.
  body.on("error", () => {})
  let source: Readable | null = null
  try {
    // Packed bytes count too: an answer that unpacks to little is not worth more reading either.
    source = await decoded(bounded(body, options.bytesMax), encodingsOf(options.encoding))
    const chunks: Uint8Array[] = []
    for await (const chunk of bounded(source, options.bytesMax)) chunks.push(chunk)
    return Buffer.concat(chunks)
  } catch (error) {
    throw isOfZlib(error) ? notDecodable(error) : error
  } finally {
    source?.destroy()
    body.destroy()
  }
}

async function* bounded(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new OutboundFailure("too-large", `The answer is larger than ${bytesMax} bytes.`)
    yield chunk
  }
}

/** The codings of a `content-encoding` in the order in which they have to be undone. Throws OutboundFailure. */
function encodingsOf(header: string | undefined): readonly string[] {
  const named = (header ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim().replace(/^x-/, ""))
    .filter((name) => name !== "" && name !== "identity")
  if (named.length > encodingsMax || named.some((name) => !["gzip", "deflate", "br"].includes(name))) {
    throw new OutboundFailure("broken", "The answer is encoded in a way that is not understood here.")
  }
  return named.reverse()
}

/** The decoded stream. An answer without any byte is empty, however it says it is encoded. */
async function decoded(body: AsyncGenerator<Uint8Array>, encodings: readonly string[]): Promise<Readable> {
  let first = await body.next()
  while (first.done !== true && first.value.length === 0) first = await body.next()
  if (first.done === true) return Readable.from([])
  const { value } = first
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield value
    yield* body
  }
  const source = Readable.from(whole(), { objectMode: false })
  return encodings.reduce<Readable>((stream, encoding, index) => {
    // Some servers send deflated data without the head that the name demands; its first byte tells.
    const isBare = encoding === "deflate" && index === 0 && ((value[0] ?? 0) & 0x0f) !== 0x08
    // What breaks is told to whoever reads the last of them.
    return pipeline(stream, isBare ? createInflateRaw() : decoderOf(encoding), () => {})
  }, source)
}

function decoderOf(encoding: string): Transform {
  if (encoding === "br") return createBrotliDecompress()
  return encoding === "gzip" ? createGunzip() : createInflate()
}

function isOfZlib(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  return code.startsWith("Z_") || code.startsWith("ERR__ERROR_") || code.startsWith("ERR_BROTLI") || code === "ERR_ZLIB"
}

function notDecodable(cause: unknown): OutboundFailure {
  return new OutboundFailure("broken", "The answer cannot be decoded.", { cause })
}
