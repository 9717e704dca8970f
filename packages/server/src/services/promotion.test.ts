import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Context } from "../ports/context.ts"
import type { WorkflowRecord } from "../ports/workflow-table.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { numberedName } from "./free-name.ts"
import { dryRunPromotion, getPromotion, newThreadVersion, type PromotionRequest, promoteWorkflow } from "./promotion.ts"
import { createWorkflow, deleteWorkflow, getVersion, getWorkflow, updateWorkflow } from "./workflows.ts"

const node = (id: string, type: string, extra: JsonObject = {}): JsonObject => ({
  id,
  name: `Node ${id}`,
  type,
  typeVersion: 1,
  position: [0, 0],
  parameters: {},
  ...extra,
})
const llm = (id: string, extra: JsonObject = {}) => node(id, "FreddyLLM", extra)
const set = (id: string) => node(id, "n8n-nodes-base.set")
const definitionOf = (...nodes: JsonValue[]): JsonObject => ({ nodes, connections: {} })

let test: TestContext
let cx: Context
let count = 0
beforeAll(async () => {
  test = await makeTestContext()
  cx = test.cx
})
afterAll(() => test.close())

function make(definition: JsonObject, extra: { name?: string; description?: string } = {}): Promise<WorkflowRecord> {
  count += 1
  return createWorkflow(cx, { name: `Workflow ${count}`, definition, ...extra })
}

const promote = (workflow: WorkflowRecord, request: Omit<PromotionRequest, "workflowId"> = {}) =>
  promoteWorkflow(cx, { workflowId: workflow.id, ...request })

async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
const codeOf = async (work: Promise<unknown>) => (await refusalOf(work))?.code ?? "none"

async function countAssistants(workflow: WorkflowRecord): Promise<number> {
  const rows = await test.sql.rows({
    text: "SELECT 1 FROM assistants WHERE name_key LIKE lower($1) || '%' AND deleted_at IS NULL",
    values: [workflow.name],
  })
  return rows.length
}

const link = (workflowId: Id<"workflow">, primaryNode: string | null, pinnedVersion: number | null = null) =>
  newThreadVersion(cx.store, { workflowId, primaryNode, pinnedVersion })

