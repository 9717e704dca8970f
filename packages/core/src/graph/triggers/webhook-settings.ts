/** The settings of a webhook, versions 1 to 2.x, as its address needs them before a run (documented parameters of n8n). */
import type { JsonValue } from "../../json.ts"
import type { GraphNode } from "../graph.ts"
import { readAuthentication, type TriggerAuthentication } from "./authentication.ts"
import { type HeaderPair, headersOf, objectOf, statusOf, textOf } from "./settings.ts"

/** The methods that a webhook can take (documented). */
export const webhookMethods = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"] as const
/** One of them. */
export type WebhookMethod = (typeof webhookMethods)[number]

/** What is answered once the last node has run (documented). */
export type LastNodeData = "allEntries" | "firstEntryJson" | "firstEntryBinary" | "noData"

/** When and how a webhook answers. */
export type WebhookResponse =
  /** `body` undefined: the standard one; null: none. */
  | { readonly when: "immediately"; readonly body: JsonValue | undefined }
  | {
      readonly when: "last-node"
      readonly data: LastNodeData
      readonly binaryName: string
      /** Of the first entry: only this field, and as which type. */
      readonly propertyName: string | null
      readonly contentType: string | null
    }
  | { readonly when: "node" }
  | { readonly when: "streaming" }

/** A webhook's settings. */
export type WebhookSettings = {
  /** Sorted as the node lists them; the output of each is its place, where the node takes several. */
  readonly methods: readonly WebhookMethod[]
  readonly hasOutputPerMethod: boolean
  readonly authentication: TriggerAuthentication
  readonly response: WebhookResponse
  readonly status: number
  readonly headers: readonly HeaderPair[]
  /** The body is kept as a file, too, byte for byte. */
  readonly rawBody: boolean
  /** The name for files of a request; null: each file is called as its field, or `data`. */
  readonly binaryName: string | null
  readonly ignoreBots: boolean
  /** Addresses and ranges that may call; empty: all. */
  readonly allowedAddresses: readonly string[]
  /** Origins of browsers; `*` alone: all. */
  readonly allowedOrigins: readonly string[]
}

/** What a webhook says. */
export function readWebhook(node: GraphNode): WebhookSettings {
  const { parameters } = node
  const options = objectOf(parameters.options)
  return {
    methods: readMethods(node),
    hasOutputPerMethod: parameters.multipleMethods === true,
    authentication: readAuthentication(node),
    response: readResponse(node),
    status: readStatus(node) ?? 200,
    headers: headersOf(options.responseHeaders),
    rawBody: options.rawBody === true,
    binaryName: textOf(options.binaryPropertyName),
    ignoreBots: options.ignoreBots === true,
    allowedAddresses: listOf(options.ipWhitelist),
    allowedOrigins: readOrigins(options.allowedOrigins),
  }
}

/** The methods of a webhook, each once; `GET` where it names none that there is. */
export function readMethods({ parameters }: GraphNode): readonly WebhookMethod[] {
  const { httpMethod, multipleMethods } = parameters
  const named = multipleMethods === true ? (Array.isArray(httpMethod) ? httpMethod : ["GET", "POST"]) : [httpMethod]
  const methods = (named as readonly JsonValue[]).flatMap((name) =>
    webhookMethods.filter((method) => typeof name === "string" && method === name.toUpperCase()),
  )
  return methods.length === 0 ? ["GET"] : [...new Set(methods)]
}

function readResponse({ parameters }: GraphNode): WebhookResponse {
  const options = objectOf(parameters.options)
  switch (parameters.responseMode) {
    case "responseNode":
      return { when: "node" }
    case "streaming":
      return { when: "streaming" }
    case "lastNode":
      return {
        when: "last-node",
        data: readData(parameters.responseData),
        binaryName: textOf(parameters.responseBinaryPropertyName) ?? "data",
        propertyName: textOf(options.responsePropertyName),
        contentType: textOf(options.responseContentType),
      }
    default:
      return { when: "immediately", body: options.noResponseBody === true ? null : immediateBody(options.responseData) }
  }
}

function immediateBody(value: JsonValue | undefined): JsonValue | undefined {
  return value === "" || value === null || value === undefined ? undefined : value
}

function readData(value: JsonValue | undefined): LastNodeData {
  return value === "allEntries" || value === "firstEntryBinary" || value === "noData" ? value : "firstEntryJson"
}

/** Version 1 says it beside the options, later ones within them: `{values: {responseCode, customCode}}`. */
function readStatus({ parameters }: GraphNode): number | null {
  const { responseCode } = objectOf(parameters.options)
  const values = objectOf(objectOf(responseCode).values)
  const custom = values.responseCode === "customCode" ? values.customCode : values.responseCode
  return statusOf(custom) ?? statusOf(responseCode) ?? statusOf(parameters.responseCode)
}

/** Names in a text with commas; a list is taken too. */
function listOf(value: JsonValue | undefined): readonly string[] {
  const named = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : []
  return (named as readonly unknown[]).flatMap((name) =>
    typeof name === "string" && name.trim() !== "" ? [name.trim()] : [],
  )
}

/** All origins where nothing is said (documented). Slashes at the end are no part of an origin. */
function readOrigins(value: JsonValue | undefined): readonly string[] {
  const origins = listOf(value).map((origin) => origin.replace(/\/+$/, ""))
  return origins.length === 0 || origins.includes("*") ? ["*"] : origins
}
