/** The request that an HTTP Request node of version 3 or 4 sends for an item (documented settings). */
import type { JsonObject } from "../../../json.ts"
import { asBoolean, asNumber, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import {
  type HttpRequest,
  methods,
  type Pair,
  type RequestBody,
  type ResponseFormat,
  type ResponsePlan,
} from "./request.ts"
import {
  fieldsAsBody,
  fieldsAsObject,
  formPairs,
  formParts,
  headerPairs,
  type ListForm,
  mergeHeaders,
  queryPairs,
  readFields,
  readJsonSetting,
  readObjectSetting,
} from "./request-fields.ts"

/** A node's settings for one item: the parameter at a path, its expressions resolved. */
export type Says = (path: string) => unknown

/** How long an answer is waited for where the node says nothing, and at most (milliseconds; documented, ours). */
const timeouts = { default: 300_000, max: 600_000 }
/** Redirects that are followed where the node says nothing (documented), and at most (ours). */
const redirects = { default: 21, max: 50 }

/** What a node asks for an item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function readRequest(context: KindContext, itemIndex: number): HttpRequest {
  const says: Says = (path) => context.parameter(path, itemIndex)
  if ((asText(says("options.proxy")) ?? "") !== "") throw noProxy()
  const body = readBody(says, { nests: context.node.typeVersion >= 4 })
  const response = readResponse(says)
  return {
    method: readMethod(says("method")),
    url: readUrl(says("url")),
    query: readQuery(says),
    headers: mergeHeaders(acceptHeader(response.format), readHeaders(says)),
    body,
    credentialType: readCredentialType(says),
    redirectsMax: readRedirects(says),
    timeoutMs: readTimeout(says("options.timeout")),
    response,
    isIdempotent: asBoolean(says("options.idempotencyKey")) === true,
  }
}

/** The failure of a node that wants a proxy. */
export function noProxy(): NodeFailure {
  const message = "Requests are never sent through a proxy of the node, which would call for us; remove the option."
  return new NodeFailure("NODE_SETTINGS_INVALID", message)
}

/** A method. Throws NODE_SETTINGS_INVALID. */
export function readMethod(value: unknown): string {
  const method = (asText(value) ?? "GET").trim().toUpperCase()
  if (methods.some((known) => known === method)) return method
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The node has no known method; choose one of ${methods.join(", ")}.`)
}

/** An address. Throws NODE_SETTINGS_INVALID for what is none; whether it may be called is judged where it is called. */
export function readUrl(value: unknown): string {
  const url = (asText(value) ?? "").trim()
  if (/^https?:\/\/[^\s/?#]/i.test(url) && url.length <= 65_536) return url
  const message =
    url === ""
      ? "The node has no URL; give it one."
      : `Invalid URL: ${url.slice(0, 200)}. URL must start with "http" or "https".`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

/** A time to wait, within its bounds. */
export function readTimeout(value: unknown): number {
  const ms = asNumber(value)
  return ms === undefined || ms <= 0 ? timeouts.default : Math.min(ms, timeouts.max)
}

/** How many redirects are followed. */
export function boundRedirects(value: unknown): number {
  return Math.min(redirects.max, Math.max(0, Math.floor(asNumber(value) ?? redirects.default)))
}

/** What is accepted, by what is made of the answer. */
export function acceptHeader(format: ResponseFormat): readonly Pair[] {
  if (format === "json") return [["accept", "application/json, text/*;q=0.9, */*;q=0.5"]]
  if (format === "text") return [["accept", "text/*, application/json;q=0.9, */*;q=0.5"]]
  return [["accept", "application/json, text/html;q=0.9, text/*;q=0.8, */*;q=0.7"]]
}

function readRedirects(says: Says): number {
  if (asBoolean(says("options.redirect.redirect.followRedirects")) === false) return 0
  return boundRedirects(says("options.redirect.redirect.maxRedirects"))
}

function readQuery(says: Says): readonly Pair[] {
  if (asBoolean(says("sendQuery")) !== true) return []
  const form = says("options.queryParameterArrays")
  const lists: ListForm = form === "brackets" || form === "repeat" ? form : "indices"
  if (says("specifyQuery") === "json")
    return queryPairs(readObjectSetting(says("jsonQuery"), "JSON Query Parameters"), lists)
  return queryPairs(fieldsAsObject(readFields(says("queryParameters.parameters"))), lists)
}

function readHeaders(says: Says): readonly Pair[] {
  if (asBoolean(says("sendHeaders")) !== true) return []
  if (says("specifyHeaders") === "json") return headerPairs(readObjectSetting(says("jsonHeaders"), "JSON Headers"))
  return headerPairs(fieldsAsObject(readFields(says("headerParameters.parameters"))))
}

/** Names in dots nest in the JSON of version 4; before, they were names (documented). */
function readBody(says: Says, { nests }: { readonly nests: boolean }): RequestBody {
  if (asBoolean(says("sendBody")) !== true) return { type: "none" }
  const fields = (): ReturnType<typeof readFields> => readFields(says("bodyParameters.parameters"))
  switch (says("contentType") ?? "json") {
    case "json":
      if (says("specifyBody") === "json") return { type: "json", value: readJsonSetting(says("jsonBody"), "JSON Body") }
      return { type: "json", value: nests ? fieldsAsBody(fields()) : fieldsAsObject(fields()) }
    case "form-urlencoded":
      if (says("specifyBody") !== "string") return { type: "form", fields: formPairs(fields()) }
      return { type: "text", text: asText(says("body")) ?? "", contentType: "application/x-www-form-urlencoded" }
    case "multipart-form-data":
      return { type: "multipart", parts: formParts(fields()) }
    case "binaryData":
      return { type: "file", field: (asText(says("inputDataFieldName")) ?? "").trim() || "data", contentType: null }
    case "raw":
      return {
        type: "text",
        text: asText(says("body")) ?? "",
        contentType: (asText(says("rawContentType")) ?? "").trim() || null,
      }
    default:
      throw new NodeFailure("NODE_SETTINGS_INVALID", "The content type of the body is not known; choose another one.")
  }
}

function readResponse(says: Says): ResponsePlan {
  const place = "options.response.response"
  const format = says(`${place}.responseFormat`)
  return {
    format: format === "json" || format === "text" || format === "file" ? format : "auto",
    field: (asText(says(`${place}.outputPropertyName`)) ?? "").trim() || "data",
    isFull: asBoolean(says(`${place}.fullResponse`)) === true,
    neverFails: asBoolean(says(`${place}.neverError`)) === true,
    holds: "data",
  }
}

function readCredentialType(says: Says): string | null {
  const way = says("authentication") ?? "none"
  if (way === "none" || way === "") return null
  const name = asText(says(way === "predefinedCredentialType" ? "nodeCredentialType" : "genericAuthType")) ?? ""
  if (name === "")
    throw new NodeFailure("CREDENTIAL_MISSING", "The node wants a credential and does not say of which type.")
  return name
}

/** The settings of pagination and batching as they stand: their expressions are resolved page by page. */
export function rawOption(parameters: JsonObject, name: string): JsonObject {
  const option = objectAt(objectAt(parameters, "options"), name)
  return objectAt(option, name === "batching" ? "batch" : name)
}

function objectAt(holder: JsonObject, name: string): JsonObject {
  const value = Object.hasOwn(holder, name) ? holder[name] : undefined
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
