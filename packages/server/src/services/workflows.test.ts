import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { promoteWorkflow } from "./promotion.ts"
import {
  createWorkflow,
  deleteWorkflow,
  getVersion,
  getWorkflow,
  listVersions,
  listWorkflows,
  updateWorkflow,
  validateDefinition,
  validateWorkflow,
} from "./workflows.ts"

const model = (id: string): JsonObject => ({
  id,
  name: id,
  type: "FreddyLLM",
  typeVersion: 1,
  position: [0, 0],
  parameters: {},
})
const definitionWith = (...ids: string[]): JsonObject => ({ nodes: ids.map(model), connections: {} })

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

/** The refusal's code, or "none". */
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return "none"
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

describe("creating a workflow", () => {
  it("begins at version 1, active, with no triggers armed, no link and no description", async () => {
    const workflow = await createWorkflow(cx, { name: "First", definition: definitionWith("a") })
    expect(workflow).toMatchObject({
      name: "First",
      description: null,
      externalId: null,
      version: 1,
      isActive: true,
      triggersArmed: false,
      assistantId: null,
      promotable: true,
      hasAssistant: false,
      createdBy: cx.principal.userId,
    })
    expect(await getWorkflow(cx, workflow.id)).toEqual(workflow)
  })

  it("keeps any definition as it was sent: NUL, lone surrogates, order of keys, great numbers", async () => {
    const text =
      '{"z":1,"a":{"nul":"\\u0000","lone":"\\ud800 and \\udfff","big":1e308,"small":5e-324,"deep":[[[{"y":0,"b":null}]]]},' +
      '"nodes":[{"id":"n\\u0000","name":"n\\ud800","type":"freddy_llm","parameters":{"é":"ü😀"}}],"":"empty key"}'
    const definition = JSON.parse(text) as JsonObject
    const workflow = await createWorkflow(cx, { name: "Kept", definition })
    expect(JSON.stringify(workflow.definition)).toBe(JSON.stringify(definition))
    const version = await getVersion(cx, { workflowId: workflow.id, version: 1 })
    expect(JSON.stringify(version.definition)).toBe(JSON.stringify(definition))
  })

  it("stores any JSON object, with findings instead of a refusal", async () => {
    for (const definition of [{}, { nodes: 7 }, { nodes: [null, 1, []] }, { nodes: [], connections: "x" }]) {
      const workflow = await createWorkflow(cx, { name: "Odd", definition })
      expect(workflow.promotable).toBe(false)
    }
  })

  it("refuses a definition of more than 2,000 nodes, as a list and as a map", async () => {
    const nodes = Array.from({ length: 2_001 }, (_, index) => model(`n${index}`))
    const create = (definition: JsonObject) => createWorkflow(cx, { name: "Large", definition })
    expect(await codeOf(create({ nodes }))).toBe("VALIDATION_ERROR")
    const map = Object.fromEntries(nodes.map((node, index) => [`n${index}`, node]))
    expect(await codeOf(create({ nodes: map }))).toBe("VALIDATION_ERROR")
    expect(await codeOf(create({ nodes: nodes.slice(1) }))).toBe("none")
  })

  it("arms the triggers of a definition that says active: true", async () => {
    const workflow = await createWorkflow(cx, { name: "Armed", definition: { ...definitionWith("a"), active: true } })
    expect(workflow.triggersArmed).toBe(true)
  })
})

