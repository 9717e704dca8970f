import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { shownProbes } from "../testing/probe-routes.ts"
import { makeKeyRoutes } from "./routes/keys.ts"

let context: TestContext
let probe: TestApp

beforeAll(async () => {
  context = await makeTestContext()
  probe = await makeTestApp(context, { routes: ({ keyring }) => [...shownProbes, ...makeKeyRoutes(keyring)] })
})

afterAll(async () => {
  await probe.close()
  await context.close()
})

const ask = async (headers: Readonly<Record<string, string>>) => {
  const { status, body } = await probe.send({ url: "/v1/probe", key: null, headers })
  return status === 200 ? (body.caller.keyId as string) : `${status} ${body.error.code}`
}

const keysPath = () => `/v1/organizations/${context.cx.principal.organizationId}/api-keys`

/** Makes a key through the API and gives its id and text. */
async function makeKey(fields: Readonly<Record<string, unknown>> = {}): Promise<{ id: string; text: string }> {
  const { body } = await probe.send({ method: "POST", url: keysPath(), body: { key_name: "Other", ...fields } })
  return { id: body.id, text: body.key }
}

const act = (id: string, action: string) => probe.send({ method: "POST", url: `${keysPath()}/${id}/${action}` })

test("a key is taken from X-API-Key, api-key and Authorization: Bearer", async () => {
  const { id, text } = await makeKey()
  expect(await ask({ "X-API-Key": text })).toBe(id)
  expect(await ask({ "api-key": text })).toBe(id)
  expect(await ask({ authorization: `Bearer ${text}` })).toBe(id)
  expect(await ask({ authorization: `bearer  ${text} ` })).toBe(id)
})

test("the key header is tried first when several come, and the others after it", async () => {
  const [first, second] = [await makeKey(), await makeKey()]
  expect(await ask({ "x-api-key": first.text, authorization: `Bearer ${second.text}` })).toBe(first.id)
  expect(await ask({ "x-api-key": first.text, "api-key": second.text })).toBe(first.id)
  expect(await ask({ "api-key": first.text, authorization: `Bearer ${second.text}` })).toBe(first.id)
  expect(await ask({ "x-api-key": "unknown", authorization: `Bearer ${second.text}` })).toBe(second.id)
  await act(first.id, "pause")
  expect(await ask({ "x-api-key": first.text, authorization: `Bearer ${second.text}` })).toBe(second.id)
  expect(await ask({ "x-api-key": first.text, authorization: "Bearer unknown" })).toBe("401 API_KEY_PAUSED")
})

test("no key and an unknown one are refused with the documented words", async () => {
  const unknown = [
    {},
    { "x-api-key": "nobody's" },
    { "x-api-key": "" },
    { authorization: `Basic ${probe.key}` },
    { authorization: probe.key },
    { authorization: "Bearer" },
    { "x-api-key": `${probe.key}x` },
    { "x-api-key": probe.key.slice(0, -1) },
    { "x-api-key": "k".repeat(8_000) },
  ]
  for (const headers of unknown) {
    const { status, body, headers: given } = await probe.send({ url: "/v1/probe", key: null, headers })
    expect(status).toBe(401)
    expect(given["www-authenticate"]).toBe("Bearer")
    expect(body).toEqual({
      success: false,
      error: {
        code: "AUTHENTICATION_REQUIRED",
        message: "Authentication required. Please provide a valid API key.",
        system_message: "Missing or invalid authorization header",
        type: "authentication_error",
        status: 401,
        trace_id: given["x-request-id"],
        timestamp: new Date(context.clock.nowMs()).toISOString(),
        details: {},
      },
    })
  }
})

test("a paused, a deactivated, an expired and a deleted key are refused, each in its own words", async () => {
  const { id, text } = await makeKey({ expires_at: new Date(context.clock.nowMs() + 10_000).toISOString() })
  const headers = { "x-api-key": text }
  expect(await ask(headers)).toBe(id)
  await act(id, "pause")
  expect(await ask(headers)).toBe("401 API_KEY_PAUSED")
  await act(id, "deactivate")
  expect(await ask(headers)).toBe("401 API_KEY_DEACTIVATED")
  await act(id, "activate")
  await act(id, "unpause")
  expect(await ask(headers)).toBe(id)
  context.clock.advance(10_000)
  expect(await ask(headers)).toBe("401 API_KEY_EXPIRED")
  await probe.send({ method: "DELETE", url: `${keysPath()}/${id}` })
  expect(await ask(headers)).toBe("401 AUTHENTICATION_REQUIRED")
})

