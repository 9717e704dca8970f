/** What the nodes ask that ask over HTTP: one request for each item, whatever the kind. Pure. */
import type { KindContext } from "../kind.ts"
import { readGraphqlRequest } from "./graphql.ts"
import type { HttpRequest } from "./request.ts"
import { readRequest } from "./request-settings.ts"
import { readEarlyRequest } from "./request-settings-early.ts"
import { readFeedRequest } from "./rss-feed-read.ts"

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
