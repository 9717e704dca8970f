import { assistantUpdateBody, presentAssistant } from "@brevet/core/contract/assistants"
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import {
  attachWorkflow,
  convertToWorkflow,
  detachWorkflow,
  getAssistantWorkflow,
  updateAssistantWorkflow,
} from "./assistant-workflow.ts"
import { createAssistant, deleteAssistant, getAssistant, getAssistantRecord, updateAssistant } from "./assistants.ts"
import { promoteWorkflow } from "./promotion.ts"
import { createWorkflow, deleteWorkflow, getWorkflow, updateWorkflow } from "./workflows.ts"

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
const nextName = (): string => {
  counter += 1
  return `Name ${counter}`
}

const node = (id: string, parameters: JsonObject = {}): JsonObject => ({
  id,
  name: id,
  type: "FreddyLLM",
  typeVersion: 1,
  position: [0, 0],
  parameters,
})
const definitionOf = (...nodes: JsonObject[]): JsonObject => ({ nodes, connections: {} })

async function makePlain(settings: JsonObject = {}): Promise<Id<"assistant">> {
  const organization_id = cx.principal.organizationId
  const { view } = await createAssistant(cx, { name: nextName(), organization_id, ...settings })
  return view.id as Id<"assistant">
}
const makeWorkflow = (definition: JsonObject) => createWorkflow(cx, { name: nextName(), definition })

/** A workflow and its assistant. */
async function makePromoted(definition: JsonObject) {
  const workflow = await makeWorkflow(definition)
  return { workflowId: workflow.id, assistantId: (await promoteWorkflow(cx, { workflowId: workflow.id })).id }
}
const shown = async (assistantId: Id<"assistant">) => presentAssistant((await getAssistant(cx, assistantId)).view)
const change = (assistantId: Id<"assistant">, body: JsonObject) =>
  updateAssistant(cx, { assistantId }, assistantUpdateBody.parse(body))

describe("settings of an assistant with a workflow", () => {
  const definition = definitionOf(node("a", { temperature: 0.3, system_message: "Be kind.", model: "gpt-4o" }))

  it("are inherited until somebody sets them, and again after null", async () => {
    const { assistantId, workflowId } = await makePromoted(definition)
    expect(await shown(assistantId)).toMatchObject({
      workflow_id: workflowId,
      workflow_version: 1,
      workflow_latest_version: 1,
      workflow_based: true,
      temperature: 0.3,
      instructions: "Be kind.",
      default_model_key: "gpt-4o",
    })
    expect((await shown(assistantId)).inherited).toEqual(["default_model_key", "instructions", "temperature"])
    await change(assistantId, { temperature: 1.5 })
    const overridden = await shown(assistantId)
    expect(overridden).toMatchObject({ temperature: 1.5, inherited: ["default_model_key", "instructions"] })
    await change(assistantId, { temperature: null })
    expect(await shown(assistantId)).toMatchObject({ temperature: 0.3 })
  })

  it("follow the version that a new thread gets", async () => {
    const { assistantId, workflowId } = await makePromoted(definition)
    await updateWorkflow(cx, { workflowId }, { definition: definitionOf(node("a", { temperature: 0.9 })) })
    expect(await shown(assistantId)).toMatchObject({ temperature: 0.9, workflow_version: 2, instructions: null })
    await updateWorkflow(cx, { workflowId }, { definition: definitionOf() })
    const stale = await shown(assistantId)
    expect(stale).toMatchObject({ temperature: 0.9, workflow_version: 2, workflow_latest_version: 3 })
    expect(stale.workflow_findings).toContainEqual(expect.objectContaining({ code: "FREDDY_LLM_NODE_REQUIRED" }))
  })

  it("can be pinned to a version that can be promoted, and to no other", async () => {
    const { assistantId, workflowId } = await makePromoted(definition)
    await updateWorkflow(cx, { workflowId }, { definition: definitionOf(node("a", { temperature: 0.9 })) })
    await updateWorkflow(cx, { workflowId }, { definition: definitionOf() })
    await change(assistantId, { workflow_version: 1 })
    expect(await shown(assistantId)).toMatchObject({ workflow_version: 1, temperature: 0.3 })
    expect((await refusalOf(change(assistantId, { workflow_version: 3 })))?.code).toBe("FREDDY_LLM_NODE_REQUIRED")
    expect((await refusalOf(change(assistantId, { workflow_version: 4 })))?.code).toBe("VALIDATION_ERROR")
    await change(assistantId, { workflow_version: null })
    expect(await shown(assistantId)).toMatchObject({ workflow_version: 2 })
  })
})