describe("promoting a workflow", () => {
  it("takes the one candidate where none is named, and the workflow's name and description", async () => {
    const workflow = await make(definitionOf(set("s"), llm("only")), { description: "what it does" })
    const assistant = await promote(workflow)
    expect(assistant).toMatchObject({
      name: workflow.name,
      description: "what it does",
      settings: {},
      accessMode: "private",
      isActive: true,
      apiEnabled: true,
      workflowId: workflow.id,
      pinnedVersion: null,
      primaryNode: "only",
      createdBy: cx.principal.userId,
    })
  })

  it("links the workflow, moves its time and revision, and leaves its version", async () => {
    const workflow = await make(definitionOf(llm("a")))
    test.clock.advance(10_000)
    const assistant = await promote(workflow)
    const after = await getWorkflow(cx, workflow.id)
    expect(after).toMatchObject({ assistantId: assistant.id, version: 1, hasAssistant: false })
    expect(after.updatedAtMs).toBe(workflow.updatedAtMs + 10_000)
    expect(after.revision).toBeGreaterThan(workflow.revision)
  })

  it("refuses several candidates with none named, and names them", async () => {
    const workflow = await make(definitionOf(llm("a"), llm("b")))
    const refusal = await refusalOf(promote(workflow))
    expect(refusal?.code).toBe("PRIMARY_NODE_REQUIRED")
    const candidates = refusal?.details.candidates as JsonObject[]
    expect(candidates.map(({ id, name }) => [id, name])).toEqual([
      ["a", "Node a"],
      ["b", "Node b"],
    ])
    expect(refusal?.details.field).toBe("primary_node_id")
    expect((await promote(workflow, { primaryNodeId: "b" })).primaryNode).toBe("b")
  })

  it("refuses definitions without a candidate, whatever they look like", async () => {
    const without: JsonObject[] = [
      {},
      { nodes: [] },
      { nodes: "no list" },
      definitionOf(null, 5, [], "x"),
      definitionOf(set("s")),
      definitionOf(llm("a", { disabled: true }), llm("b", { disabled: true })),
    ]
    for (const definition of without) {
      const refusal = await refusalOf(promote(await make(definition)))
      expect(refusal?.code).toBe("FREDDY_LLM_NODE_REQUIRED")
      expect(refusal?.details).toHaveProperty("findings")
    }
  })

  it("refuses a primary_node_id that names no node, even where there is only one candidate", async () => {
    const refusal = await refusalOf(promote(await make(definitionOf(llm("a"))), { primaryNodeId: "nobody" }))
    expect(refusal?.code).toBe("PRIMARY_NODE_NOT_FOUND")
    expect(refusal?.details.candidates).toHaveLength(1)
    expect(await codeOf(promote(await make(definitionOf(llm("a"))), { primaryNodeId: "" }))).toBe(
      "PRIMARY_NODE_NOT_FOUND",
    )
  })

  it("refuses a primary_node_id of another kind, and of a disabled node", async () => {
    const definition = definitionOf(llm("a"), set("s"), llm("off", { disabled: true }))
    const kind = await refusalOf(promote(await make(definition), { primaryNodeId: "s" }))
    expect(kind?.code).toBe("PRIMARY_NODE_INVALID_TYPE")
    expect(kind?.details).toMatchObject({ type: "n8n-nodes-base.set", disabled: false })
    const disabled = await refusalOf(promote(await make(definition), { primaryNodeId: "off" }))
    expect(disabled?.code).toBe("PRIMARY_NODE_INVALID_TYPE")
    expect(disabled?.details).toMatchObject({ type: "FreddyLLM", disabled: true })
  })

  it("refuses an id that two nodes have", async () => {
    const definition = definitionOf(llm("twin"), llm("twin", { name: "Other twin" }))
    expect(await codeOf(promote(await make(definition), { primaryNodeId: "twin" }))).toBe("PRIMARY_NODE_REQUIRED")
  })

  it("takes a node without an id by its name", async () => {
    const { id: _id, ...nameless } = llm("x", { name: "The name" })
    const assistant = await promote(await make(definitionOf(nameless, llm("b"))), {
      primaryNodeId: "The name",
    })
    expect(assistant.primaryNode).toBe("The name")
  })

  it("keeps the name of a node as it is, with what Postgres cannot hold as text", async () => {
    for (const id of ["n\u0000x", "n\ud800", '"quoted"', "null"]) {
      const assistant = await promote(await make(definitionOf(llm(id), llm("other"))), { primaryNodeId: id })
      expect(assistant.primaryNode).toBe(id)
      expect((await cx.store.assistants.find(cx.principal.organizationId, assistant.id))?.primaryNode).toBe(id)
    }
  })

  it("takes n8n's language-model nodes only where there is no FreddyLLM node", async () => {
    const agent = node("agent", "@n8n/n8n-nodes-langchain.agent")
    expect((await promote(await make(definitionOf(agent)))).primaryNode).toBe("agent")
    expect((await promote(await make(definitionOf(agent, llm("ours"))))).primaryNode).toBe("ours")
  })

  it("keeps an explicit name and description, also an empty one", async () => {
    const workflow = await make(definitionOf(llm("a")), { description: "workflow's" })
    expect(await promote(workflow, { name: "Named", description: "" })).toMatchObject({
      name: "Named",
      description: "",
    })
  })

  it("writes one row into the assistant's history", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const assistant = await promote(workflow)
    const filter = { organizationId: cx.principal.organizationId, resourceId: assistant.id, limit: 10, offset: 0 }
    const { records } = await cx.store.audit.list(filter)
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ action: "created", userId: cx.principal.userId, resourceName: workflow.name })
  })

  it("knows nothing of another organization's workflow, and of a deleted one", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const other = await test.makeOtherTenant()
    expect(await codeOf(promoteWorkflow(other, { workflowId: workflow.id }))).toBe("WORKFLOW_NOT_FOUND")
    await deleteWorkflow(cx, { workflowId: workflow.id })
    expect(await codeOf(promote(workflow))).toBe("WORKFLOW_NOT_FOUND")
  })
})

