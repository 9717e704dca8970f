import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp, type TestRequest } from "../../testing/app.ts"
import { makeTestContext, type TestContext } from "../../testing/context.ts"
import { makeKeyRoutes } from "./keys.ts"

let context: TestContext
let app: TestApp
let path: string

beforeAll(async () => {
  context = await makeTestContext()
  app = await makeTestApp(context, { routes: ({ keyring }) => makeKeyRoutes(keyring) })
  path = `/v1/organizations/${context.cx.principal.organizationId}/api-keys`
})

afterAll(async () => {
  await app.close()
  await context.close()
})

const send = (method: string, url: string, request: Partial<TestRequest> = {}) => app.send({ method, url, ...request })
const make = (fields = {}) => send("POST", path, { body: { key_name: "Key", scopes: ["chat"], ...fields } })

test("a key is shown with its text once, by its creation alone", async () => {
  const made = await make({ metadata: { for: "tests" }, usage_limit_chf: 12.5 })
  expect(made.status).toBe(201)
  expect(made.body).toEqual({
    id: expect.stringMatching(/^ak_[0-9a-f]{32}$/),
    organization_id: context.cx.principal.organizationId,
    key_name: "Key",
    key_prefix: made.body.key.slice(0, made.body.key_prefix.length),
    is_active: true,
    is_paused: false,
    scopes: ["chat"],
    usage_limit_chf: 12.5,
    metadata: { for: "tests" },
    created_by: context.cx.principal.userId,
    created_at: "2026-01-01T00:00:00.000Z",
    last_used_at: null,
    expires_at: null,
    key: expect.stringMatching(/^brv_/),
  })
  expect(made.headers).toMatchObject({ location: `${path}/${made.body.id}`, etag: '"1"' })
  const { key: _text, ...rest } = made.body
  expect((await send("GET", `${path}/${made.body.id}`)).body).toEqual(rest)
  expect((await send("GET", path)).text).not.toContain(made.body.key)
})

test("keys are listed by page and page_size, or by skip and take, which come first", async () => {
  for (let index = 0; index < 5; index += 1) await make({ key_name: `Key ${index}` })
  const list = async (query: string) => {
    const { status, body } = await send("GET", `${path}?${query}`)
    return status === 200 ? [body.keys.length, body.page, body.page_size, body.keys[0]?.key_name] : status
  }
  const { total } = (await send("GET", path)).body
  expect(await list("")).toEqual([total, 1, 50, "Key 4"])
  expect(await list("page=2&page_size=2")).toEqual([2, 2, 2, "Key 2"])
  expect(await list("page=99&page_size=2")).toEqual([0, 99, 2, undefined])
  expect(await list("skip=1&take=1")).toEqual([1, 2, 1, "Key 3"])
  expect(await list("skip=4")).toEqual([total - 4, 1, 50, "Key 0"])
  expect(await list("take=3")).toEqual([3, 1, 3, "Key 4"])
  expect(await list("take=1&page=3&page_size=2")).toEqual([1, 1, 1, "Key 4"])
  for (const query of ["page=0", "page_size=0", "page_size=101", "skip=-1", "take=0", "take=101"])
    expect([query, await list(query)]).toEqual([query, 422])
})

test("deleting and switching answer 200 with the key as it is now", async () => {
  const { id } = (await make()).body
  for (const [action, fields] of [
    ["pause", { is_paused: true }],
    ["unpause", { is_paused: false }],
    ["deactivate", { is_active: false }],
    ["activate", { is_active: true }],
  ] as const) {
    const { status, body } = await send("POST", `${path}/${id}/${action}`)
    expect([status, body]).toMatchObject([200, { success: true, message: expect.any(String), key: { id, ...fields } }])
  }
  const gone = await send("DELETE", `${path}/${id}`)
  expect([gone.status, gone.body]).toMatchObject([
    200,
    { success: true, message: expect.any(String), key: { id, is_active: false } },
  ])
  expect((await send("GET", `${path}/${id}`)).body.error.code).toBe("API_KEY_NOT_FOUND")
})

test("a rotation answers with the old id and the new key", async () => {
  const old = (await make()).body
  const { status, body } = await send("POST", `${path}/${old.id}/rotate`)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    success: true,
    message: expect.any(String),
    old_key_id: old.id,
    new_key: { key_name: "Key", scopes: ["chat"] },
  })
  expect(body.new_key.key).not.toBe(old.key)
  expect(Object.keys(body.new_key).sort()).toEqual(Object.keys(old).sort())
})

test("a creation and a rotation under an Idempotency-Key are made once, and never show their key again", async () => {
  const headers = { "idempotency-key": "once" }
  const made = await send("POST", path, { body: { key_name: "Once", scopes: ["chat"] }, headers })
  const again = await send("POST", path, { body: { key_name: "Once", scopes: ["chat"] }, headers })
  expect([again.status, again.body.error.code, again.body.error.details]).toEqual([
    409,
    "IDEMPOTENCY_KEY_IN_USE",
    { id: made.body.id },
  ])
  expect(
    (await send("GET", path)).body.keys.filter((key: { key_name: string }) => key.key_name === "Once"),
  ).toHaveLength(1)
  const rotated = await send("POST", `${path}/${made.body.id}/rotate`, { headers })
  const repeated = await send("POST", `${path}/${made.body.id}/rotate`, { headers })
  expect([repeated.status, repeated.body.error.details]).toEqual([409, { id: rotated.body.new_key.id }])
  expect(repeated.text).not.toContain(rotated.body.new_key.key)
})

test("a switch under an Idempotency-Key gives its first answer again, whatever happened meanwhile", async () => {
  const { id } = (await make()).body
  const headers = { "idempotency-key": "pause-once" }
  const first = await send("POST", `${path}/${id}/pause`, { headers })
  await send("POST", `${path}/${id}/unpause`)
  const again = await send("POST", `${path}/${id}/pause`, { headers })
  expect([again.headers["idempotent-replayed"], again.text]).toEqual(["true", first.text])
  expect((await send("GET", `${path}/${id}`)).body.is_paused).toBe(false)
})
