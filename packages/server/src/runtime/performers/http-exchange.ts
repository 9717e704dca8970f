/** One request of an HTTP Request node and its answer: from what the node says to what leaves, and back to data. */
import { createHash } from "node:crypto"
import { bareType, cleanFileName, isMimeType, mimeTypeOfName, unknownMimeType } from "@brevet/core/graph/binary"
import type { Item } from "@brevet/core/graph/items"
import {
  addressOf,
  formText,
  type HttpRequest,
  type Pair,
  type RequestBody,
} from "@brevet/core/graph/kinds/http/request"
import {
  type AnswerContent,
  answerForm,
  type HttpAnswer,
  readJsonAnswer,
  statusFailure,
} from "@brevet/core/graph/kinds/http/response-items"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import type { OpenCredential } from "../../ports/credential-access.ts"
import { type Outbound, type OutboundAnswer, OutboundFailure } from "../../ports/outbound.ts"
import { keepFile, readFile } from "../files.ts"
import { type DataPart, encodeFormData } from "../form-data.ts"
import { maskAnswer, maskMessage } from "../masking.ts"
import type { Work } from "../perform.ts"

/** The way out. */
export type HttpPorts = { readonly outbound: Outbound }

/** What is asked. */
export type Asking = Occasion & { readonly request: HttpRequest }

/** For which item something is asked, with which credential; `accepts`: statuses that are no failure although they say so. */
export type Occasion = {
  readonly itemIndex: number
  readonly credential: OpenCredential | null
  readonly accepts?: (status: number) => boolean
  /** Of a tool: which of its calls it is; the node may be asked several times for one item. */
  readonly use?: string
}

/** Bytes of an answer, decoded (ours): it is held in memory as a whole. */
const answerBytesMax = 64 * 1024 * 1024

/** Headers in which nodes carry secrets of their own: never sent to another origin by a redirect. */
const secretHeaders = [
  "x-api-key",
  "api-key",
  "apikey",
  "x-auth-token",
  "x-access-token",
  "private-token",
  "x-goog-api-key",
]

/** Headers that the connection itself writes. */
const ownHeaders: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "expect",
  "te",
  "trailer",
  "proxy-authorization",
])

/**
 * Asks, and reads the answer. Throws NodeFailure: OUTBOUND_REFUSED where the guard lets the request not go, HTTP_ERROR where
 * there was no answer or its status says so; and the reason of the segment's signal.
 */
export async function ask(ports: HttpPorts, work: Work, { request, ...asking }: Asking): Promise<HttpAnswer> {
  const { credential } = asking
  const secrets = credential?.secrets ?? []
  const encoded = await encodeBody(work, { request, asking })
  const { url, headers } = withoutUser(request)
  try {
    const answer = await ports.outbound.send(
      {
        method: request.method,
        url,
        headers: headersOf(work, { request, asking, headers, contentType: encoded.contentType }),
        secretHeaders,
        body: encoded.body,
        credential,
        hasSecretBody: credential !== null && Object.keys(credential.auth.body).length > 0,
        redirectsMax: request.redirectsMax,
        timeoutMs: request.timeoutMs,
        responseBytesMax: Math.min(answerBytesMax, work.workshop.bounds.fileBytesMax),
      },
      { signal: work.segment.signal },
    )
    return await readAnswer(work, { request, answer, secrets, asking })
  } catch (error) {
    if (!(error instanceof OutboundFailure)) throw error
    const code = error.kind === "refused" ? "OUTBOUND_REFUSED" : "HTTP_ERROR"
    const details: JsonObject = error.systemCode === null ? {} : { system_code: error.systemCode }
    throw new NodeFailure(code, maskMessage(error.message, secrets), { details, cause: error })
  }
}

type Encoded = { readonly body: Uint8Array | string | null; readonly contentType: string | null }

async function encodeBody(
  work: Work,
  { request, asking }: { readonly request: HttpRequest; readonly asking: Occasion },
): Promise<Encoded> {
  const body = withSecretFields(request.body, asking.credential?.auth.body ?? {})
  const item: Item = work.context.inputs[0]?.[asking.itemIndex] ?? { json: {} }
  switch (body.type) {
    case "none":
      return { body: null, contentType: null }
    case "json":
      return body.value === undefined
        ? { body: null, contentType: null }
        : { body: JSON.stringify(body.value), contentType: "application/json" }
    case "form":
      return { body: formText(body.fields), contentType: "application/x-www-form-urlencoded" }
    case "text":
      return { body: body.text, contentType: body.contentType }
    case "file": {
      const file = await readFile(work, item, body.field)
      return { body: file.content, contentType: body.contentType ?? file.mimeType }
    }
    case "multipart": {
      const parts: DataPart[] = []
      for (const part of body.parts) {
        if ("text" in part) parts.push(part)
        else {
          const { content, mimeType, fileName } = await readFile(work, item, part.file)
          parts.push({ name: part.name, content, mimeType, fileName: fileName ?? part.file })
        }
      }
      const { bytes, contentType } = encodeFormData(parts)
      return { body: bytes, contentType }
    }
  }
}

/** The body with the fields that a credential puts into it: into an object, a form or form data. */
function withSecretFields(body: RequestBody, fields: JsonObject): RequestBody {
  const texts = Object.entries(fields).map(([name, value]): Pair => {
    return [name, typeof value === "string" ? value : JSON.stringify(value)]
  })
  if (texts.length === 0) return body
  if (body.type === "form") return { ...body, fields: [...body.fields, ...texts] }
  if (body.type === "multipart") {
    return { ...body, parts: [...body.parts, ...texts.map(([name, text]) => ({ name, text }))] }
  }
  if (body.type === "none" || (body.type === "json" && body.value === undefined)) return { type: "json", value: fields }
  return body.type === "json" && isJsonObject(body.value) ? { type: "json", value: { ...body.value, ...fields } } : body
}