describe("an external id", () => {
  it("updates the workflow that has it, keeping link, activity and an absent description", async () => {
    const input = { name: "Up", definition: definitionWith("a"), description: "first", externalId: "up-1" }
    const first = await createWorkflow(cx, input)
    const assistant = await promoteWorkflow(cx, { workflowId: first.id })
    await updateWorkflow(cx, { workflowId: first.id }, { isActive: false })
    const again = { name: "Up again", definition: definitionWith("a", "b"), externalId: "up-1" }
    const second = await createWorkflow(cx, again)
    expect(second).toMatchObject({
      id: first.id,
      name: "Up again",
      description: "first",
      version: 2,
      isActive: false,
      assistantId: assistant.id,
    })
  })

  it("changes nothing, not even the revision, when the same is sent again with other key order", async () => {
    const definition: JsonObject = { a: 1, b: [{ x: 1, y: 2 }] }
    const first = await createWorkflow(cx, { name: "Same", definition, externalId: "same-1" })
    test.clock.advance(5_000)
    const reordered: JsonObject = { b: [{ y: 2, x: 1 }], a: 1 }
    const second = await createWorkflow(cx, { name: "Same", definition: reordered, externalId: "same-1" })
    expect(second).toEqual(first)
  })

  it("is free again after its workflow was deleted, and is another one's in another organization", async () => {
    const input = { name: "Free", definition: {}, externalId: "free-1" }
    const first = await createWorkflow(cx, input)
    const other = await createWorkflow(await test.makeOtherTenant(), input)
    expect(other.id).not.toBe(first.id)
    await deleteWorkflow(cx, { workflowId: first.id })
    const second = await createWorkflow(cx, input)
    expect(second.id).not.toBe(first.id)
    expect(second.version).toBe(1)
  })

  it("counts as none when it is empty", async () => {
    const input = { name: "None", definition: {}, externalId: "" }
    const [first, second] = [await createWorkflow(cx, input), await createWorkflow(cx, input)]
    expect(first.externalId).toBeNull()
    expect(second.id).not.toBe(first.id)
  })

  it("makes one workflow of many upserts at the same moment, with a version for each different definition", async () => {
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        createWorkflow(cx, { name: `Race ${index}`, definition: definitionWith(`n${index}`), externalId: "race-1" }),
      ),
    )
    expect(new Set(results.map(({ id }) => id)).size).toBe(1)
    expect(results.map(({ version }) => version).sort((a, b) => a - b)).toEqual(results.map((_, index) => index + 1))
    const { total } = await listVersions(cx, { workflowId: results[0]?.id as Id<"workflow">, limit: 1, offset: 0 })
    expect(total).toBe(24)
  })

  it("is refused on update when another workflow has it, also when two ask for it at once", async () => {
    const make = (name: string) => createWorkflow(cx, { name, definition: {} })
    const [a, b, c] = [await make("A"), await make("B"), await make("C")]
    await updateWorkflow(cx, { workflowId: a.id }, { externalId: "taken-1" })
    const take = (workflowId: Id<"workflow">, externalId: string) =>
      codeOf(updateWorkflow(cx, { workflowId }, { externalId }))
    expect(await take(b.id, "taken-1")).toBe("EXTERNAL_ID_CONFLICT")
    const codes = await Promise.all([take(b.id, "taken-2"), take(c.id, "taken-2")])
    expect(codes.sort()).toEqual(["EXTERNAL_ID_CONFLICT", "none"])
  })

  it("cannot be swapped between two workflows at once without one of them being refused", async () => {
    const make = (externalId: string) => createWorkflow(cx, { name: externalId, definition: {}, externalId })
    const [a, b] = [await make("swap-a"), await make("swap-b")]
    const codes = await Promise.all([
      codeOf(updateWorkflow(cx, { workflowId: a.id }, { externalId: "swap-b" })),
      codeOf(updateWorkflow(cx, { workflowId: b.id }, { externalId: "swap-a" })),
    ])
    expect(codes).toContain("EXTERNAL_ID_CONFLICT")
  })
})