test("a rotated key is refused at once and the new one works", async () => {
  const { id, text } = await makeKey()
  const rotated = await act(id, "rotate")
  expect(await ask({ "x-api-key": text })).toBe("401 AUTHENTICATION_REQUIRED")
  expect(await ask({ "x-api-key": rotated.body.new_key.key })).toBe(rotated.body.new_key.id)
})

test("the organization of the call is that of the key", async () => {
  const { body } = await probe.send({ url: "/v1/probe" })
  expect(body.caller.organizationId).toBe(context.cx.principal.organizationId)
  expect(body.caller.userId).toBe(context.cx.principal.userId)
})

test("a given organization must be the key's, in the query of any call and in a body", async () => {
  const own = context.cx.principal.organizationId
  const other = (await context.makeOtherTenant()).principal.organizationId
  const workflow = `/v1/probe/flow_${"0".repeat(32)}`
  expect((await probe.send({ url: `/v1/probe?organization_id=${own}` })).status).toBe(200)
  expect((await probe.send({ method: "PATCH", url: workflow, body: { organization_id: own } })).status).toBe(200)
  expect((await probe.send({ method: "PATCH", url: workflow, body: { organization_id: null } })).status).toBe(200)
  for (const given of [other, "org_nonsense", "", own.toUpperCase()]) {
    const query = await probe.send({ url: `/v1/probe?organization_id=${given}` })
    expect([query.status, query.body.error.code]).toEqual([403, "ORGANIZATION_ACCESS_DENIED"])
    const body = await probe.send({ method: "PATCH", url: workflow, body: { organization_id: given } })
    expect([body.status, body.body.error.code]).toEqual([403, "ORGANIZATION_ACCESS_DENIED"])
  }
  const twice = await probe.send({ url: `/v1/probe?organization_id=${own}&organization_id=${other}` })
  expect(twice.status).toBe(403)
})

test("scopes: a missing one is 403 with the documented words", async () => {
  const key = await probe.makeKey(["assistants:write"])
  const { status, body } = await probe.send({ method: "PATCH", url: `/v1/probe/flow_${"0".repeat(32)}`, key })
  expect(status).toBe(403)
  expect(body.error).toMatchObject({
    code: "INSUFFICIENT_PERMISSIONS",
    type: "authorization_error",
    message: "You do not have permission to access this resource.",
    system_message: "Insufficient permissions for this operation",
  })
})

test("scopes that a query field asks for take the place of the others", async () => {
  const reader = await probe.makeKey(["workflows:read"])
  const writer = await probe.makeKey(["workflows:write", "assistants:write"])
  const url = `/v1/probe/flow_${"0".repeat(32)}`
  const status = async (key: string, query: string) =>
    (await probe.send({ method: "PATCH", url: `${url}${query}`, key })).status
  expect(await status(reader, "?dry_run=1")).toBe(200)
  expect(await status(reader, "")).toBe(403)
  expect(await status(writer, "")).toBe(200)
  expect(await status(writer, "?dry_run=1")).toBe(403)
  // The field is given, so the call can only be a dry run; that the value is wrong comes after.
  expect(await status(reader, "?dry_run=0")).toBe(422)
  expect(await status(reader, "?dry_run=")).toBe(422)
})

test("the last use of a key is noted at most once a minute, and an answer about the key tells it", async () => {
  const { id, text } = await makeKey()
  const lastUse = async () => (await probe.send({ url: `${keysPath()}/${id}` })).body.last_used_at as string | null
  expect(await lastUse()).toBeNull()
  const firstMs = context.clock.nowMs()
  await ask({ "x-api-key": text })
  expect(await lastUse()).toBe(new Date(firstMs).toISOString())
  context.clock.advance(59_999)
  await ask({ "x-api-key": text })
  expect(await lastUse()).toBe(new Date(firstMs).toISOString())
  context.clock.advance(1)
  await ask({ "x-api-key": text })
  expect(await lastUse()).toBe(new Date(firstMs + 60_000).toISOString())
})
