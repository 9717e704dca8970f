import { Refusal } from "@brevet/core/errors"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { promoteWorkflow } from "./promotion.ts"
import { createWorkflow, deleteWorkflow, getWorkflow, updateWorkflow } from "./workflows.ts"

const definitionOf = (...ids: string[]): JsonObject => ({
  nodes: ids.map((id) => ({ id, name: id, type: "FreddyLLM", parameters: {} })),
  connections: {},
})

let test: TestContext
let cx: Context
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

/** What came of a call: the id of what it made, or its refusal. */
async function outcomeOf(
  work: Promise<{ readonly id: string } | undefined>,
): Promise<{ id?: string; refusal?: Refusal }> {
  try {
    const made = await work
    return made === undefined ? {} : { id: made.id }
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error }
    throw error
  }
}

async function livingAssistants(column: "workflow_id" | "organization_id", id: string): Promise<number> {
  const rows = await test.sql.rows({
    text: `SELECT 1 FROM assistants WHERE ${column} = $1 AND deleted_at IS NULL`,
    values: [id.slice(-32)],
  })
  return rows.length
}

describe("promotions at the same moment", () => {
  it("make exactly one assistant of one workflow, and name it in every refusal", async () => {
    const workflow = await createWorkflow(cx, { name: "Thirty", definition: definitionOf("a") })
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        outcomeOf(promoteWorkflow(cx, { workflowId: workflow.id, name: `Thirty ${index % 3}` })),
      ),
    )
    const winners = outcomes.filter(({ id }) => id !== undefined)
    expect(winners).toHaveLength(1)
    const refusals = outcomes.flatMap(({ refusal }) => refusal ?? [])
    expect(refusals).toHaveLength(29)
    for (const refusal of refusals) {
      expect(refusal.code).toBe("WORKFLOW_ALREADY_PROMOTED")
      expect(refusal.details.assistant_id).toBe(winners[0]?.id)
    }
    expect(await livingAssistants("workflow_id", workflow.id)).toBe(1)
  })

  it("give one name to one of several workflows, and refuse the others by it", async () => {
    const own = await test.makeOtherTenant()
    const workflows = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        createWorkflow(own, { name: index % 2 === 0 ? " shared name" : "Shared Name", definition: definitionOf("a") }),
      ),
    )
    const outcomes = await Promise.all(
      workflows.map(({ id, name }) => outcomeOf(promoteWorkflow(own, { workflowId: id, name: name.trim() }))),
    )
    const winner = outcomes.find(({ id }) => id !== undefined)
    const refusals = outcomes.flatMap(({ refusal }) => refusal ?? [])
    expect(refusals).toHaveLength(7)
    for (const refusal of refusals) {
      expect(refusal.code).toBe("ASSISTANT_NAME_CONFLICT")
      expect(refusal.details.assistant_id).toBe(winner?.id)
    }
    expect(await livingAssistants("organization_id", own.principal.organizationId)).toBe(1)
  })

  it("against a deletion end with a deleted workflow and no link, whoever came first", async () => {
    for (let round = 0; round < 6; round += 1) {
      const workflow = await createWorkflow(cx, { name: `Delete race ${round}`, definition: definitionOf("a") })
      const steps = [
        outcomeOf(promoteWorkflow(cx, { workflowId: workflow.id })),
        outcomeOf(deleteWorkflow(cx, { workflowId: workflow.id }).then(() => undefined)),
      ]
      const [promoted, deleted] = await Promise.all(steps)
      expect(deleted?.refusal).toBeUndefined()
      if (promoted?.refusal !== undefined) expect(promoted.refusal.code).toBe("WORKFLOW_NOT_FOUND")
      expect(await livingAssistants("workflow_id", workflow.id)).toBe(0)
    }
  })

  it("against a deactivation are made before it or refused after it", async () => {
    for (let round = 0; round < 6; round += 1) {
      const workflow = await createWorkflow(cx, { name: `Inactive race ${round}`, definition: definitionOf("a") })
      const [promoted, changed] = await Promise.all([
        outcomeOf(promoteWorkflow(cx, { workflowId: workflow.id })),
        outcomeOf(updateWorkflow(cx, { workflowId: workflow.id }, { isActive: false })),
      ])
      expect(changed.refusal).toBeUndefined()
      if (promoted.refusal !== undefined) expect(promoted.refusal.code).toBe("WORKFLOW_INACTIVE")
      const after = await getWorkflow(cx, workflow.id)
      expect(after.isActive).toBe(false)
      expect(after.assistantId).toBe(promoted.id ?? null)
    }
  })

  it("against a new definition are judged on the newest version, and both verdicts fit the link", async () => {
    for (let round = 0; round < 6; round += 1) {
      const workflow = await createWorkflow(cx, { name: `Change race ${round}`, definition: definitionOf("a") })
      const [promoted] = await Promise.all([
        outcomeOf(promoteWorkflow(cx, { workflowId: workflow.id })),
        outcomeOf(updateWorkflow(cx, { workflowId: workflow.id }, { definition: definitionOf("a", "b") })),
      ])
      const after = await getWorkflow(cx, workflow.id)
      expect(after.version).toBe(2)
      // Promoted first: the second version has the linked node. Changed first: two candidates, none of them named.
      expect(after.promotable).toBe(promoted.id !== undefined)
      if (promoted.refusal !== undefined) expect(promoted.refusal.code).toBe("PRIMARY_NODE_REQUIRED")
    }
  })
})