describe("updating a workflow", () => {
  it("raises the version by one with each change of the definition, and keeps every version", async () => {
    const { id } = await createWorkflow(cx, { name: "V", definition: { n: 1 } })
    await updateWorkflow(cx, { workflowId: id }, { definition: { n: 2 } })
    await updateWorkflow(cx, { workflowId: id }, { definition: { n: 2 } })
    const third = await updateWorkflow(cx, { workflowId: id }, { definition: { n: 1 } })
    expect(third).toMatchObject({ version: 3, definition: { n: 1 } })
    const { records, total } = await listVersions(cx, { workflowId: id, limit: 2, offset: 0 })
    expect(total).toBe(3)
    expect(records.map(({ version, definition }) => [version, definition])).toEqual([
      [3, { n: 1 }],
      [2, { n: 2 }],
    ])
    expect(await codeOf(getVersion(cx, { workflowId: id, version: 4 }))).toBe("RESOURCE_NOT_FOUND")
  })

  it("moves the time of the update and the revision, and leaves the version, when only the name changes", async () => {
    const before = await createWorkflow(cx, { name: "Old", definition: {}, description: "d" })
    test.clock.advance(60_000)
    const after = await updateWorkflow(cx, { workflowId: before.id }, { name: "New", description: null })
    expect(after).toMatchObject({ name: "New", description: null, version: 1, revision: before.revision + 1 })
    expect(after.updatedAtMs).toBe(before.updatedAtMs + 60_000)
    expect(after.createdAtMs).toBe(before.createdAtMs)
  })

  it("is refused when the caller's revision is not the current one", async () => {
    const { id, revision } = await createWorkflow(cx, { name: "Rev", definition: {} })
    await updateWorkflow(cx, { workflowId: id, ifRevision: revision }, { name: "Rev 2" })
    expect(await codeOf(updateWorkflow(cx, { workflowId: id, ifRevision: revision }, { name: "Rev 3" }))).toBe(
      "VERSION_CONFLICT",
    )
    expect(await codeOf(deleteWorkflow(cx, { workflowId: id, ifRevision: revision }))).toBe("VERSION_CONFLICT")
    expect((await getWorkflow(cx, id)).name).toBe("Rev 2")
  })

  it("lets exactly one of many writers with the same revision through", async () => {
    const { id, revision } = await createWorkflow(cx, { name: "Rev race", definition: {} })
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        codeOf(updateWorkflow(cx, { workflowId: id, ifRevision: revision }, { name: `Writer ${index}` })),
      ),
    )
    expect(codes.filter((code) => code === "none")).toHaveLength(1)
    expect(codes.filter((code) => code === "VERSION_CONFLICT")).toHaveLength(7)
  })

  it("gives concurrent changes of the definition consecutive versions", async () => {
    const { id } = await createWorkflow(cx, { name: "Def race", definition: { n: -1 } })
    const records = await Promise.all(
      Array.from({ length: 10 }, (_, n) => updateWorkflow(cx, { workflowId: id }, { definition: { n } })),
    )
    expect(records.map(({ version }) => version).sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  it("arms triggers by is_active: true and disarms them by false", async () => {
    const { id } = await createWorkflow(cx, { name: "Arm", definition: {} })
    expect((await updateWorkflow(cx, { workflowId: id }, { isActive: true })).triggersArmed).toBe(true)
    const off = await updateWorkflow(cx, { workflowId: id }, { isActive: false })
    expect(off).toMatchObject({ isActive: false, triggersArmed: false })
    const inactive = await updateWorkflow(cx, { workflowId: id }, { definition: { active: true } })
    expect(inactive.triggersArmed).toBe(false)
  })

  it("leaves armed what was armed by hand, and follows a definition that says active no more", async () => {
    const { id } = await createWorkflow(cx, { name: "Arm 2", definition: {} })
    await updateWorkflow(cx, { workflowId: id }, { isActive: true })
    const change = (definition: JsonObject) => updateWorkflow(cx, { workflowId: id }, { definition })
    expect((await change({ active: false })).triggersArmed).toBe(true)
    expect((await change({ active: true })).triggersArmed).toBe(true)
    expect((await change({ active: false, more: 1 })).triggersArmed).toBe(false)
  })
})

describe("listing workflows", () => {
  it("gives pages, newest first, of one's own organization, by external id and by activity", async () => {
    const own = await test.makeOtherTenant()
    const ids: string[] = []
    for (const name of ["one", "two", "three"]) {
      test.clock.advance(1_000)
      ids.unshift((await createWorkflow(own, { name, definition: {}, externalId: name })).id)
    }
    const page = await listWorkflows(own, { limit: 2, offset: 1, activeOnly: false })
    expect(page.total).toBe(3)
    expect(page.records.map(({ id }) => id)).toEqual(ids.slice(1))
    await updateWorkflow(own, { workflowId: ids[0] as Id<"workflow"> }, { isActive: false })
    expect((await listWorkflows(own, { limit: 10, offset: 0, activeOnly: true })).total).toBe(2)
    const found = await listWorkflows(own, { limit: 10, offset: 0, activeOnly: false, externalId: "two" })
    expect(found.records.map(({ name }) => name)).toEqual(["two"])
  })

  it("knows nothing of another organization's workflow", async () => {
    const { id } = await createWorkflow(cx, { name: "Mine", definition: {} })
    const other = await test.makeOtherTenant()
    expect(await codeOf(getWorkflow(other, id))).toBe("WORKFLOW_NOT_FOUND")
    expect(await codeOf(updateWorkflow(other, { workflowId: id }, { name: "x" }))).toBe("WORKFLOW_NOT_FOUND")
    expect(await codeOf(deleteWorkflow(other, { workflowId: id }))).toBe("WORKFLOW_NOT_FOUND")
    expect(await codeOf(listVersions(other, { workflowId: id, limit: 1, offset: 0 }))).toBe("WORKFLOW_NOT_FOUND")
    expect(await codeOf(getVersion(other, { workflowId: id, version: 1 }))).toBe("WORKFLOW_NOT_FOUND")
  })
})

describe("deleting a workflow", () => {
  it("unlinks its assistant, which stays, and writes that into the assistant's history", async () => {
    const workflow = await createWorkflow(cx, { name: "Gone", definition: definitionWith("a") })
    const assistant = await promoteWorkflow(cx, { workflowId: workflow.id })
    await deleteWorkflow(cx, { workflowId: workflow.id })
    expect(await codeOf(getWorkflow(cx, workflow.id))).toBe("WORKFLOW_NOT_FOUND")
    expect(await codeOf(deleteWorkflow(cx, { workflowId: workflow.id }))).toBe("WORKFLOW_NOT_FOUND")
    const left = await cx.store.assistants.find(cx.principal.organizationId, assistant.id)
    expect(left).toMatchObject({ workflowId: null, primaryNode: null, deletedAtMs: null })
    const filter = { organizationId: cx.principal.organizationId, resourceId: assistant.id, limit: 10, offset: 0 }
    const { records } = await cx.store.audit.list(filter)
    expect(records.map(({ action }) => action).sort()).toEqual(["created", "workflow_detached"])
  })

  it("marks its runs under way in the same transaction and has them ended afterwards", async () => {
    const workflow = await createWorkflow(cx, { name: "Runs", definition: {} })
    const statuses = ["queued", "running", "waiting", "completed"]
    const runs = statuses.map((status) => ({ status, id: cx.ids.next("run") }))
    for (const run of runs) {
      await test.sql.rows({
        text: `INSERT INTO runs (id, organization_id, workflow_id, status, mode, created_at)
               VALUES ($1, $2, $3, $4, 'production', now())`,
        values: [uuidOf(run.id), uuidOf(cx.principal.organizationId), uuidOf(workflow.id), run.status],
      })
    }
    await deleteWorkflow(cx, { workflowId: workflow.id })
    const underWay = runs.filter(({ status }) => status !== "completed").map(({ id }) => id)
    expect([...test.endedRuns].sort()).toEqual(underWay.sort())
  })
})

describe("validating", () => {
  it("says the same of a definition as of the workflow that has it", async () => {
    const definition = definitionWith("a", "b")
    const report = await validateDefinition(cx, definition)
    expect(report.promotable).toBe(false)
    const workflow = await createWorkflow(cx, { name: "Checked", definition })
    expect(await validateWorkflow(cx, workflow.id)).toEqual(report)
    expect((await getVersion(cx, { workflowId: workflow.id, version: 1 })).report).toEqual(report)
  })
})
