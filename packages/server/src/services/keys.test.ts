import { type KeyAction, keyCreateBody, keyUpdateBody } from "@brevet/core/contract/keys"
import type { Scope } from "@brevet/core/contract/route"
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { createKey, deleteKey, getKey, listKeys, rotateKey, switchKey, updateKey } from "./keys.ts"

let context: TestContext
let cx: Context

beforeAll(async () => {
  context = await makeTestContext()
})

// An organization of its own for each test, since the last key of one is what many of them are about.
beforeEach(async () => {
  cx = await context.makeOtherTenant()
})

afterAll(() => context.close())

const organizationId = () => cx.principal.organizationId
const target = (keyId: Id<"apiKey">, ifRevision?: number) => ({ organizationId: organizationId(), keyId, ifRevision })
const make = (fields: JsonObject = {}, by: Context = cx) =>
  createKey(by, organizationId(), keyCreateBody.parse({ key_name: "Key", ...fields }))
const change = (keyId: Id<"apiKey">, fields: JsonObject, by: Context = cx) =>
  updateKey(by, target(keyId), keyUpdateBody.parse(fields))
const holding = (...scopes: Scope[]): Context => ({ ...cx, principal: { ...cx.principal, scopes } })
const inMs = (ms: number) => new Date(context.clock.nowMs() + ms).toISOString()

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
    return "fine"
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

test("a key is made with everything that was given, and only its hash is kept", async () => {
  const expires = inMs(3_600_000)
  const { key, text } = await make({
    key_name: "  Deploy  ",
    scopes: ["workflows:read", "chat", "chat"],
    usage_limit_chf: 12.5,
    metadata: { for: "tests" },
    expires_at: expires,
  })
  expect(key).toMatchObject({
    name: "Deploy",
    scopes: ["workflows:read", "chat"],
    usageLimitChf: 12.5,
    metadata: { for: "tests" },
    expiresAtMs: Date.parse(expires),
    isActive: true,
    isPaused: false,
    lastUsedAtMs: null,
    userId: cx.principal.userId,
  })
  expect(text).toMatch(/^brv_[A-Za-z0-9_-]{43}$/)
  expect(text.startsWith(key.prefix)).toBe(true)
  expect(key.prefix.length).toBeLessThan(13)
  const row = await context.sql.first<{ all: string }>({
    text: "SELECT row_to_json(k)::text AS all FROM api_keys k ORDER BY created_at DESC, id DESC LIMIT 1",
  })
  expect(row?.all).not.toContain(text)
})

test("without scopes a key may do everything, and every key is another", async () => {
  const [first, second] = [
    await make(),
    await make({ scopes: null, metadata: null, expires_at: null, usage_limit_chf: null }),
  ]
  expect([first.key.scopes, second.key.scopes]).toEqual([["*"], ["*"]])
  expect(first.text).not.toBe(second.text)
})

test("what is no name, scope, limit or expiry is refused", () => {
  const wrong: JsonObject[] = [
    { key_name: "" },
    { key_name: "  " },
    { key_name: "x".repeat(256) },
    { key_name: "a\u0000b" },
    { scopes: ["everything"] },
    { scopes: [] },
    { scopes: "chat" },
    { usage_limit_chf: -1 },
    { expires_at: "tomorrow" },
    { expires_at: 1_900_000_000 },
    { metadata: [] },
    { metadata: { x: "x".repeat(10_000) } },
    { is_active: false },
  ]
  for (const fields of wrong) expect(keyCreateBody.safeParse({ key_name: "Key", ...fields }).success).toBe(false)
  for (const fields of [{ key_name: null }, { scopes: null }, { scopes: [] }])
    expect(keyUpdateBody.safeParse(fields).success).toBe(false)
})

test("an expiry without an offset is UTC, and one in the past makes no key", async () => {
  expect(keyCreateBody.parse({ key_name: "x", expires_at: "2100-01-02T03:04:05.6" }).expires_at).toBe(
    Date.UTC(2100, 0, 2, 3, 4, 5, 600),
  )
  expect(keyCreateBody.parse({ key_name: "x", expires_at: "2100-01-02T03:04:05+02:00" }).expires_at).toBe(
    Date.UTC(2100, 0, 2, 1, 4, 5),
  )
  expect(await codeOf(make({ expires_at: inMs(0) }))).toBe("VALIDATION_ERROR")
  expect(await codeOf(make({ expires_at: inMs(1) }))).toBe("fine")
})