describe("a second promotion", () => {
  it("is refused while the assistant lives, whatever it asks for, and never makes another", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const assistant = await promote(workflow)
    await updateWorkflow(cx, { workflowId: workflow.id }, { isActive: false, definition: {} })
    for (const request of [{}, { name: "Another" }, { primaryNodeId: "nobody" }]) {
      const refusal = await refusalOf(promote(workflow, request))
      expect(refusal?.code).toBe("WORKFLOW_ALREADY_PROMOTED")
      expect(refusal?.details).toEqual({ workflow_id: workflow.id, assistant_id: assistant.id })
    }
    expect(await countAssistants(workflow)).toBe(1)
  })

  it("makes a new assistant once the first was deleted", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const first = await promote(workflow)
    await cx.store.assistants.softDelete(first.id, { atMs: cx.clock.nowMs() })
    const second = await promote(workflow)
    expect(second.id).not.toBe(first.id)
    expect(second.name).toBe(first.name)
  })

  it("meets the name of a detached assistant, and makes a new one under another name", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const first = await promote(workflow)
    await cx.store.assistants.unlinkWorkflow(workflow.id, { atMs: cx.clock.nowMs() })
    expect(await codeOf(promote(workflow))).toBe("ASSISTANT_NAME_CONFLICT")
    const second = await promote(workflow, { name: `${workflow.name} again` })
    expect(second.id).not.toBe(first.id)
  })
})

describe("refusals by state and name", () => {
  it("refuse an inactive workflow before its nodes are looked at", async () => {
    const workflow = await make({})
    await updateWorkflow(cx, { workflowId: workflow.id }, { isActive: false })
    expect(await codeOf(promote(workflow))).toBe("WORKFLOW_INACTIVE")
  })

  it("refuse a taken name, trimmed and without case, and suggest a free one", async () => {
    const first = await promote(await make(definitionOf(llm("a")), { name: "Straße" }))
    const workflow = await make(definitionOf(llm("a")), { name: "STRASSE" })
    const refusal = await refusalOf(promote(workflow))
    expect(refusal?.code).toBe("ASSISTANT_NAME_CONFLICT")
    expect(refusal?.details).toEqual({ name: "STRASSE", assistant_id: first.id, suggested_name: "STRASSE 2" })
    await promote(workflow, { name: "STRASSE 2" })
    const next = await refusalOf(promote(await make(definitionOf(llm("a"))), { name: "strasse" }))
    expect(next?.details.suggested_name).toBe("strasse 3")
  })

  it("look at the node before the name", async () => {
    await promote(await make(definitionOf(llm("a")), { name: "Order" }))
    expect(await codeOf(promote(await make({}, { name: "Order" })))).toBe("FREDDY_LLM_NODE_REQUIRED")
  })

  it("do not count names of deleted assistants, nor of other organizations", async () => {
    const first = await promote(await make(definitionOf(llm("a")), { name: "Once" }))
    await cx.store.assistants.softDelete(first.id, { atMs: cx.clock.nowMs() })
    const other = await test.makeOtherTenant()
    const foreign = await createWorkflow(other, { name: "Once", definition: definitionOf(llm("a")) })
    await promoteWorkflow(other, { workflowId: foreign.id })
    expect(await codeOf(promote(await make(definitionOf(llm("a")), { name: "once" })))).toBe("none")
  })

  it("suggest names that stay within the limit and whole characters", () => {
    expect(numberedName("Name", 2)).toBe("Name 2")
    const long = numberedName(`${"x".repeat(252)}😀y`, 2)
    expect(long).toBe(`${"x".repeat(252)} 2`)
    expect(numberedName("y".repeat(255), 10)).toHaveLength(255)
  })
})

