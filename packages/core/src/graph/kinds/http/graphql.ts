/** GraphQL: asks an endpoint, and fails where its answer tells of errors (documented settings). */
import type { JsonObject } from "../../../json.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import { asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "../kind.ts"
import { onePort } from "../ports.ts"
import type { HttpRequest, RequestBody } from "./request.ts"
import { fieldsAsObject, headerPairs, mergeHeaders, readFields, readObjectSetting } from "./request-fields.ts"
import { acceptHeader, boundRedirects, readTimeout, readUrl, type Says } from "./request-settings.ts"
import { readEarlyCredentialType } from "./request-settings-early.ts"

/** The kind. */
export const graphql: EffectKind = {
  name: "graphql",
  types: ["n8n-nodes-base.graphql"],
  title: "GraphQL",
  help: "Asks a GraphQL endpoint and gives its answer.",
  group: "outside",
  effect: "http",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** What a GraphQL node asks for an item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function readGraphqlRequest(context: KindContext, itemIndex: number): HttpRequest {
  const says: Says = (path) => context.parameter(path, itemIndex)
  const query = (asText(says("query")) ?? "").trim()
  if (query === "") throw new NodeFailure("NODE_SETTINGS_INVALID", "The node has no query; give it one.")
  const isGet = says("requestMethod") === "GET"
  const isText = says("responseFormat") === "string"
  const form = says("requestFormat") ?? (context.node.typeVersion < 1.1 ? "graphql" : "json")
  return {
    method: isGet ? "GET" : "POST",
    url: readUrl(says("endpoint")),
    query: isGet ? [["query", query]] : [],
    headers: mergeHeaders(
      acceptHeader("json"),
      headerPairs(fieldsAsObject(readFields(says("headerParametersUi.parameter")))),
    ),
    body: isGet ? { type: "none" } : bodyOf(says, { query, isJson: form === "json" }),
    credentialType: readEarlyCredentialType(says),
    redirectsMax: boundRedirects(undefined),
    timeoutMs: readTimeout(undefined),
    response: {
      format: isText ? "text" : "json",
      field: (asText(says("dataPropertyName")) ?? "").trim() || "data",
      isFull: false,
      neverFails: false,
      holds: isText ? "data" : "graphql",
    },
    isIdempotent: false,
    // What only reads may be asked twice; a word that is only in a text counts as well, which does no harm.
    isRead: !/\b(mutation|subscription)\b/.test(query),
  }
}

function bodyOf(says: Says, { query, isJson }: { readonly query: string; readonly isJson: boolean }): RequestBody {
  if (!isJson) return { type: "text", text: query, contentType: "application/graphql" }
  const variables = readObjectSetting(says("variables"), "Variables")
  const operationName = asText(says("operationName")) ?? ""
  return { type: "json", value: { query, variables, operationName: operationName === "" ? null : operationName } }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const missing = (["endpoint", "query"] as const).filter((field) => isBlank(parameters, field))
  return missing.map((field) => ({
    severity: "error",
    code: "SETTING_MISSING",
    message: `Give ${quote(name)} its ${field}.`,
    node: name,
    path: pathTo(pathTo(path, "parameters"), field),
  }))
}

function isBlank(parameters: JsonObject, field: string): boolean {
  const value = parameters[field]
  return typeof value !== "string" || value.trim() === ""
}
