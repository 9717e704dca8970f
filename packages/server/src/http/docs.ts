/**
 * The documentation that the server gives: `/openapi.json`, and `/docs`, a page that shows it. The page works offline: its
 * program is Swagger UI, served from here.
 */
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { getOpenApiRoute } from "@brevet/core/contract/docs"
import { makeOpenApi } from "@brevet/core/contract/openapi"
import type { Route } from "@brevet/core/contract/route"
import type { JsonObject } from "@brevet/core/json"
import type { Page } from "./pages.ts"
import { type BoundRoute, bind } from "./route.ts"

/** What the documentation says of this server. The address is asked for late: it may be known only when it listens. */
export type DocsFacts = {
  readonly version: string
  /** Where people reach it, without a slash at the end; it may have a path, where a proxy adds one. */
  readonly publicUrl: () => string
}

/** Files of the page come with a release of the server; a day is soon enough for the next one. */
const filesMaxAgeSeconds = 86_400

const files = [
  { name: "swagger-ui.css", contentType: "text/css; charset=utf-8" },
  { name: "swagger-ui-bundle.js", contentType: "text/javascript; charset=utf-8" },
  { name: "favicon-32x32.png", contentType: "image/png" },
] as const

/**
 * The document's call and the page. `routes` are all calls; the document is made when it is first asked for.
 */
export function makeDocs(
  routes: readonly Route[],
  facts: DocsFacts,
): { readonly route: BoundRoute; readonly pages: readonly Page[] } {
  let document: JsonObject | null = null
  const base = (): string => new URL(facts.publicUrl()).pathname.replace(/\/$/, "")
  const require = createRequire(import.meta.url)
  const folder = join(dirname(require.resolve("@fastify/swagger-ui/package.json")), "static")
  return {
    route: bind(getOpenApiRoute, async () => {
      document ??= makeOpenApi(routes, { version: facts.version, serverUrl: facts.publicUrl() })
      return { status: 200, body: document, headers: { "cache-control": "no-cache" } }
    }),
    pages: [
      { path: "/docs", contentType: "text/html; charset=utf-8", load: async () => pageText(base()) },
      { path: "/docs/start.js", contentType: "text/javascript; charset=utf-8", load: async () => startText(base()) },
      ...files.map(
        ({ name, contentType }): Page => ({
          path: `/docs/${name}`,
          contentType,
          load: () => readFile(join(folder, name)),
          maxAgeSeconds: filesMaxAgeSeconds,
        }),
      ),
    ],
  }
}

function pageText(base: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Brevet API</title>
    <link rel="icon" type="image/png" href="${base}/docs/favicon-32x32.png">
    <link rel="stylesheet" href="${base}/docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="${base}/docs/swagger-ui-bundle.js"></script>
    <script src="${base}/docs/start.js"></script>
  </body>
</html>
`
}

/** Calls that are tried on the page go to wherever the page came from, whatever the server is called elsewhere. */
function startText(base: string): string {
  return `fetch("${base}/openapi.json")
  .then((answer) => answer.json())
  .then((document) => {
    window.SwaggerUIBundle({
      dom_id: "#swagger-ui",
      spec: { ...document, servers: [{ url: "${base || "/"}" }] },
      deepLinking: true,
      docExpansion: "list",
      validatorUrl: null,
    })
  })
`
}