describe("detaching", () => {
  it("keeps both, and the workflow can be promoted again under another name", async () => {
    const { assistantId, workflowId } = await makePromoted(definitionOf(node("a", { temperature: 0.3 })))
    const before = await getAssistantWorkflow(cx, assistantId)
    const wrong = { assistantId, ifRevision: before.revision + 1 }
    expect((await refusalOf(detachWorkflow(cx, wrong)))?.code).toBe("VERSION_CONFLICT")
    expect(await detachWorkflow(cx, { assistantId, ifRevision: before.revision })).toBe(workflowId)
    expect(await shown(assistantId)).toMatchObject({ workflow_id: null, workflow_based: false, temperature: null })
    const workflow = await getWorkflow(cx, workflowId)
    expect(workflow.assistantId).toBeNull()
    expect(workflow.revision).toBeGreaterThan(before.revision)
    expect((await refusalOf(detachWorkflow(cx, { assistantId })))?.code).toBe("RESOURCE_NOT_FOUND")
    expect((await refusalOf(getAssistantWorkflow(cx, assistantId)))?.code).toBe("RESOURCE_NOT_FOUND")
    expect((await promoteWorkflow(cx, { workflowId, name: nextName() })).id).not.toBe(assistantId)
  })

  it("happens by itself when the workflow is deleted, and when the assistant is", async () => {
    const first = await makePromoted(definitionOf(node("a")))
    await deleteWorkflow(cx, { workflowId: first.workflowId })
    expect(await shown(first.assistantId)).toMatchObject({ workflow_id: null })
    const second = await makePromoted(definitionOf(node("a")))
    await deleteAssistant(cx, { assistantId: second.assistantId })
    expect((await getWorkflow(cx, second.workflowId)).assistantId).toBeNull()
    expect((await promoteWorkflow(cx, { workflowId: second.workflowId })).workflowId).toBe(second.workflowId)
  })
})

describe("attaching", () => {
  it("judges as promotion does", async () => {
    const two = await makeWorkflow(definitionOf(node("a"), node("b", { temperature: 0.2 })))
    const none = await makeWorkflow(definitionOf())
    const assistantId = await makePlain()
    const attach = (workflowId: string, primaryNodeId?: string) =>
      refusalOf(attachWorkflow(cx, assistantId, { workflowId, primaryNodeId }))
    expect((await attach("flow_x"))?.code).toBe("WORKFLOW_NOT_FOUND")
    expect((await attach(none.id))?.code).toBe("FREDDY_LLM_NODE_REQUIRED")
    expect((await attach(two.id))?.code).toBe("PRIMARY_NODE_REQUIRED")
    expect((await attach(two.id, "c"))?.code).toBe("PRIMARY_NODE_NOT_FOUND")
    await updateWorkflow(cx, { workflowId: two.id }, { isActive: false })
    expect((await attach(two.id, "b"))?.code).toBe("WORKFLOW_INACTIVE")
    await updateWorkflow(cx, { workflowId: two.id }, { isActive: true })
    expect(await attach(two.id, "b")).toBeNull()
    expect(await shown(assistantId)).toMatchObject({ workflow_id: two.id, temperature: 0.2 })
    expect((await getWorkflow(cx, two.id)).assistantId).toBe(assistantId)
    expect(await attach(two.id)).toMatchObject({ code: "ASSISTANT_HAS_WORKFLOW", details: { workflow_id: two.id } })
    const other = await makePlain()
    expect(await refusalOf(attachWorkflow(cx, other, { workflowId: two.id }))).toMatchObject({
      code: "WORKFLOW_ALREADY_PROMOTED",
      details: { workflow_id: two.id, assistant_id: assistantId },
    })
  })

  it("has one winner where promotion and attachments come at the same moment", async () => {
    const workflow = await makeWorkflow(definitionOf(node("a")))
    const ids = await Promise.all([makePlain(), makePlain(), makePlain()])
    const results = await Promise.all([
      refusalOf(promoteWorkflow(cx, { workflowId: workflow.id })),
      ...ids.map((id) => refusalOf(attachWorkflow(cx, id, { workflowId: workflow.id }))),
    ])
    expect(results.filter((refusal) => refusal === null)).toHaveLength(1)
    const { assistantId } = await getWorkflow(cx, workflow.id)
    for (const refusal of results.filter((result) => result !== null)) {
      expect(refusal).toMatchObject({ code: "WORKFLOW_ALREADY_PROMOTED", details: { assistant_id: assistantId } })
    }
  })
})

