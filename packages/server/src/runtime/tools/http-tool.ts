/**
 * HTTP requests as a tool, in both forms of the node, with the same meaning, credentials and guard as the HTTP Request node.
 * What a model gives is read by `$fromAI` alone: it is never an expression, and never part of a credential.
 */

import { ExpressionError } from "@brevet/core/graph/expression/errors"
import type { GraphNode } from "@brevet/core/graph/graph"
import type { Item } from "@brevet/core/graph/items"
import { prepareHttpRequest } from "@brevet/core/graph/kinds/http/http-request"
import { type HttpRequest, mayRepeat } from "@brevet/core/graph/kinds/http/request"
import { answerItems } from "@brevet/core/graph/kinds/http/response-items"
import type { KindContext } from "@brevet/core/graph/kinds/kind"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { asHttpRequest } from "@brevet/core/graph/kinds/models/tool-http-request"
import { isJsonObject, type JsonValue } from "@brevet/core/json"
import { requireCredential, type Work } from "../perform.ts"
import { ask, type HttpPorts } from "../performers/http-exchange.ts"
import type { Tool } from "./tool.ts"

/** What the tool of an HTTP node does. */
export function httpAction(work: Work, ports: HttpPorts, node: GraphNode): Pick<Tool, "mayRepeat" | "use"> {
  const asked = node.kind === "toolHttpRequest" ? asHttpRequest(node) : node
  const contextOf = (given: JsonValue) => work.context.servant(asked, isJsonObject(given) ? given : {})
  return {
    mayRepeat: (given) => isRepeatable(contextOf(given)),
    async use({ given, lane }) {
      const context = contextOf(given)
      const request = prepareHttpRequest(context, 0)
      const type = request.credentialType
      const credential = type === null ? null : await requireCredential(work, node, type)
      const answer = await ask(ports, { ...work, context }, { request, itemIndex: 0, credential, use: lane })
      return textOf(answerItems(request.response, answer, 0))
    },
  }
}

/** A request that cannot even be made does nothing, however often. */
function isRepeatable(context: KindContext): boolean {
  let request: HttpRequest
  try {
    request = prepareHttpRequest(context, 0)
  } catch (error) {
    if (error instanceof NodeFailure || error instanceof ExpressionError) return true
    throw error
  }
  return mayRepeat(request)
}

/** The answer for the model: a text as it is, else the JSON of its items. */
function textOf(items: readonly Item[]): string {
  const values = items.map(({ json }) => json)
  const [only] = values
  if (values.length === 1 && only !== undefined) {
    const { data } = only
    return typeof data === "string" && Object.keys(only).length === 1 ? data : JSON.stringify(only)
  }
  return JSON.stringify(values)
}
