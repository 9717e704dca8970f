/** The request that an HTTP Request node of version 1 or 2 sends for an item (documented settings of those versions). */
import { asBoolean, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import type { HttpRequest, Pair, RequestBody, ResponsePlan } from "./request.ts"
import {
  fieldsAsObject,
  formPairs,
  formParts,
  headerPairs,
  mergeHeaders,
  queryPairs,
  readFields,
  readJsonSetting,
  readObjectSetting,
} from "./request-fields.ts"
import {
  acceptHeader,
  boundRedirects,
  noProxy,
  readMethod,
  readTimeout,
  readUrl,
  type Says,
} from "./request-settings.ts"

/** What a node of an early version asks for an item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function readEarlyRequest(context: KindContext, itemIndex: number): HttpRequest {
  const says: Says = (path) => context.parameter(path, itemIndex)
  if ((asText(says("options.proxy")) ?? "") !== "") throw noProxy()
  const method = readMethod(says("requestMethod"))
  const isJson = asBoolean(says("jsonParameters")) === true
  const response = readResponse(says)
  return {
    method,
    url: readUrl(says("url")),
    query: readQuery(says, { isJson }),
    headers: mergeHeaders(acceptHeader(response.format), readHeaders(says, { isJson })),
    body: method === "GET" || method === "HEAD" ? { type: "none" } : readBody(says, { isJson }),
    credentialType: readEarlyCredentialType(says),
    redirectsMax: follows(says, method) ? boundRedirects(undefined) : 0,
    timeoutMs: readTimeout(says("options.timeout")),
    response,
    isIdempotent: asBoolean(says("options.idempotencyKey")) === true,
  }
}

type Form = { readonly isJson: boolean }

function readQuery(says: Says, { isJson }: Form): readonly Pair[] {
  if (isJson) return queryPairs(readObjectSetting(says("queryParametersJson"), "Query Parameters"), "indices")
  return queryPairs(fieldsAsObject(readFields(says("queryParametersUi.parameter"))), "indices")
}

function readHeaders(says: Says, { isJson }: Form): readonly Pair[] {
  if (isJson) return headerPairs(readObjectSetting(says("headerParametersJson"), "Headers"))
  return headerPairs(fieldsAsObject(readFields(says("headerParametersUi.parameter"))))
}

function readBody(says: Says, { isJson }: Form): RequestBody {
  if (isJson && asBoolean(says("sendBinaryData")) === true) return readFileBody(says)
  const type = says("options.bodyContentType") ?? "json"
  const given = (asText(says("options.bodyContentCustomMimeType")) ?? "").trim()
  if (type === "raw") {
    const text = asText(says(isJson ? "bodyParametersJson" : "body")) ?? ""
    return { type: "text", text, contentType: given || null }
  }
  const value = isJson ? readJsonSetting(says("bodyParametersJson"), "Body Parameters") : undefined
  const fields = isJson ? fieldsOf(value) : readFields(says("bodyParametersUi.parameter"))
  if (fields.length === 0 && value === undefined) return { type: "none" }
  if (type === "form-urlencoded") return { type: "form", fields: formPairs(fields) }
  if (type === "multipart-form-data") return { type: "multipart", parts: formParts(fields) }
  return { type: "json", value: value ?? fieldsAsObject(fields) }
}

/** `name:field, …` sends form data, a field alone the file itself (documented). */
function readFileBody(says: Says): RequestBody {
  const names = (asText(says("binaryPropertyName")) ?? "").trim() || "data"
  if (!names.includes(":") && !names.includes(",")) return { type: "file", field: names, contentType: null }
  const parts = names.split(",").flatMap((pair) => {
    const [name = "", field = name] = pair.split(":").map((word) => word.trim())
    return name === "" ? [] : [{ name, file: field }]
  })
  return { type: "multipart", parts }
}

function fieldsOf(value: unknown): ReturnType<typeof readFields> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return []
  return Object.entries(value).map(([name, entry]: [string, unknown]) => ({ name, value: entry, settings: {} }))
}

function readResponse(says: Says): ResponsePlan {
  const format = says("responseFormat") ?? "json"
  return {
    format: format === "string" ? "text" : format === "file" ? "file" : "json",
    field: (asText(says("dataPropertyName")) ?? "").trim() || "data",
    isFull: asBoolean(says("options.fullResponse")) === true,
    neverFails: asBoolean(says("options.ignoreResponseCode")) === true,
    holds: "data",
  }
}

/** GET and HEAD follow redirects unless told otherwise, other methods only where told so (documented). */
function follows(says: Says, method: string): boolean {
  if (asBoolean(says("options.followAllRedirects")) === true) return true
  const isRead = method === "GET" || method === "HEAD"
  return isRead && asBoolean(says("options.followRedirect")) !== false
}

/** The ways of version 1, with the types of their credentials. */
const ways: Readonly<Record<string, string>> = {
  basicAuth: "httpBasicAuth",
  digestAuth: "httpDigestAuth",
  headerAuth: "httpHeaderAuth",
  queryAuth: "httpQueryAuth",
  oAuth1: "oAuth1Api",
  oAuth2: "oAuth2Api",
}

/** The type of a credential by the way that an early version names; null for none. Throws CREDENTIAL_MISSING. */
export function readEarlyCredentialType(says: Says): string | null {
  const way = asText(says("authentication")) ?? "none"
  if (way === "none" || way === "") return null
  const named = way === "predefinedCredentialType" ? says("nodeCredentialType") : says("genericAuthType")
  const type = Object.hasOwn(ways, way) ? ways[way] : asText(named)
  if (type === undefined || type === "") {
    throw new NodeFailure("CREDENTIAL_MISSING", "The node wants a credential and does not say of which type.")
  }
  return type
}
