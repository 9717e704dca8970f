import { keyCreateBody } from "@brevet/core/contract/keys"
import { Refusal } from "@brevet/core/errors"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import type { KeyTable } from "../ports/key-table.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { type Keyring, makeKeyring } from "./keyring.ts"
import { createKey, deleteKey, type KeyWithText, updateKey } from "./keys.ts"

let context: TestContext
let keyring: Keyring
/** How often the store was asked for a key. */
let asked = 0
let made: KeyWithText

beforeAll(async () => {
  context = await makeTestContext()
  await createKey(context.cx, context.cx.principal.organizationId, keyCreateBody.parse({ key_name: "First" }))
})

beforeEach(async () => {
  asked = 0
  const { store } = context.cx
  const keys: KeyTable = {
    ...store.keys,
    findByHash: (hash) => {
      asked += 1
      return store.keys.findByHash(hash)
    },
  }
  keyring = makeKeyring({ ...context.cx, store: { ...store, keys } })
  made = await createKey(
    context.cx,
    context.cx.principal.organizationId,
    keyCreateBody.parse({ key_name: "Key", scopes: ["chat"] }),
  )
})

afterAll(async () => {
  await keyring.settle()
  await context.close()
})

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
    return "fine"
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

/** Waits until what goes on behind the requests has been done: the store answers in order on one connection each. */
const untilAsked = async (times: number): Promise<void> => {
  while (asked < times) await new Promise((resolve) => setImmediate(resolve))
}

test("a key that was judged is recalled without asking the store, with the same principal and generation", async () => {
  expect(keyring.recall([made.text])).toBeNull()
  const holder = await keyring.authenticate([made.text])
  expect(holder.principal).toMatchObject({ keyId: made.key.id, scopes: ["chat"], userName: "Olga Owner" })
  expect(holder.generation).toBeGreaterThan(0)
  expect(keyring.recall([made.text])).toEqual(holder)
  context.clock.advance(999)
  expect(keyring.recall([made.text])).toEqual(holder)
  expect(asked).toBe(1)
})

test("every authentication asks the store", async () => {
  await keyring.authenticate([made.text])
  await keyring.authenticate([made.text])
  expect(asked).toBe(2)
})

test("after a second a recalled key is looked up again behind the request, once", async () => {
  await keyring.authenticate([made.text])
  context.clock.advance(1_000)
  for (let index = 0; index < 5; index += 1) expect(keyring.recall([made.text])).not.toBeNull()
  await untilAsked(2)
  expect(asked).toBe(2)
})

test("after five seconds nothing is recalled", async () => {
  await keyring.authenticate([made.text])
  context.clock.advance(5_000)
  expect(keyring.recall([made.text])).toBeNull()
})

test("a key that expires is not recalled beyond its time", async () => {
  const expiresAtMs = context.clock.nowMs() + 500
  const body = { key_name: "Short", scopes: ["chat"], expires_at: new Date(expiresAtMs).toISOString() }
  const { text } = await createKey(context.cx, context.cx.principal.organizationId, keyCreateBody.parse(body))
  await keyring.authenticate([text])
  context.clock.advance(499)
  expect(keyring.recall([text])).not.toBeNull()
  context.clock.advance(1)
  expect(keyring.recall([text])).toBeNull()
  expect(await codeOf(keyring.authenticate([text]))).toBe("API_KEY_EXPIRED")
})

test("keys of an organization that was changed here are forgotten, also while they are being looked up", async () => {
  await keyring.authenticate([made.text])
  keyring.forgetOrganization(context.cx.principal.organizationId)
  expect(keyring.recall([made.text])).toBeNull()
  const looking = keyring.authenticate([made.text])
  keyring.forgetOrganization(context.cx.principal.organizationId)
  await looking
  expect(keyring.recall([made.text])).toBeNull()
})

test("a key that was revoked by another process is refused at the next lookup, and its generation has risen", async () => {
  const target = { organizationId: context.cx.principal.organizationId, keyId: made.key.id }
  const { generation } = await keyring.authenticate([made.text])
  await updateKey(context.cx, target, { scopes: ["runs:read"] })
  expect(keyring.recall([made.text])?.generation).toBe(generation)
  const again = await keyring.authenticate([made.text])
  expect(again.generation).toBeGreaterThan(generation)
  expect(again.principal.scopes).toEqual(["runs:read"])
  await deleteKey(context.cx, target)
  expect(await codeOf(keyring.authenticate([made.text]))).toBe("AUTHENTICATION_REQUIRED")
  expect(keyring.recall([made.text])).toBeNull()
})

test("noting a use does not raise the generation, so that it makes nobody's turn start over", async () => {
  const { generation } = await keyring.authenticate([made.text])
  await keyring.settle()
  const used = await context.cx.store.keys.find(context.cx.principal.organizationId, made.key.id)
  expect(used?.lastUsedAtMs).toBe(context.clock.nowMs())
  expect((await keyring.authenticate([made.text])).generation).toBe(generation)
})

test("a use that cannot be noted fails no request", async () => {
  const { store } = context.cx
  const broken = makeKeyring({
    ...context.cx,
    store: { ...store, keys: { ...store.keys, touch: () => Promise.reject(new Refusal("SERVICE_UNAVAILABLE")) } },
  })
  expect(await codeOf(broken.authenticate([made.text]))).toBe("fine")
  await broken.settle()
})

test("without a text nobody is recalled or let in", async () => {
  expect(keyring.recall([])).toBeNull()
  expect(await codeOf(keyring.authenticate([]))).toBe("AUTHENTICATION_REQUIRED")
  expect(asked).toBe(0)
})
