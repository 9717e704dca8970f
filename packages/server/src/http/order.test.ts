import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp, type TestRequest } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { probePost, shownProbes } from "../testing/probe-routes.ts"
import { bind } from "./route.ts"

// The order of checks is that of the contract, so each request below has every fault of the ones after it as well.

const id = `flow_${"0".repeat(32)}`
let context: TestContext
let probe: TestApp
let reader: string

beforeAll(async () => {
  context = await makeTestContext()
  const inactive = bind(probePost, async () => ({ status: 201, body: {} }))
  probe = await makeTestApp(context, { routes: [...shownProbes, inactive], settings: { bodyBytesMax: 1_000 } })
  reader = await probe.makeKey(["workflows:read"])
})

afterAll(async () => {
  await probe.close()
  await context.close()
})

const codeOf = async (request: TestRequest): Promise<string> => {
  const { status, body } = await probe.send(request)
  return `${status} ${body.error?.code}`
}

const broken = { method: "PATCH", body: "{", headers: { "content-type": "application/json" } }

test("an unknown route is 404 before anybody asks for a key", async () => {
  expect(await codeOf({ url: "/v1/nothing", key: null, ...broken })).toBe("404 ROUTE_NOT_FOUND")
})

test("a wrong method is 405 before anybody asks for a key", async () => {
  expect(await codeOf({ url: `/v1/probe/${id}`, key: null, ...broken, method: "PUT" })).toBe("405 METHOD_NOT_ALLOWED")
})

test("a missing key is 401 before scopes, ids, query and body", async () => {
  expect(await codeOf({ url: "/v1/probe/nonsense?x=1", key: null, ...broken })).toBe("401 AUTHENTICATION_REQUIRED")
})

test("a key that may never do this is 403 before ids, query and body", async () => {
  expect(await codeOf({ url: "/v1/probe/nonsense?x=1", key: reader, ...broken })).toBe("403 INSUFFICIENT_PERMISSIONS")
})

test("a malformed id in the path is 404 before query and body", async () => {
  expect(await codeOf({ url: "/v1/probe/nonsense?x=1", ...broken })).toBe("404 WORKFLOW_NOT_FOUND")
})

test("a malformed id is 404 even where the body is larger than allowed", async () => {
  const large = { ...broken, body: `{"name": "${"x".repeat(2_000)}"}` }
  expect(await codeOf({ url: "/v1/probe/nonsense", ...large })).toBe("404 WORKFLOW_NOT_FOUND")
  expect(await codeOf({ url: `/v1/probe/${id}`, ...large })).toBe("413 REQUEST_TOO_LARGE")
})

test("the shape of query and body is 422 before the organization is looked at", async () => {
  const other = { organization_id: `org_${"1".repeat(32)}` }
  expect(await codeOf({ url: `/v1/probe/${id}?x=1`, method: "PATCH", body: other })).toBe("422 VALIDATION_ERROR")
  expect(await codeOf({ url: `/v1/probe/${id}`, method: "PATCH", body: { ...other, wrong: 1 } })).toBe(
    "422 VALIDATION_ERROR",
  )
  expect(await codeOf({ url: `/v1/probe/${id}`, method: "PATCH", body: other })).toBe("403 ORGANIZATION_ACCESS_DENIED")
})

test("a process that drains or starts refuses before it looks at the request at all", async () => {
  for (const state of ["draining", "starting"] as const) {
    probe.setState(state)
    const answer = await probe.send({ url: "/v1/nothing", key: null })
    expect(answer.status).toBe(503)
    expect(answer.body.error.code).toBe("SERVICE_UNAVAILABLE")
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0)
  }
  probe.setState("ready")
  expect((await probe.send({ url: "/v1/probe" })).status).toBe(200)
})