/** The address without a user name and password, which go as a header. */
function withoutUser(request: HttpRequest): { readonly url: string; readonly headers: readonly Pair[] } {
  const text = addressOf(request)
  if (!URL.canParse(text)) return { url: text, headers: [] }
  const url = new URL(text)
  if (url.username === "" && url.password === "") return { url: text, headers: [] }
  const pair = `${decodeText(url.username)}:${decodeText(url.password)}`
  url.username = ""
  url.password = ""
  return { url: url.href, headers: [["authorization", `Basic ${Buffer.from(pair).toString("base64")}`]] }
}

function decodeText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // Not encoded: it means itself.
  }
}

type HeaderParts = {
  readonly request: HttpRequest
  readonly asking: Occasion
  readonly headers: readonly Pair[]
  readonly contentType: string | null
}

function headersOf(work: Work, { request, asking, headers, contentType }: HeaderParts): readonly Pair[] {
  const made: Pair[] = [["user-agent", "brevet"], ...headers]
  if (contentType !== null) made.push(["content-type", contentType])
  if (request.isIdempotent) made.push(["idempotency-key", idempotencyKey(work, asking)])
  const isForm = request.body.type === "multipart"
  const given = request.headers.filter(([name]) => {
    const lower = name.toLowerCase()
    // Form data says its boundary itself.
    return !ownHeaders.has(lower) && !(isForm && lower === "content-type")
  })
  const named = new Set(given.map(([name]) => name.toLowerCase()))
  return [...made.filter(([name]) => !named.has(name)), ...given]
}

/** The same for every try of the item's request: after a crash the other side knows it again. */
function idempotencyKey({ segment, key }: Work, { itemIndex, use }: Occasion): string {
  const place = JSON.stringify([segment.runId, key.node, key.iteration, itemIndex, ...(use === undefined ? [] : [use])])
  return createHash("sha256").update(place).digest("hex").slice(0, 32)
}

type Received = {
  readonly request: HttpRequest
  readonly answer: OutboundAnswer
  readonly secrets: readonly string[]
  readonly asking: Occasion
}

async function readAnswer(work: Work, received: Received): Promise<HttpAnswer> {
  const { request, answer, secrets, asking } = received
  const { status, statusText } = answer
  const contentType = headerOf(answer, "content-type")
  const isGood = (status >= 200 && status < 300) || request.response.neverFails || asking.accepts?.(status) === true
  if (!isGood) {
    const isText = answerForm("auto", contentType) !== "file"
    throw statusFailure(answer, isText ? maskMessage(decodeBody(answer, contentType), secrets) : "")
  }
  const headers: JsonObject = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => {
      return [
        name,
        typeof value === "string" ? maskAnswer(value, secrets) : value.map((one) => maskAnswer(one, secrets)),
      ]
    }),
  )
  return { status, statusText, headers, content: await readContent(work, received) }
}

async function readContent(work: Work, { request, answer, secrets }: Received): Promise<AnswerContent> {
  const contentType = headerOf(answer, "content-type")
  const form = answerForm(request.response.format, contentType)
  if (form === "file") {
    const facts = { mimeType: mimeTypeOf(answer, contentType), fileName: fileNameOf(answer) }
    return { type: "file", file: await keepFile(work, { ...facts, content: answer.body }) }
  }
  const isText = form === "text" && (request.response.format === "text" || contentType !== null)
  if (answer.body.length === 0 && !isText) return { type: "empty" }
  const text = maskAnswer(decodeBody(answer, contentType), secrets)
  return form === "json" ? readJsonAnswer(text, request.response) : { type: "text", text }
}

function headerOf({ headers }: OutboundAnswer, name: string): string | null {
  const value = headers[name]
  return typeof value === "string" ? value : (value?.[0] ?? null)
}

/** The body as text, by the character set that it names. */
function decodeBody({ body }: OutboundAnswer, contentType: string | null): string {
  const named = /charset\s*=\s*"?([\w:.-]{1,40})/i.exec(contentType ?? "")?.[1] ?? "utf-8"
  try {
    return new TextDecoder(named).decode(body)
  } catch (error) {
    // No character set that anybody knows: then the usual one.
    if (error instanceof RangeError) return new TextDecoder().decode(body)
    throw error
  }
}

function mimeTypeOf(answer: OutboundAnswer, contentType: string | null): string {
  const type = bareType(contentType ?? "")
  if (type !== "" && isMimeType(type)) return type
  return mimeTypeOfName(fileNameOf(answer) ?? "") ?? unknownMimeType
}

/** The name that the other side gives, else the end of the address. */
function fileNameOf(answer: OutboundAnswer): string | null {
  const disposition = headerOf(answer, "content-disposition") ?? ""
  const extended = /filename\*\s*=\s*(?:utf-8|iso-8859-1)'[^']*'([^;\s]{1,1000})/i.exec(disposition)?.[1]
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.){1,1000})"|([^;\s]{1,1000}))/i.exec(disposition)
  const last = URL.canParse(answer.url) ? new URL(answer.url).pathname.split("/").at(-1) : undefined
  const fromPath = last?.includes(".") === true ? decodeText(last) : undefined
  const given =
    extended === undefined ? (plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2] ?? fromPath) : decodeText(extended)
  const name = given === undefined ? "" : cleanFileName(given)
  return name === "" ? null : name
}
