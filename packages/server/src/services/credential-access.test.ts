import { randomBytes } from "node:crypto"
import { findNode } from "@brevet/core/graph/graph"
import { readDefinition } from "@brevet/core/graph/read"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeSecrets } from "../adapters/secrets.ts"
import type { Context } from "../ports/context.ts"
import { requireCredential } from "../runtime/perform.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { makeCredentialAccess } from "./credential-access.ts"
import { createCredential } from "./credentials.ts"

const key = randomBytes(32)
const secrets = makeSecrets({ current: key, isShared: true })
let test: TestContext
let other: Context
let id: Id<"credential">

beforeAll(async () => {
  test = await makeTestContext()
  other = await test.makeOtherTenant()
  const creation = { name: "Ours", type: "httpHeaderAuth", allowedHosts: ["example.com"] }
  id = (await createCredential(test.cx, { secrets }, { ...creation, data: { name: "X-Key", value: "our secret" } })).id
  await createCredential(other, { secrets }, { ...creation, data: { name: "X-Key", value: "their secret" } })
})
afterAll(() => test.close())

/** What a node gets that names a credential of the type `httpHeaderAuth`; the code of the failure where it gets none. */
async function resolved(
  named: JsonObject,
  { cx = test.cx, opener = secrets }: { readonly cx?: Context; readonly opener?: typeof secrets } = {},
) {
  const definition = { nodes: [{ id: "a", name: "A", type: "n8n-nodes-base.set", credentials: named }] }
  const node = findNode(readDefinition(definition).graph, "A")
  if (node === null) throw new Error("the node is not there")
  const credentials = makeCredentialAccess({ secrets: opener, store: cx.store })
  const ground = { segment: { organizationId: cx.principal.organizationId }, workshop: { credentials } }
  return requireCredential(ground, node, "httpHeaderAuth").then(
    ({ auth, allowedHosts }) => ({ headers: auth.headers, allowedHosts }),
    (error: { code: string }) => error.code,
  )
}

const ours = { headers: [["X-Key", "our secret"]], allowedHosts: ["example.com"] }
const named = (reference: unknown): JsonObject => ({ httpHeaderAuth: reference as JsonObject })

describe("a node's credential", () => {
  it("is found by its id, whatever its name, and else by its name among those of the type", async () => {
    expect(await resolved(named({ id, name: "Another" }))).toEqual(ours)
    expect(await resolved(named({ id: "17", name: " OURS" }))).toEqual(ours)
    expect(await resolved(named({ name: "Ours" }))).toEqual(ours)
    expect(await resolved(named("Ours"))).toEqual(ours)
  })

  it("is that of the run's organization alone, by name and by id", async () => {
    const theirs = { headers: [["X-Key", "their secret"]], allowedHosts: ["example.com"] }
    expect(await resolved(named({ name: "Ours" }), { cx: other })).toEqual(theirs)
    expect(await resolved(named({ id }), { cx: other })).toBe("CREDENTIAL_MISSING")
  })

  it("is missing where none is named, or nothing has that name or type", async () => {
    for (const credentials of [{}, named({}), named({ name: "" }), named(7), named({ name: "Theirs" })]) {
      expect(await resolved(credentials)).toBe("CREDENTIAL_MISSING")
    }
    expect(await resolved({ httpBearerAuth: { id, name: "Ours" } })).toBe("CREDENTIAL_MISSING")
  })

  it("is unreadable with another key, and where its row was put in the place of another", async () => {
    const strangers = makeSecrets({ current: randomBytes(32) })
    expect(await resolved(named({ id }), { opener: strangers })).toBe("CREDENTIAL_UNREADABLE")
    const moved = await createCredential(
      test.cx,
      { secrets },
      { name: "Moved", type: "httpHeaderAuth", data: { name: "X-Key", value: "x" }, allowedHosts: null },
    )
    const copy =
      "UPDATE credentials SET secret = (SELECT secret FROM credentials WHERE name = 'Ours' LIMIT 1) WHERE name = 'Moved'"
    await test.sql.rows({ text: copy })
    expect(await resolved(named({ id: moved.id }))).toBe("CREDENTIAL_UNREADABLE")
  })
})
