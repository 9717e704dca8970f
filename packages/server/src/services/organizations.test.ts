import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeSecrets } from "../adapters/secrets.ts"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { getOrganization, listOrganizations, updateOrganization } from "./organizations.ts"
import { listProviders, modelKeyOf, updateProvider } from "./providers.ts"

let test: TestContext
let cx: Context
let other: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
  other = await test.makeOtherTenant()
})
afterAll(() => test.close())

describe("organizations", () => {
  it("are the caller's own and no other", async () => {
    const { records, total } = await listOrganizations(cx, { skip: 0, limit: 50, activeOnly: true })
    expect([records.map(({ id }) => id), total]).toEqual([[cx.principal.organizationId], 1])
    expect((await listOrganizations(cx, { skip: 1, limit: 50, activeOnly: true })).records).toEqual([])
    await expect(getOrganization(cx, other.principal.organizationId)).rejects.toMatchObject({
      code: "ORGANIZATION_ACCESS_DENIED",
    })
  })

  it("change in what is sent, leave an audit row, and change nothing when they are told what they know", async () => {
    const organizationId = cx.principal.organizationId
    test.clock.advance(1_000)
    const change = { name: "Renamed", description: "d", website: "https://example.com" }
    const changed = await updateOrganization(cx, { organizationId }, change)
    expect(changed).toMatchObject({ name: "Renamed", description: "d", profile: { website: "https://example.com" } })
    expect(await updateOrganization(cx, { organizationId }, change)).toEqual(changed)
    const cleared = await updateOrganization(cx, { organizationId, ifRevision: changed.revision }, { website: null })
    expect(cleared).toMatchObject({ profile: {}, revision: changed.revision + 1 })
    const rows = await cx.store.audit.list({ organizationId, resourceId: organizationId, limit: 10, offset: 0 })
    expect(rows.records.flatMap(({ changes }) => changes.map(({ field }) => field)).sort()).toEqual([
      "description",
      "name",
      "website",
      "website",
    ])
  })

  it("refuse an old revision, and what would do nothing", async () => {
    const organizationId = cx.principal.organizationId
    const update = (change: Parameters<typeof updateOrganization>[2]) =>
      updateOrganization(cx, { organizationId }, change)
    await expect(updateOrganization(cx, { organizationId, ifRevision: 999 }, { name: "x" })).rejects.toMatchObject({
      code: "VERSION_CONFLICT",
    })
    for (const [field, change] of Object.entries({
      api_usage_limit: { api_usage_limit: 10 },
      api_key_usage_limit: { api_key_usage_limit: 1 },
      domains: { domains: ["example.com"] },
      is_active: { is_active: false },
    })) {
      await expect(update(change)).rejects.toMatchObject({ code: "UNSUPPORTED_PARAMETER", details: { field } })
    }
    expect(await update({ api_usage_limit: 0, domains: [], is_active: true })).toMatchObject({ name: "Renamed" })
  })
})

describe("providers", () => {
  const secrets = makeSecrets({ current: randomBytes(32) })
  const list = async (context = cx) => {
    const states = await listProviders(
      context,
      { secrets },
      { organizationId: context.principal.organizationId, activeOnly: false },
    )
    return Object.fromEntries(states.map((state) => [state.provider, state]))
  }
  const update = (provider: string, change: { isActive?: boolean; apiKey?: string | null }) =>
    updateProvider(cx, { secrets }, { organizationId: cx.principal.organizationId, provider, ...change })
  const keyOf = async (context: Context, opener = secrets) =>
    modelKeyOf({ secrets: opener }, await context.store.providers.find(context.principal.organizationId, "openai"))

  it("are listed without a key until one is set, and then only for the organization that set it", async () => {
    expect(await list()).toMatchObject({ openai: { source: null, isActive: true } })
    expect(await keyOf(cx)).toEqual({ use: "server" })
    expect(await update("openai", { apiKey: " sk-secret " })).toMatchObject({ source: "organization" })
    expect(await keyOf(cx)).toEqual({ use: "own", apiKey: "sk-secret" })
    expect(await keyOf(other)).toEqual({ use: "server" })
    expect((await list(other)).openai?.source).toBeNull()
  })

  it("keep the key sealed: nothing in the database holds it", async () => {
    const rows = await test.sql.rows({ text: "SELECT encode(secret, 'escape') AS secret FROM provider_keys" })
    const audit = await test.sql.rows({ text: "SELECT changes FROM audit_logs" })
    expect(rows).toHaveLength(1)
    expect(JSON.stringify([rows, audit])).not.toContain("sk-secret")
  })

  it("that are switched off, or whose key cannot be opened, are never used with the server's key", async () => {
    await update("openai", { isActive: false })
    expect(await keyOf(cx)).toEqual({ use: "none", reason: "inactive" })
    await update("openai", { isActive: true })
    const strangers = makeSecrets({ current: randomBytes(32) })
    expect(await keyOf(cx, strangers)).toEqual({ use: "none", reason: "unreadable" })
  })

  it("forget a key that is set to null", async () => {
    expect(await update("openai", { apiKey: null })).toMatchObject({ source: null })
    expect(await keyOf(cx)).toEqual({ use: "server" })
  })

  it("have to be known", async () => {
    await expect(update("nobody", { apiKey: "x" })).rejects.toMatchObject({ code: "RESOURCE_NOT_FOUND" })
  })
})
