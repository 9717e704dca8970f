import { assistantUpdateBody, presentAssistant } from "@brevet/core/contract/assistants"
import { Refusal } from "@brevet/core/errors"
import { type Id, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { listHistory } from "./assistant-history.ts"
import { assistantOverrides, turnPolicyOf } from "./assistant-turn.ts"
import {
  createAssistant,
  deleteAssistant,
  getAssistant,
  getAssistantRecord,
  listAssistants,
  updateAssistant,
} from "./assistants.ts"

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

/** The refusal, or null. */
async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

let counter = 0
/** A new assistant with a name of its own. */
async function make(settings: JsonObject = {}, context = cx): Promise<Id<"assistant">> {
  counter += 1
  const organization_id = context.principal.organizationId
  const { view } = await createAssistant(context, { name: `Assistant ${counter}`, organization_id, ...settings })
  return view.id as Id<"assistant">
}
const change = (assistantId: Id<"assistant">, body: JsonObject, ifRevision?: number) =>
  updateAssistant(cx, { assistantId, ifRevision }, assistantUpdateBody.parse(body))
const shown = async (assistantId: Id<"assistant">) => presentAssistant((await getAssistant(cx, assistantId)).view)

describe("creating an assistant", () => {
  it("keeps what is sent and leaves the rest at its default", async () => {
    const id = await make({
      temperature: 0,
      instructions: "= {{ literal }}",
      metadata: { "a\0": "\ud800" },
      seed: null,
    })
    expect(await shown(id)).toMatchObject({
      temperature: 0,
      instructions: "= {{ literal }}",
      metadata: { "a\0": "\ud800" },
      seed: null,
      top_p: null,
      access_mode: "private",
      is_active: true,
      api_enabled: true,
      created_by: cx.principal.userId,
      workflow_based: false,
      inherited: [],
    })
  })

  it("is refused for another organization, for settings without support, and for settings that do not fit", async () => {
    const body = { name: "Refused", organization_id: cx.principal.organizationId }
    const create = (more: JsonObject) => refusalOf(createAssistant(cx, { ...body, ...more }))
    const other = await test.makeOtherTenant()
    expect((await create({ organization_id: other.principal.organizationId }))?.code).toBe("ORGANIZATION_ACCESS_DENIED")
    expect(await create({ access_users: ["usr_1"] })).toMatchObject({
      code: "UNSUPPORTED_PARAMETER",
      details: { field: "access_users" },
    })
    expect(await create({ response_format: "json_schema" })).toMatchObject({
      code: "VALIDATION_ERROR",
      details: { fields: [{ field: "json_schemas" }] },
    })
  })

  it("gives a name to one assistant only, without regard to case, and suggests a free one", async () => {
    const organization_id = cx.principal.organizationId
    const all = await Promise.all(
      ["Unique", "UNIQUE", "unique", "Unique"].map((name) => refusalOf(createAssistant(cx, { name, organization_id }))),
    )
    expect(all.filter((refusal) => refusal === null)).toHaveLength(1)
    const refusal = await refusalOf(createAssistant(cx, { name: "uNIQUE", organization_id }))
    const owner = await cx.store.assistants.findByName(cx.principal.organizationId, "Unique")
    expect(refusal).toMatchObject({
      code: "ASSISTANT_NAME_CONFLICT",
      details: { name: "uNIQUE", assistant_id: owner?.id, suggested_name: "uNIQUE 2" },
    })
    const other = await test.makeOtherTenant()
    const there = { name: "Unique", organization_id: other.principal.organizationId }
    expect(await refusalOf(createAssistant(other, there))).toBeNull()
  })
})

describe("changing an assistant", () => {
  it("leaves absent fields, sets others, and clears with null", async () => {
    const id = await make({ temperature: 1, seed: 7, description: "d" })
    await change(id, { top_p: 0.5, seed: null, description: null, api_enabled: false, access_mode: "public" })
    const now = { temperature: 1, top_p: 0.5, seed: null, description: null, api_enabled: false, access_mode: "public" }
    expect(await shown(id)).toMatchObject(now)
    await change(id, { api_enabled: null, access_mode: null })
    expect(await shown(id)).toMatchObject({ api_enabled: true, access_mode: "private" })
    expect((await getAssistantRecord(cx, id)).settings).toEqual({ temperature: 1, top_p: 0.5 })
  })

  it("raises the revision once for each change, and not for what is there already", async () => {
    const id = await make({ seed: 1 })
    expect((await change(id, { seed: 2 })).revision).toBe(2)
    expect((await change(id, { seed: 2, description: null, is_active: true })).revision).toBe(2)
    expect((await change(id, {})).revision).toBe(2)
    expect((await refusalOf(change(id, { seed: 3 }, 1)))?.code).toBe("VERSION_CONFLICT")
    expect((await change(id, { seed: 3 }, 2)).revision).toBe(3)
  })

  it("takes the metadata under both of its names", async () => {
    const id = await make()
    await change(id, { assistant_metadata: { a: 1 } })
    expect(await shown(id)).toMatchObject({ metadata: { a: 1 } })
    await change(id, { metadata: null, assistant_metadata: null })
    expect(await shown(id)).toMatchObject({ metadata: {} })
    expect((await refusalOf(change(id, { metadata: { a: 1 }, assistant_metadata: { a: 2 } })))?.code).toBe(
      "VALIDATION_ERROR",
    )
  })

  it("keeps names unique, also when two take one at the same moment", async () => {
    const ids = await Promise.all([make(), make(), make()])
    const results = await Promise.all(ids.map((id) => refusalOf(change(id, { name: "Wanted" }))))
    const refused = results.filter((refusal) => refusal !== null)
    expect(refused.map((refusal) => refusal?.code)).toEqual(["ASSISTANT_NAME_CONFLICT", "ASSISTANT_NAME_CONFLICT"])
    const owner = ids[results.indexOf(null)]
    expect(refused[0]?.details).toMatchObject({ assistant_id: owner, suggested_name: "Wanted 2" })
    if (owner !== undefined) expect(await refusalOf(change(owner, { name: "WANTED" }))).toBeNull()
  })

  it("refuses a pin where there is no workflow", async () => {
    expect(await refusalOf(change(await make(), { workflow_version: 1 }))).toMatchObject({
      code: "VALIDATION_ERROR",
      details: { fields: [{ field: "workflow_version" }] },
    })
  })

  it("finds nothing in another organization", async () => {
    const id = await make()
    const other = await test.makeOtherTenant()
    expect((await refusalOf(getAssistant(other, id)))?.code).toBe("ASSISTANT_NOT_FOUND")
    expect((await refusalOf(updateAssistant(other, { assistantId: id }, { seed: 1 })))?.code).toBe(
      "ASSISTANT_NOT_FOUND",
    )
    expect((await refusalOf(deleteAssistant(other, { assistantId: id })))?.code).toBe("ASSISTANT_NOT_FOUND")
  })
})

describe("deleting an assistant", () => {
  it("hides it, gives its name back, and ends its runs", async () => {
    const id = await make()
    const { name, organizationId } = await getAssistantRecord(cx, id)
    const runId = cx.ids.next("run")
    const values = [uuidOf(runId), uuidOf(organizationId), uuidOf(id)]
    await test.sql.rows({
      text: `INSERT INTO runs (id, organization_id, assistant_id, status, mode, created_at)
             VALUES ($1, $2, $3, 'waiting', 'chat', now())`,
      values,
    })
    expect((await refusalOf(deleteAssistant(cx, { assistantId: id, ifRevision: 9 })))?.code).toBe("VERSION_CONFLICT")
    await deleteAssistant(cx, { assistantId: id })
    expect(test.endedRuns).toContain(runId)
    expect((await refusalOf(getAssistant(cx, id)))?.code).toBe("ASSISTANT_NOT_FOUND")
    expect((await refusalOf(deleteAssistant(cx, { assistantId: id })))?.code).toBe("ASSISTANT_NOT_FOUND")
    expect(await refusalOf(createAssistant(cx, { name, organization_id: organizationId }))).toBeNull()
    expect(await cx.store.assistants.findEvenDeleted(organizationId, id)).toMatchObject({ name })
  })
})

describe("a list", () => {
  it("narrows, sorts and pages", async () => {
    const tenant = await test.makeOtherTenant()
    const organizationId = tenant.principal.organizationId
    for (const [name, more] of [
      ["b 100%", {}],
      ["a_x Ärzte", { access_mode: "public" }],
      ["C", { is_active: false }],
      ["d", { description: "holds 100% too" }],
    ] as const) {
      test.clock.advance(1_000)
      await createAssistant(tenant, { name, organization_id: organizationId, ...more })
    }
    const query = {
      organizationId,
      includeInactive: false,
      sortBy: "name",
      sortOrder: "asc",
      limit: 50,
      offset: 0,
    } as const
    const names = async (more: Partial<Parameters<typeof listAssistants>[1]>) => {
      const { views, total } = await listAssistants(tenant, { ...query, ...more })
      return [total, ...views.map(({ name }) => name)]
    }
    expect(await names({})).toEqual([3, "a_x Ärzte", "b 100%", "d"])
    expect(await names({ includeInactive: true, sortOrder: "desc" })).toEqual([4, "d", "C", "b 100%", "a_x Ärzte"])
    expect(await names({ sortBy: "created_at" })).toEqual([3, "b 100%", "a_x Ärzte", "d"])
    expect(await names({ search: "100%" })).toEqual([2, "b 100%", "d"])
    expect(await names({ search: "ÄRZ" })).toEqual([1, "a_x Ärzte"])
    expect(await names({ search: "A_" })).toEqual([1, "a_x Ärzte"])
    expect(await names({ accessMode: "public" })).toEqual([1, "a_x Ärzte"])
    expect(await names({ limit: 1, offset: 1 })).toEqual([3, "b 100%"])
    expect(await names({ vectorStoreId: "vs_1" })).toEqual([0])
    expect((await refusalOf(listAssistants(cx, query)))?.code).toBe("ORGANIZATION_ACCESS_DENIED")
  })
})

describe("the history", () => {
  it("tells who changed what, newest first, and can be narrowed", async () => {
    const id = await make({ seed: 1 })
    test.clock.advance(60_000)
    const changedAtMs = cx.clock.nowMs()
    await change(id, { seed: 2, name: "With a history" })
    const page = { limit: 10, offset: 0 }
    const { records, total } = await listHistory(cx, id, page)
    expect(total).toBe(2)
    expect(records.map(({ action }) => action)).toEqual(["updated", "created"])
    expect(records[0]).toMatchObject({
      resourceType: "assistant",
      resourceId: id,
      resourceName: "With a history",
      userName: "Olga Owner",
      userEmail: "olga@example.com",
    })
    expect(records[0]?.changes).toContainEqual({ field: "seed", oldValue: 1, newValue: 2 })
    expect(records[1]?.changes).toContainEqual({ field: "seed", oldValue: null, newValue: 1 })
    const count = async (more: object) => (await listHistory(cx, id, { ...page, ...more })).total
    expect(await count({ action: "updated" })).toBe(1)
    expect(await count({ userId: cx.ids.next("user") })).toBe(0)
    expect(await count({ fromMs: changedAtMs })).toBe(1)
    expect(await count({ toMs: changedAtMs - 1 })).toBe(1)
    expect((await listHistory(cx, id, { limit: 1, offset: 1 })).records.map(({ action }) => action)).toEqual([
      "created",
    ])
  })
})

it("an assistant says what its own settings mean for model calls and turns", async () => {
  const record = await getAssistantRecord(cx, await make({ temperature: 0, memory_enabled: false }))
  expect(assistantOverrides(record)).toEqual({ temperature: 0 })
  expect(turnPolicyOf(record)).toMatchObject({ memoryEnabled: false, concurrencyPolicy: "queue" })
})
