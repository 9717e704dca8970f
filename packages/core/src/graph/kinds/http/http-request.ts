/**
 * HTTP Request: asks an address and makes items of the answer. Pure: what is asked for an item, and how the requests of
 * several items go together; asking is the performer's, through the guard of requests that leave.
 */
import { isJsonObject, type JsonObject } from "../../../json.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import { asNumber, parseJson } from "../../value-types.ts"
import type { EffectKind, KindContext } from "../kind.ts"
import { onePort } from "../ports.ts"
import { readGraphqlRequest } from "./graphql.ts"
import type { HttpRequest } from "./request.ts"
import { rawOption, readRequest } from "./request-settings.ts"
import { readEarlyRequest } from "./request-settings-early.ts"
import { readFeedRequest } from "./rss-feed-read.ts"

/** The kind. */
export const httpRequest: EffectKind = {
  name: "httpRequest",
  types: ["n8n-nodes-base.httpRequest"],
  title: "HTTP Request",
  help: "Asks an address over HTTP and gives its answer.",
  group: "outside",
  effect: "http",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** What a node asks for an item. Throws NODE_SETTINGS_INVALID, CREDENTIAL_MISSING and ExpressionError. */
export function prepareHttpRequest(context: KindContext, itemIndex: number): HttpRequest {
  const { kind, typeVersion } = context.node
  if (kind === "graphql") return readGraphqlRequest(context, itemIndex)
  if (kind === "rssFeedRead") return readFeedRequest(context, itemIndex)
  return typeVersion < 3 ? readEarlyRequest(context, itemIndex) : readRequest(context, itemIndex)
}

/** For how many items a node asks: RSS Read of version 1 for the first alone (documented), every other for each. */
export function requestCount({ node, inputs }: KindContext): number {
  const count = inputs[0]?.length ?? 0
  return node.kind === "rssFeedRead" && node.typeVersion < 1.1 ? Math.min(1, count) : count
}

/** How many requests go out before a pause, and how long that is; `size` null: all, without one. */
export type Batching = { readonly size: number | null; readonly intervalMs: number }

/** The batches of a node (documented: 50 items and a second where the option is there and says nothing). */
export function readBatching(context: KindContext): Batching {
  const { parameters, typeVersion } = context.node
  const says = (value: unknown): number | undefined => asNumber(context.resolve((value ?? null) as never, 0))
  if (typeVersion < 3) {
    const options = isJsonObject(parameters.options) ? parameters.options : {}
    const interval = says(options.batchInterval)
    return batchingOf(interval === undefined ? null : (says(options.batchSize) ?? 50), interval)
  }
  const batch = rawOption(parameters, "batching")
  if (Object.keys(batch).length === 0) return { size: null, intervalMs: 0 }
  return batchingOf(says(batch.batchSize) ?? 50, says(batch.batchInterval) ?? 1_000)
}

function batchingOf(size: number | null, intervalMs: number | undefined): Batching {
  const isBatched = size !== null && size > 0
  return { size: isBatched ? Math.floor(Math.max(1, size)) : null, intervalMs: Math.max(0, intervalMs ?? 0) }
}

const isExpression = (value: unknown): boolean => typeof value === "string" && value.startsWith("=")

function check({ parameters, name, path, typeVersion }: GraphNode): Finding[] {
  const place = pathTo(path, "parameters")
  const about = (field: string, finding: Pick<Finding, "severity" | "code" | "message">): Finding => {
    const at = field.split(".").reduce<string>(pathTo, place)
    return { ...finding, node: name, path: at }
  }
  const findings: Finding[] = []
  const { url } = parameters
  if (typeof url !== "string" || url.trim() === "") {
    const message = `Give ${quote(name)} a URL.`
    findings.push(about("url", { severity: "error", code: "SETTING_MISSING", message }))
  } else if (!isExpression(url) && !/^\s*https?:\/\//i.test(url)) {
    const message = `Begin the URL of ${quote(name)} with http:// or https://.`
    findings.push(about("url", { severity: "error", code: "SETTING_INVALID", message }))
  }
  const { jsonBody } = parameters
  const isBody = typeVersion >= 3 && parameters.sendBody === true && parameters.specifyBody === "json"
  if (isBody && typeof jsonBody === "string" && !isExpression(jsonBody) && isBroken(jsonBody)) {
    const message = `Correct the JSON of the body of ${quote(name)}: it is not valid.`
    findings.push(about("jsonBody", { severity: "error", code: "SETTING_INVALID", message }))
  }
  return [...findings, ...checkOptions(parameters, name).map(([field, finding]) => about(field, finding))]
}

const isBroken = (text: string): boolean => text.trim() !== "" && parseJson(text) === undefined

/** Options that are not honoured here. */
function checkOptions(
  { options }: JsonObject,
  name: string,
): [field: string, finding: Pick<Finding, "severity" | "code" | "message">][] {
  if (!isJsonObject(options)) return []
  const found: [string, Pick<Finding, "severity" | "code" | "message">][] = []
  if (options.proxy !== undefined && options.proxy !== "") {
    const message = `Remove the proxy of ${quote(name)}: requests are never sent through one.`
    found.push(["options.proxy", { severity: "error", code: "SETTING_UNSUPPORTED", message }])
  }
  if (options.allowUnauthorizedCerts === true) {
    const message = `Certificates are always checked, also those that ${quote(name)} would accept unchecked.`
    found.push(["options.allowUnauthorizedCerts", { severity: "warning", code: "SETTING_UNSUPPORTED", message }])
  }
  return found
}
