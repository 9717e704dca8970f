/** RSS Read: fetches a feed and makes an item of each entry (documented settings). */
import { pathTo, quote } from "../../findings.ts"
import type { Finding, GraphNode } from "../../graph.ts"
import type { EffectKind, KindContext } from "../kind.ts"
import { onePort } from "../ports.ts"
import type { HttpRequest } from "./request.ts"
import { boundRedirects, readTimeout, readUrl } from "./request-settings.ts"

/** The kind. */
export const rssFeedRead: EffectKind = {
  name: "rssFeedRead",
  types: ["n8n-nodes-base.rssFeedRead"],
  title: "RSS Read",
  help: "Reads the entries of an RSS or Atom feed.",
  group: "outside",
  effect: "http",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** What an RSS Read node asks for an item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function readFeedRequest(context: KindContext, itemIndex: number): HttpRequest {
  return {
    method: "GET",
    url: readUrl(context.parameter("url", itemIndex)),
    query: [],
    headers: [
      ["accept", "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"],
    ],
    body: { type: "none" },
    credentialType: null,
    redirectsMax: boundRedirects(undefined),
    timeoutMs: readTimeout(undefined),
    response: { format: "text", field: "data", isFull: false, neverFails: false, holds: "feed" },
    isIdempotent: false,
  }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  if (typeof parameters.url === "string" && parameters.url.trim() !== "") return []
  const place = pathTo(pathTo(path, "parameters"), "url")
  return [
    { severity: "error", code: "SETTING_MISSING", message: `Give ${quote(name)} a URL.`, node: name, path: place },
  ]
}