test("keys are listed newest first, a page at a time, and those of another organization never", async () => {
  const made = []
  for (let index = 0; index < 5; index += 1) made.push((await make({ key_name: `Key ${index}` })).key.id)
  const page = async (limit: number, offset: number) => {
    const { records, total } = await listKeys(cx, { organizationId: organizationId(), limit, offset })
    return [records.map(({ id }) => id), total]
  }
  expect(await page(2, 0)).toEqual([[made[4], made[3]], 5])
  expect(await page(2, 4)).toEqual([[made[0]], 5])
  expect(await page(2, 9)).toEqual([[], 5])
  const stranger = await context.makeOtherTenant()
  const [first] = made
  if (first === undefined) throw new Error("no key was made")
  expect(await codeOf(getKey(stranger, { organizationId: stranger.principal.organizationId, keyId: first }))).toBe(
    "API_KEY_NOT_FOUND",
  )
  expect(await codeOf(getKey(stranger, target(first)))).toBe("ORGANIZATION_ACCESS_DENIED")
  expect(await codeOf(deleteKey(stranger, target(first)))).toBe("ORGANIZATION_ACCESS_DENIED")
  expect(await codeOf(listKeys(stranger, { organizationId: organizationId(), limit: 1, offset: 0 }))).toBe(
    "ORGANIZATION_ACCESS_DENIED",
  )
})

test("a change leaves what is absent, and null clears", async () => {
  const { key } = await make({ scopes: ["chat"], usage_limit_chf: 5, metadata: { a: 1 }, expires_at: inMs(1_000) })
  const renamed = await change(key.id, { key_name: "Renamed" })
  expect(renamed).toEqual({ ...key, name: "Renamed", revision: key.revision + 1 })
  const cleared = await change(key.id, { usage_limit_chf: null, metadata: null, expires_at: null })
  expect(cleared).toMatchObject({ usageLimitChf: null, metadata: {}, expiresAtMs: null, scopes: ["chat"] })
  expect((await change(key.id, {})).revision).toBe(cleared.revision)
  expect((await change(key.id, { key_name: "Renamed" })).revision).toBe(cleared.revision)
})

test("a change or a deletion of another revision than the caller believes is refused", async () => {
  const { key } = await make({ scopes: ["chat"] })
  const stale = target(key.id, key.revision + 1)
  expect(await codeOf(updateKey(cx, stale, keyUpdateBody.parse({ key_name: "x" })))).toBe("VERSION_CONFLICT")
  expect(await codeOf(deleteKey(cx, stale))).toBe("VERSION_CONFLICT")
  expect(await codeOf(updateKey(cx, target(key.id, key.revision), keyUpdateBody.parse({ key_name: "x" })))).toBe("fine")
  expect(await codeOf(deleteKey(cx, target(key.id, key.revision + 1)))).toBe("fine")
})

test("a key can make only keys whose scopes are a part of its own", async () => {
  const limited = holding("keys:write", "chat")
  for (const scopes of [["chat"], ["keys:write"], ["chat", "keys:write"]])
    expect(await codeOf(make({ scopes }, limited))).toBe("fine")
  for (const scopes of [["*"], ["runs:read"], ["chat", "runs:read"], null]) {
    expect(await codeOf(make({ scopes }, limited))).toBe("INSUFFICIENT_PERMISSIONS")
  }
})

test("a key can change, switch, rotate and delete only keys whose scopes are a part of its own", async () => {
  const limited = holding("keys:write", "chat")
  const [own, other] = [
    (await make({ scopes: ["chat"] })).key.id,
    (await make({ scopes: ["chat", "runs:read"] })).key.id,
  ]
  await make()
  expect(await codeOf(change(own, { scopes: ["chat", "runs:read"] }, limited))).toBe("INSUFFICIENT_PERMISSIONS")
  expect(await codeOf(change(other, { scopes: ["chat"] }, limited))).toBe("INSUFFICIENT_PERMISSIONS")
  expect(await codeOf(change(other, { key_name: "x" }, limited))).toBe("INSUFFICIENT_PERMISSIONS")
  for (const call of [
    (id: Id<"apiKey">) => switchKey(limited, target(id), "pause"),
    (id: Id<"apiKey">) => rotateKey(limited, target(id)),
    (id: Id<"apiKey">) => deleteKey(limited, target(id)),
  ]) {
    expect(await codeOf(call(other))).toBe("INSUFFICIENT_PERMISSIONS")
  }
  expect(await codeOf(switchKey(limited, target(own), "pause"))).toBe("fine")
  expect(await codeOf(deleteKey(limited, target(own)))).toBe("fine")
})

test("the last key that may do everything cannot be removed, paused, deactivated, limited or expired", async () => {
  const { key } = await make()
  await make({ scopes: ["keys:write", "chat"] })
  const paused = (await make()).key.id
  await switchKey(cx, target(paused), "pause")
  const inactive = (await make()).key.id
  await switchKey(cx, target(inactive), "deactivate")
  await make({ expires_at: inMs(1) })
  context.clock.advance(1)
  const attempts: readonly (() => Promise<unknown>)[] = [
    () => deleteKey(cx, target(key.id)),
    () => switchKey(cx, target(key.id), "pause"),
    () => switchKey(cx, target(key.id), "deactivate"),
    () => change(key.id, { scopes: ["chat"] }),
    () => change(key.id, { expires_at: inMs(-1) }),
    () => change(key.id, { expires_at: inMs(1_000_000) }),
  ]
  for (const attempt of attempts) expect(await codeOf(attempt())).toBe("LAST_KEY")
  expect(await getKey(cx, target(key.id))).toEqual(key)
  // What takes nothing from it is allowed, and so is everything once another can take its place.
  expect(
    await codeOf(change(key.id, { key_name: "Renamed", usage_limit_chf: 1, scopes: ["*", "chat"], expires_at: null })),
  ).toBe("fine")
  expect(await codeOf(switchKey(cx, target(key.id), "activate"))).toBe("fine")
  expect(await codeOf(deleteKey(cx, target(paused)))).toBe("fine")
  await switchKey(cx, target(inactive), "activate")
  for (const attempt of [attempts[4], attempts[0]])
    expect(await codeOf(attempt?.() ?? Promise.reject(new Error("none")))).toBe("fine")
})

