/** Ends the run with an error that the workflow's author words. */
import { isJsonObject, type JsonValue } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { asObject, asText } from "../value-types.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { noPorts, onePort } from "./ports.ts"

/** The kind. `errorType` errorMessage (default): the text; errorObject: an object, whose `message` is shown. */
export const stopAndError: PureKind = {
  name: "stopAndError",
  types: ["n8n-nodes-base.stopAndError"],
  title: "Stop and error",
  help: "Ends the run with an error of your own.",
  group: "flow",
  effect: "none",
  inputs: () => onePort,
  outputs: () => noPorts,
  check,
  run(context) {
    throw context.parameter("errorType", 0) === "errorObject" ? objectFailure(context) : messageFailure(context)
  },
}

const defaultMessage = "The workflow stopped with an error."

function messageFailure(context: KindContext): NodeFailure {
  const message = asText(context.parameter("errorMessage", 0))
  return new NodeFailure("NODE_STOPPED", message === undefined || message === "" ? defaultMessage : message)
}

function objectFailure(context: KindContext): NodeFailure {
  const details = asObject(context.parameter("errorObject", 0))
  if (details === undefined) {
    return new NodeFailure("NODE_SETTINGS_INVALID", "The error object of the node is not a JSON object; correct it.")
  }
  return new NodeFailure("NODE_STOPPED", messageOf(details) ?? JSON.stringify(details), { details })
}

/** The words in an error object: its `message`, else `description` or `error` (ours). */
function messageOf(details: { readonly [key: string]: JsonValue }): string | undefined {
  return [details.message, details.description, details.error].find(
    (value): value is string => typeof value === "string" && value !== "",
  )
}

function check(node: GraphNode): Finding[] {
  const isObject = node.parameters.errorType === "errorObject"
  const field = isObject ? "errorObject" : "errorMessage"
  const value = node.parameters[field]
  const isThere = isObject ? value !== undefined : typeof value === "string" && value.trim() !== ""
  if (isThere || isJsonObject(value)) return []
  const message = `Say in ${field} of ${quote(node.name)} what went wrong: without it the error has no words of its own.`
  const path = pathTo(pathTo(node.path, "parameters"), field)
  return [{ severity: "warning", code: "SETTING_MISSING", message, node: node.name, path }]
}
