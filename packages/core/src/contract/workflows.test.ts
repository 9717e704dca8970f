import { describe, expect, it } from "vitest"
import { promoteBody, promoteWorkflowRoute } from "./promotion.ts"
import {
  listWorkflowsRoute,
  presentWorkflow,
  workflowAnswer,
  workflowCreateBody,
  workflowUpdateBody,
} from "./workflows.ts"

const create = (body: unknown) => workflowCreateBody.safeParse(body)
const update = (body: unknown) => workflowUpdateBody.safeParse(body)
const promote = (body: unknown) => promoteBody.safeParse(body)

describe("the body of a creation", () => {
  it("needs a name and an object as definition", () => {
    expect(create({ name: "n", definition: {} }).success).toBe(true)
    for (const definition of [undefined, null, [], "{}", 1]) {
      expect(create({ name: "n", definition }).success).toBe(false)
    }
    expect(create({ definition: {} }).success).toBe(false)
  })

  it("trims the name and takes 1 to 255 characters without NUL and lone surrogates", () => {
    expect(create({ name: "  n ", definition: {} }).data?.name).toBe("n")
    expect(create({ name: "x".repeat(255), definition: {} }).success).toBe(true)
    for (const name of ["", "   ", "x".repeat(256), "a\u0000b", "a\ud800", 7, null]) {
      expect(create({ name, definition: {} }).success).toBe(false)
    }
  })

  it("keeps a definition as it is, keys in their order", () => {
    const definition = { z: { nul: "\u0000\ud800" }, a: [1e308, { constructor: 1 }], "": null }
    const parsed = create({ name: "n", definition })
    expect(JSON.stringify(parsed.data?.definition)).toBe(JSON.stringify(definition))
  })

  it("takes null for what is optional, and names a field that it does not know", () => {
    expect(create({ name: "n", definition: {}, description: null, external_id: null }).success).toBe(true)
    expect(create({ name: "n", definition: {}, description: "\u0000" }).success).toBe(false)
    expect(create({ name: "n", definition: {}, external_id: "x".repeat(256) }).success).toBe(false)
    const unknown = create({ name: "n", definition: {}, desciption: "typo" })
    expect(unknown.error?.issues[0]).toMatchObject({ code: "unrecognized_keys", keys: ["desciption"] })
  })
})

describe("the body of an update", () => {
  it("may be empty, and clears only what can be empty", () => {
    expect(update({}).data).toEqual({})
    expect(update({ description: null, external_id: null }).data).toEqual({ description: null, external_id: null })
    for (const body of [{ name: null }, { definition: null }, { is_active: null }, { is_active: "true" }]) {
      expect(update(body).success).toBe(false)
    }
  })
})

describe("the body of a promotion", () => {
  it("may be empty, takes null as absent, and refuses blank names and unknown fields", () => {
    expect(promote({}).success).toBe(true)
    expect(promote({ name: null, description: null, primary_node_id: null }).success).toBe(true)
    expect(promote({ description: "" }).data).toEqual({ description: "" })
    for (const body of [
      { name: "" },
      { name: " " },
      { name: "x".repeat(256) },
      { name: 3 },
      { nmae: "x" },
      { primary_node_id: 3 },
    ]) {
      expect(promote(body).success).toBe(false)
    }
  })

  it("can be tried with dry_run of true or 1, and of nothing else", () => {
    const query = promoteWorkflowRoute.query
    for (const dry_run of ["true", "1"]) expect(query.safeParse({ dry_run }).success).toBe(true)
    for (const dry_run of ["false", "0", "", "TRUE"]) expect(query.safeParse({ dry_run }).success).toBe(false)
    expect(query.safeParse({}).success).toBe(true)
  })
})

describe("the list's query", () => {
  it("has the documented defaults and bounds", () => {
    const query = listWorkflowsRoute.query
    expect(query.parse({})).toEqual({ limit: 50, offset: 0 })
    expect(query.parse({ limit: "100", offset: "7", active_only: "true", external_id: "x" })).toEqual({
      limit: 100,
      offset: 7,
      active_only: true,
      external_id: "x",
    })
    for (const wrong of [
      { limit: "0" },
      { limit: "101" },
      { offset: "-1" },
      { limit: "x" },
      { active_only: "maybe" },
    ]) {
      expect(query.safeParse(wrong).success).toBe(false)
    }
  })
})

describe("a workflow on the wire", () => {
  it("shows times in whole Unix seconds and every documented field", () => {
    const shown = presentWorkflow({
      id: "flow_1",
      organizationId: "org_1",
      name: "n",
      description: null,
      definition: { nodes: [] },
      version: 3,
      isActive: true,
      createdAtMs: 1_700_000_000_999,
      updatedAtMs: 1_700_000_001_000,
      createdBy: null,
      externalId: null,
      assistantId: null,
      hasAssistant: false,
      promotable: false,
      findingsCount: 2,
      triggersArmed: false,
    })
    expect(shown).toMatchObject({ created_at: 1_700_000_000, updated_at: 1_700_000_001, has_assistant: false })
    expect(Object.keys(workflowAnswer.parse(shown))).toEqual(Object.keys(workflowAnswer.shape))
  })
})