describe("converting", () => {
  it("moves the settings into one node, from which they are inherited", async () => {
    const settings = {
      default_model_key: "gpt-4o",
      instructions: "Be kind.",
      temperature: 0.4,
      max_completion_tokens: 50,
    }
    const assistantId = await makePlain({ ...settings, context_strategy: "full", description: "About" })
    const { name } = await getAssistantRecord(cx, assistantId)
    const workflow = await convertToWorkflow(cx, assistantId, {})
    expect(workflow).toMatchObject({ name: `${name} Workflow`, description: "About", assistantId, promotable: true })
    const now = await shown(assistantId)
    expect(now).toMatchObject({ ...settings, context_strategy: "full", workflow_id: workflow.id, workflow_version: 1 })
    expect(now.inherited).toEqual(["default_model_key", "instructions", "temperature", "max_completion_tokens"])
    expect((await getAssistantRecord(cx, assistantId)).settings).toEqual({ context_strategy: "full" })
    expect(await refusalOf(convertToWorkflow(cx, assistantId, {}))).toMatchObject({
      code: "ASSISTANT_HAS_WORKFLOW",
      details: { workflow_id: workflow.id },
    })
  })

  it("leaves with the assistant what a node would take for an expression", async () => {
    const assistantId = await makePlain({ instructions: "={{ 1 + 1 }}", seed: 3 })
    const workflow = await convertToWorkflow(cx, assistantId, { workflowName: nextName() })
    expect(JSON.stringify(workflow.definition)).not.toContain("1 + 1")
    expect(await shown(assistantId)).toMatchObject({ instructions: "={{ 1 + 1 }}", seed: 3 })
  })

  it("has one winner where two come at the same moment", async () => {
    const assistantId = await makePlain()
    const results = await Promise.all([1, 2, 3].map(() => refusalOf(convertToWorkflow(cx, assistantId, {}))))
    expect(results.map((refusal) => refusal?.code ?? "none").sort()).toEqual([
      "ASSISTANT_HAS_WORKFLOW",
      "ASSISTANT_HAS_WORKFLOW",
      "none",
    ])
  })
})

it("the workflow of an assistant can be changed through it", async () => {
  const { assistantId, workflowId } = await makePromoted(definitionOf(node("a")))
  const changed = await updateAssistantWorkflow(cx, { assistantId }, { definition: definitionOf(node("a"), node("b")) })
  expect(changed).toMatchObject({ id: workflowId, version: 2 })
  const stale = { assistantId, ifRevision: changed.revision - 1 }
  expect((await refusalOf(updateAssistantWorkflow(cx, stale, { name: "x" })))?.code).toBe("VERSION_CONFLICT")
})
