import { readFileSync } from "node:fs"
import { callExamples } from "@brevet/core/contract/openapi-examples"
import { routes } from "@brevet/core/contract/routes"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { version } from "../version.ts"
import { makeDocs } from "./docs.ts"
import { promotionRoutes } from "./routes/promotion.ts"
import { workflowRoutes } from "./routes/workflows.ts"

let context: TestContext
let app: TestApp

beforeAll(async () => {
  context = await makeTestContext()
  const docs = makeDocs(routes, { version, publicUrl: () => "https://brevet.example/under" })
  app = await makeTestApp(context, { routes: [docs.route, ...workflowRoutes, ...promotionRoutes], pages: docs.pages })
})

afterAll(async () => {
  await app.close()
  await context.close()
})

const get = (url: string) => app.send({ url, key: null })

test("the document is given without a key, with the address that is handed out", async () => {
  const { status, body, headers } = await get("/openapi.json")
  expect([status, body.openapi, body.servers]).toEqual([200, "3.1.0", [{ url: "https://brevet.example/under" }]])
  expect(headers["content-type"]).toBe("application/json; charset=utf-8")
})

test("the version is that of the package", () => {
  const { version: packaged } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
  expect(version).toBe(packaged)
})

test("the page and its files are given without a key, and name no other host", async () => {
  const page = await get("/docs")
  expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"])
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "")
  expect(links).toHaveLength(4)
  for (const link of links) {
    expect(link).toMatch(/^\/under\/docs\//)
    const file = await get(link.replace("/under", ""))
    expect([link, file.status]).toEqual([link, 200])
    expect(file.text.length).toBeGreaterThan(100)
  }
  expect(page.text).not.toMatch(/https?:/)
  expect((await get("/docs/start.js")).text).toContain('fetch("/under/openapi.json")')
  expect((await get("/docs/")).status).toBe(200)
})

test("pages let nothing in from elsewhere, are shown in no frame and tell nobody where they were read", async () => {
  for (const url of ["/docs", "/docs/start.js", "/docs/swagger-ui.css"]) {
    const { headers } = await get(url)
    const policy = String(headers["content-security-policy"])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/\*|https?:|script-src[^;]*unsafe/)
    expect(headers).toMatchObject({
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "x-request-id": expect.stringMatching(/^req_/),
    })
  }
})

test("no file but those of the page can be read", async () => {
  for (const url of [
    "/docs/package.json",
    "/docs/..%2fpackage.json",
    "/docs/../../package.json",
    "/docs/swagger-ui.js",
    "/docs/%2e%2e/x",
  ]) {
    expect([url, (await get(url)).status]).toEqual([url, 404])
  }
  const post = await app.send({ method: "POST", url: "/docs", body: {} })
  expect([post.status, post.headers.allow]).toEqual([405, "GET, HEAD"])
})

test("the examples of promotion are what the server says", async () => {
  const { createWorkflow, promoteWorkflowToAssistant: promote } = callExamples
  const made = await app.send({ method: "POST", url: "/v1/workflows", body: createWorkflow?.request?.oneNode?.value })
  expect(made.status).toBe(201)
  const url = `/v1/workflows/${made.body.id}/promote-to-assistant`
  const dryRun = await app.send({ method: "POST", url: `${url}?dry_run=1` })
  expect(dryRun.body).toEqual(promote?.answers?.[200]?.dryRun?.value)
  const promoted = await app.send({ method: "POST", url, body: promote?.request?.named?.value })
  const example = promote?.answers?.[201]?.promoted?.value ?? {}
  expect([promoted.status, promoted.body.message]).toEqual([201, example.message])
  expect(Object.keys(promoted.body)).toEqual(Object.keys(example))
  const again = await app.send({ method: "POST", url })
  const refused = promote?.answers?.[409]?.alreadyPromoted?.value.error as { readonly message: string }
  expect(again.body.error).toMatchObject({ code: "WORKFLOW_ALREADY_PROMOTED", message: refused.message })
})
