import { describe, expect, it } from "vitest"
import { getAssistantHistoryRoute, listAssistantsRoute } from "./assistant-routes.ts"
import { assistantSettingNames } from "./assistant-settings.ts"
import {
  type AssistantView,
  assistantAnswer,
  assistantCreateBody,
  assistantStandard,
  assistantSummary,
  assistantUpdateBody,
  presentAssistant,
  presentAssistantStandard,
  presentAssistantSummary,
} from "./assistants.ts"
import { nameKeyOf } from "./name-key.ts"

const plain: AssistantView = {
  id: "asst_1",
  organizationId: "org_1",
  name: "Ada",
  description: null,
  settings: {},
  accessMode: "private",
  isActive: true,
  apiEnabled: true,
  createdBy: null,
  createdAtMs: 1_500,
  updatedAtMs: 2_999,
  deletedAtMs: null,
  workflow: null,
}

const linked: AssistantView = {
  ...plain,
  settings: { temperature: 0 },
  workflow: {
    id: "flow_1",
    version: 2,
    latestVersion: 3,
    findings: [{ severity: "error", code: "FREDDY_LLM_NODE_REQUIRED", message: "…" }],
    inherited: { temperature: 1.5, instructions: "Be kind.", default_model_key: "gpt-4o" },
  },
}

describe("a body", () => {
  it("names an unknown field", () => {
    const result = assistantCreateBody.safeParse({ name: "a", organization_id: "org_1", temprature: 1 })
    expect(result.error?.issues[0]).toMatchObject({ code: "unrecognized_keys", keys: ["temprature"] })
  })

  it("takes null for every optional field, and trims the name", () => {
    const nulls = Object.fromEntries(assistantSettingNames.map((name) => [name, null]))
    const body = {
      ...nulls,
      name: "  Ada ",
      organization_id: "org_1",
      description: null,
      access_mode: null,
      is_active: null,
    }
    expect(assistantCreateBody.parse(body).name).toBe("Ada")
    expect(assistantUpdateBody.parse({ ...nulls, assistant_metadata: null, workflow_version: null })).toBeDefined()
  })

  it("takes no name that is null, blank, too long or not plain text", () => {
    for (const name of [null, "", "  ", "a".repeat(256), "a\0", "\udfff"]) {
      expect([name, assistantUpdateBody.safeParse({ name }).success]).toEqual([name, false])
    }
    expect(assistantUpdateBody.safeParse({ name: "😀".repeat(255) }).success).toBe(true)
  })
})

describe("a plain assistant", () => {
  it("shows its own settings, defaults, and null for what is not set", () => {
    const shown = presentAssistant({ ...plain, settings: { seed: 7, metadata: { a: 1 } } })
    expect(assistantAnswer.parse(shown)).toEqual(shown)
    expect(shown).toMatchObject({
      seed: 7,
      metadata: { a: 1 },
      temperature: null,
      instructions: null,
      context_strategy: "auto",
      access_users: [],
      created_by: "system",
      created_at: 1,
      updated_at: 2,
      user_access_level: "owner",
      workflow_id: null,
      workflow_version: null,
      workflow_based: false,
      workflow_latest_version: null,
      workflow_findings: [],
      inherited: [],
    })
  })

  it("has a temperature, a model and a strategy in lists, whatever is set", () => {
    expect(assistantSummary.parse(presentAssistantSummary(plain)).temperature).toBe(0.7)
    const standard = assistantStandard.parse(presentAssistantStandard(plain, "gpt-4o"))
    expect(standard).toMatchObject({ default_model_key: "gpt-4o", context_strategy: "auto" })
  })
})

describe("an assistant with a workflow", () => {
  it("shows what it inherits, and its own value where somebody set one", () => {
    expect(presentAssistant(linked)).toMatchObject({
      temperature: 0,
      instructions: "Be kind.",
      inherited: ["default_model_key", "instructions"],
      workflow_id: "flow_1",
      workflow_version: 2,
      workflow_latest_version: 3,
      workflow_based: true,
      workflow_findings: [{ code: "FREDDY_LLM_NODE_REQUIRED" }],
    })
    expect(presentAssistantSummary(linked).temperature).toBe(0)
    expect(presentAssistantStandard(linked, "other").default_model_key).toBe("gpt-4o")
  })
})

describe("the query of a list", () => {
  it("has defaults, and refuses what is out of range", () => {
    const query = listAssistantsRoute.query
    expect(query.parse({ organization_id: "o" })).toMatchObject({
      limit: 50,
      offset: 0,
      fields: "summary",
      include_inactive: false,
    })
    for (const wrong of [
      { limit: "0" },
      { limit: "101" },
      { offset: "-1" },
      { limit: "x" },
      { fields: "all" },
      { sort_by: "id" },
    ]) {
      expect([wrong, query.safeParse({ organization_id: "o", ...wrong }).success]).toEqual([wrong, false])
    }
    expect(query.safeParse({}).success).toBe(false)
  })
})

describe("the dates of a history", () => {
  const query = getAssistantHistoryRoute.query
  it("are instants or whole days in UTC", () => {
    const parsed = query.parse({ start_date: "2026-01-02", end_date: "2026-01-02" })
    expect(parsed.start_date).toBe(Date.UTC(2026, 0, 2))
    expect(parsed.end_date).toBe(Date.UTC(2026, 0, 3) - 1)
    for (const text of [
      "2026-01-02T03:04:05Z",
      "2026-01-02T03:04:05",
      "2026-01-02T05:04:05+02:00",
      "2026-01-02T05:04:05 02:00",
    ]) {
      expect([text, query.parse({ start_date: text }).start_date]).toEqual([text, Date.UTC(2026, 0, 2, 3, 4, 5)])
    }
  })
  it("are refused in any other form", () => {
    for (const text of ["", "yesterday", "2026-13-01", "2026-02-30T25:00:00Z", "1767312245", "02/01/2026"]) {
      expect([text, query.safeParse({ start_date: text }).success]).toEqual([text, false])
    }
  })
})

describe("a name's key", () => {
  it("is the same for names that differ in case, outer blanks or composition", () => {
    expect(nameKeyOf("  STRASSE ")).toBe(nameKeyOf("straße"))
    expect(nameKeyOf("ΟΔΟΣ")).toBe(nameKeyOf("οδοσ"))
    expect(nameKeyOf("é")).toBe(nameKeyOf("e\u0301"))
    expect(nameKeyOf("a b")).not.toBe(nameKeyOf("ab"))
  })
})
