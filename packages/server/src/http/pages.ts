/** Pages: HTML and what belongs to it, for browsers. They need no key, and carry headers that keep others out. */
import type { FastifyInstance } from "fastify"

/** A page or one of its files, at a path of its own. `load` is called at the first request, and once. */
export type Page = {
  readonly path: `/${string}`
  readonly contentType: string
  readonly load: () => Promise<string | Buffer>
  /** Files of a fixed release may be kept by browsers (seconds). */
  readonly maxAgeSeconds?: number
}

/** No page of ours loads anything from elsewhere, is shown within another, or tells where it was read. */
const pageHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const

/** Serves a page. */
export function addPage(app: FastifyInstance, page: Page): void {
  let loading: Promise<string | Buffer> | null = null
  const load = (): Promise<string | Buffer> => {
    loading ??= page.load().catch((error: unknown) => {
      loading = null
      throw error
    })
    return loading
  }
  const cacheControl = page.maxAgeSeconds === undefined ? "no-cache" : `public, max-age=${page.maxAgeSeconds}`
  app.route({
    method: "GET",
    url: page.path,
    exposeHeadRoute: true,
    handler: async (_request, reply) => {
      const content = await load()
      reply.headers(pageHeaders).header("cache-control", cacheControl).type(page.contentType)
      return content
    },
  })
}