test("of many that remove the last keys at once, one is left", async () => {
  const ids = []
  for (let index = 0; index < 8; index += 1) ids.push((await make()).key.id)
  const removals: readonly ((id: Id<"apiKey">) => Promise<unknown>)[] = [
    (id) => deleteKey(cx, target(id)),
    (id) => switchKey(cx, target(id), "pause"),
    (id) => change(id, { scopes: ["chat"] }),
    (id) => change(id, { expires_at: inMs(-1) }),
  ]
  const codes = await Promise.all(
    ids.map((id, index) => codeOf(removals[index % removals.length]?.(id) ?? Promise.resolve())),
  )
  expect(codes.filter((code) => code === "LAST_KEY")).toHaveLength(1)
  expect(codes.filter((code) => code === "fine")).toHaveLength(7)
})

test("a rotation gives a new key in the old one's place, with its fields and its state, also to the last key", async () => {
  const { key, text } = await make({ metadata: { a: 1 }, usage_limit_chf: 3 })
  const rotated = await rotateKey(cx, target(key.id))
  expect(rotated.text).not.toBe(text)
  expect(rotated.key).toMatchObject({
    name: key.name,
    scopes: ["*"],
    metadata: { a: 1 },
    usageLimitChf: 3,
    isActive: true,
  })
  expect(rotated.key.id).not.toBe(key.id)
  expect(await codeOf(getKey(cx, target(key.id)))).toBe("API_KEY_NOT_FOUND")
  expect(await codeOf(rotateKey(cx, target(key.id)))).toBe("API_KEY_NOT_FOUND")
  const paused = await make({ scopes: ["chat"] })
  await switchKey(cx, target(paused.key.id), "pause")
  expect((await rotateKey(cx, target(paused.key.id))).key.isPaused).toBe(true)
})

test("of many rotations of one key at once exactly one succeeds", async () => {
  const { key } = await make()
  const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(rotateKey(cx, target(key.id)))))
  expect(codes.filter((code) => code === "fine")).toHaveLength(1)
  expect(codes.filter((code) => code === "API_KEY_NOT_FOUND")).toHaveLength(9)
})

test("switching twice changes nothing, and a deleted key is gone", async () => {
  const { key } = await make({ scopes: ["chat"] })
  const once = await switchKey(cx, target(key.id), "pause")
  expect(await switchKey(cx, target(key.id), "pause")).toEqual(once)
  await deleteKey(cx, target(key.id))
  const gone: readonly (() => Promise<unknown>)[] = [
    () => deleteKey(cx, target(key.id)),
    () => change(key.id, { key_name: "x" }),
    ...(["activate", "deactivate", "pause", "unpause"] as KeyAction[]).map(
      (action) => () => switchKey(cx, target(key.id), action),
    ),
  ]
  for (const call of gone) expect(await codeOf(call())).toBe("API_KEY_NOT_FOUND")
})

test("every change leaves an audit row with what was changed, and none shows a key", async () => {
  const { key, text } = await make({ scopes: ["chat"] })
  await change(key.id, { key_name: "Renamed", usage_limit_chf: 2 })
  await switchKey(cx, target(key.id), "pause")
  const rotated = await rotateKey(cx, target(key.id))
  await deleteKey(cx, target(rotated.key.id))
  const filter = { organizationId: organizationId(), limit: 50, offset: 0 }
  const rows = [
    ...(await cx.store.audit.list({ ...filter, resourceId: key.id })).records,
    ...(await cx.store.audit.list({ ...filter, resourceId: rotated.key.id })).records,
  ]
  expect(rows.map(({ action }) => action).sort()).toEqual([
    "created",
    "created",
    "deleted",
    "paused",
    "rotated",
    "updated",
  ])
  expect(rows.find(({ action }) => action === "updated")?.changes).toEqual([
    { field: "key_name", oldValue: "Key", newValue: "Renamed" },
    { field: "usage_limit_chf", oldValue: null, newValue: 2 },
  ])
  for (const secret of [text, rotated.text]) expect(JSON.stringify(rows)).not.toContain(secret)
  expect(rows.every(({ userId }) => userId === cx.principal.userId)).toBe(true)
})