describe("a dry run", () => {
  it("gives the report and stores nothing", async () => {
    const workflow = await make(definitionOf(llm("a", { parameters: { model: "gpt-4o" } })))
    const report = await dryRunPromotion(cx, { workflowId: workflow.id })
    expect(report.promotable).toBe(true)
    expect(report).not.toHaveProperty("error")
    expect(await getWorkflow(cx, workflow.id)).toEqual(workflow)
    expect(await countAssistants(workflow)).toBe(0)
  })

  it("carries the refusal that promotion would give, in the same order", async () => {
    const codeFor = async (workflow: WorkflowRecord, request: Omit<PromotionRequest, "workflowId"> = {}) => {
      const report = await dryRunPromotion(cx, { workflowId: workflow.id, ...request })
      const code = report.error?.code ?? "none"
      expect(report.promotable).toBe(code === "none")
      expect(await codeOf(promote(workflow, request))).toBe(code)
      return code
    }
    const two = await make(definitionOf(llm("a"), llm("b")))
    expect(await codeFor(two)).toBe("PRIMARY_NODE_REQUIRED")
    expect(await codeFor(two, { primaryNodeId: "z" })).toBe("PRIMARY_NODE_NOT_FOUND")
    expect(await codeFor(await make({}))).toBe("FREDDY_LLM_NODE_REQUIRED")
    expect(await codeFor(await make(definitionOf(set("s"), llm("a"))), { primaryNodeId: "s" })).toBe(
      "PRIMARY_NODE_INVALID_TYPE",
    )
    const done = await make(definitionOf(llm("a")))
    expect(await codeFor(done)).toBe("none")
    expect(await codeFor(done)).toBe("WORKFLOW_ALREADY_PROMOTED")
    expect(await codeFor(await make(definitionOf(llm("a")), { name: done.name }))).toBe("ASSISTANT_NAME_CONFLICT")
    const inactive = await make({})
    await updateWorkflow(cx, { workflowId: inactive.id }, { isActive: false })
    expect(await codeFor(inactive)).toBe("WORKFLOW_INACTIVE")
  })
})

describe("versions after promotion", () => {
  it("give a new thread the newest version that can be promoted, with the linked node while it is a candidate", async () => {
    const workflow = await make(definitionOf(llm("a"), llm("b")))
    await promote(workflow, { primaryNodeId: "b" })
    expect(await link(workflow.id, "b")).toMatchObject({ version: 1, primaryNode: "b" })
    const change = (definition: JsonObject) => updateWorkflow(cx, { workflowId: workflow.id }, { definition })
    await change(definitionOf(llm("a"), llm("b"), llm("c")))
    expect(await link(workflow.id, "b")).toMatchObject({ version: 2, primaryNode: "b" })
    expect((await change(definitionOf(llm("a"), llm("c")))).promotable).toBe(false)
    expect(await link(workflow.id, "b")).toMatchObject({ version: 2, primaryNode: "b" })
    await change(definitionOf(llm("c")))
    expect(await link(workflow.id, "b")).toMatchObject({ version: 4, primaryNode: "c" })
    await change({})
    expect(await link(workflow.id, "b")).toMatchObject({ version: 4, primaryNode: "c" })
  })

  it("give a pinned version, judged under today's link", async () => {
    const workflow = await make(definitionOf(llm("a"), llm("b")))
    await updateWorkflow(cx, { workflowId: workflow.id }, { definition: definitionOf(llm("a")) })
    await promote(workflow)
    expect((await getVersion(cx, { workflowId: workflow.id, version: 1 })).promotable).toBe(false)
    expect(await link(workflow.id, "a", 1)).toMatchObject({ version: 1, primaryNode: "a" })
    expect(await link(workflow.id, "z", 1)).toBeNull()
    expect(await link(workflow.id, "a", 99)).toBeNull()
  })

  it("keep the verdict on the promoted version, whose primary node is now settled", async () => {
    const workflow = await make(definitionOf(llm("a"), llm("b")))
    expect(workflow.promotable).toBe(false)
    const assistant = await promote(workflow, { primaryNodeId: "a" })
    expect((await getWorkflow(cx, workflow.id)).promotable).toBe(true)
    const version = await getVersion(cx, { workflowId: workflow.id, version: 1 })
    expect(version).toMatchObject({ promotable: true, primaryNode: "a" })
    expect(await getPromotion(cx, assistant.id)).toEqual(version.report)
  })

  it("show the newest version's report where none can be promoted, and none for an assistant without a workflow", async () => {
    const workflow = await make(definitionOf(llm("a")))
    const assistant = await promote(workflow)
    await cx.store.assistants.unlinkWorkflow(workflow.id, { atMs: cx.clock.nowMs() })
    expect(await codeOf(getPromotion(cx, assistant.id))).toBe("RESOURCE_NOT_FOUND")
    expect(await codeOf(getPromotion(await test.makeOtherTenant(), assistant.id))).toBe("ASSISTANT_NOT_FOUND")
  })
})
