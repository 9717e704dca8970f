import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { runInMemory } from "../../testing/memory-run.ts"
import { readDefinition } from "../read.ts"
import { validate } from "../validate.ts"
import { findKind, kinds } from "./table.ts"
import { kindOfType } from "./type-names.ts"

const findings = (node: JsonObject) =>
  validate(readDefinition(definitionOf({ Node: node }))).map(({ code, severity }) => [code, severity])

describe("the table of kinds", () => {
  it("has each kind once, and each type once", () => {
    expect(new Set(kinds.map(({ name }) => name)).size).toBe(kinds.length)
    const types = kinds.flatMap((kind) => kind.types)
    expect(new Set(types).size).toBe(types.length)
    for (const kind of kinds) {
      expect(findKind(kind.name)).toBe(kind)
      for (const type of kind.types) expect(kindOfType(type)).toBe(kind.name)
      expect(kind.help).toMatch(/\.$/)
    }
    expect(findKind("toString")).toBeNull()
  })
})

describe("a type name", () => {
  it.each([
    ["FreddyLLM", "freddyLlm"],
    ["freddyLLM", "freddyLlm"],
    ["freddy_llm", "freddyLlm"],
    ["Freddy-LLM", "freddyLlm"],
    ["freddy llm", "freddyLlm"],
    ["n8n-nodes-base.freddyLLM", "freddyLlm"],
    ["@freddy/nodes.FREDDY_LLM", "freddyLlm"],
    ["custom/freddyLlm", "freddyLlm"],
    ["CUSTOM.assistant", "assistant"],
    ["@n8n/n8n-nodes-langchain.ask", "ask"],
    ["n8n-nodes-base.set", "set"],
    ["n8n-nodes-base.if", "if"],
    ["n8n-nodes-base.noOp", "noOp"],
    ["n8n-nodes-base.manualTrigger", "manualTrigger"],
    ["@n8n/n8n-nodes-langchain.chatTrigger", "chatTrigger"],
    ["@n8n/n8n-nodes-langchain.agent", "agent"],
    ["@n8n/n8n-nodes-langchain.openAi", "openAi"],
    ["set", "set"],
    ["NO_OP", "noOp"],
    ["no-op", "noOp"],
    ["chat trigger", "chatTrigger"],
    ["code", "code"],
    ["stopAndError", "stopAndError"],
    ["agent", "agent"],
  ])("%s means %s", (type, kind) => {
    expect(kindOfType(type)).toBe(kind)
  })

  it.each([
    "n8n-nodes-base.Set",
    "n8n-nodes-base.no_op",
    "n8n-nodes-base.chatTrigger",
    "n8n-nodes-base.openAi",
    "n8n-nodes-base.agent",
    "@n8n/n8n-nodes-langchain.set",
    "@n8n/n8n-nodes-langchain.code",
    "n8n-nodes-other.set",
    "n8n-nodes-base.slack",
    "",
    ".",
    "freddy.llm",
    "FreddyLLM2",
    "constructor",
    "__proto__",
    "n8n-nodes-base.__proto__",
    "f".repeat(100_000),
  ])("%.40s means no kind", (type) => {
    expect(kindOfType(type)).toBeNull()
  })
})

describe("noOp and triggers", () => {
  it("pass their items on, a trigger as they were given, noOp with their lineage", () => {
    const definition = definitionOf({ Manual: "manual", End: "noOp" }, ["Manual > End"])
    const items = [{ json: { a: 1 } }, { json: { a: 2 }, binary: { f: {} } }]
    const outcome = runInMemory({ definition, start: "Manual", items })
    expect(outcome.items).toEqual([
      { json: { a: 1 }, pairedItem: { item: 0 } },
      { json: { a: 2 }, binary: { f: {} }, pairedItem: { item: 1 } },
    ])
  })

  it("are not started by themselves in this version: the finding says so", () => {
    for (const type of ["scheduleTrigger"]) {
      expect(findings({ type: `n8n-nodes-base.${type}` })).toEqual([["TRIGGER_NOT_ARMED", "info"]])
    }
    expect(findings({ type: "chat" })).toEqual([])
  })
})

describe("merge", () => {
  const joined = (parameters: JsonObject) =>
    runInMemory({
      definition: definitionOf({ Start: "manual", A: "noOp", B: "noOp", Merge: { type: "merge", parameters } }, [
        "Start > A > Merge",
        "Start > B > Merge:1",
      ]),
      start: "Start",
      items: [{ json: { n: 1 } }, { json: { n: 2 } }],
    })

  it("appends its inputs, each item with the input that it came by", () => {
    expect(joined({}).items).toEqual([
      { json: { n: 1 }, pairedItem: { item: 0, input: 0 } },
      { json: { n: 2 }, pairedItem: { item: 1, input: 0 } },
      { json: { n: 1 }, pairedItem: { item: 0, input: 1 } },
      { json: { n: 2 }, pairedItem: { item: 1, input: 1 } },
    ])
    expect(joined({ mode: "append" }).items).toHaveLength(4)
  })
})

describe("stopAndError", () => {
  const stop = (parameters: JsonObject, json: JsonObject = {}) => {
    const definition = definitionOf({ Stop: { type: "stop", parameters } })
    return runInMemory({ definition, start: "Stop", items: [{ json }] }).error
  }

  it("ends the run with the words of its author", () => {
    expect(stop({ errorMessage: "=Bad {{ $json.n }}" }, { n: 5 })).toEqual({
      node: "Stop",
      code: "NODE_STOPPED",
      message: "Bad 5",
    })
    expect(stop({ errorMessage: "" })?.message).toBe("The workflow stopped with an error.")
    expect(stop({})?.code).toBe("NODE_STOPPED")
  })

  it("takes the words from an object, or the object for words", () => {
    const object = (errorObject: JsonObject | string) => stop({ errorType: "errorObject", errorObject })
    expect(object({ message: "custom", code: 1 })?.message).toBe("custom")
    expect(object('{"description": "told"}')?.message).toBe("told")
    expect(object({ code: 7 })?.message).toBe('{"code":7}')
    expect(object("[1]")?.code).toBe("NODE_SETTINGS_INVALID")
    expect(object("broken")?.code).toBe("NODE_SETTINGS_INVALID")
  })

  it("without words is worth a finding", () => {
    expect(findings({ type: "stop" })).toEqual([["SETTING_MISSING", "warning"]])
    expect(findings({ type: "stop", parameters: { errorMessage: "x" } })).toEqual([])
    expect(findings({ type: "stop", parameters: { errorType: "errorObject", errorObject: {} } })).toEqual([])
  })
})

describe("if", () => {
  const split = (parameters: JsonObject, typeVersion: number, ...values: JsonObject[]) => {
    const definition = definitionOf({ If: { type: "if", typeVersion, parameters } })
    const outcome = runInMemory({ definition, start: "If", items: values.map((json) => ({ json })) })
    return outcome.error?.code ?? outcome.nodes.If?.[0]?.outputs
  }
  const greaterThanFive = (options: JsonObject): JsonObject => ({
    options,
    conditions: [{ leftValue: "={{ $json.v }}", rightValue: 5, operator: { type: "number", operation: "gt" } }],
    combinator: "and",
  })

  it("takes looseness and case from its own options over the filter's", () => {
    const strict = greaterThanFive({ typeValidation: "strict", caseSensitive: true })
    expect(split({ conditions: strict }, 2.2, { v: "6" })).toBe("NODE_SETTINGS_INVALID")
    for (const loose of [{ looseTypeValidation: true }, { options: { looseTypeValidation: true } }]) {
      expect(split({ conditions: strict, ...loose }, 2.2, { v: "6" })).toEqual([[{ v: "6" }], []])
    }
    const equals = {
      conditions: [{ leftValue: "A", rightValue: "a", operator: { type: "string", operation: "equals" } }],
    }
    expect(split({ conditions: equals }, 2.2, { n: 1 })).toEqual([[], [{ n: 1 }]])
    expect(split({ conditions: equals, options: { ignoreCase: true } }, 2.2, { n: 1 })).toEqual([[{ n: 1 }], []])
  })

  it("puts failing items to the error output where it has one, with their fields", () => {
    const conditions = greaterThanFive({ typeValidation: "strict" })
    const definition = definitionOf({ If: { type: "if", onError: "continueErrorOutput", parameters: { conditions } } })
    const items = [{ json: { v: 6 } }, { json: { v: "x" } }, { json: { v: 4 } }]
    expect(runInMemory({ definition, start: "If", items }).nodes.If?.[0]?.outputs).toEqual([
      [{ v: 6 }],
      [{ v: 4 }],
      [{ v: "x", error: expect.any(String) }],
    ])
  })

  it.each<[JsonObject, JsonObject, boolean]>([
    [{ string: [{ value1: "={{ $json.v }}", operation: "contains", value2: "b" }] }, { v: "abc" }, true],
    [{ string: [{ value1: "={{ $json.v }}", operation: "isEmpty" }] }, {}, true],
    [{ number: [{ value1: "={{ $json.v }}", operation: "largerEqual", value2: 3 }] }, { v: "3" }, true],
    [{ number: [{ value1: "={{ $json.v }}", value2: 3 }] }, { v: 2 }, true],
    [{ number: [{ value1: "={{ $json.v }}", operation: "isNotEmpty" }] }, { v: "no number" }, true],
    [{ boolean: [{ value1: "={{ $json.v }}", value2: true }] }, { v: true }, true],
    [{ boolean: [{ value1: "={{ $json.v }}" }] }, { v: false }, true],
    [{ dateTime: [{ value1: "2024-05-11", value2: "2024-05-10" }] }, {}, true],
    [{ dateTime: [{ value1: "2024-05-09", operation: "after", value2: "2024-05-10" }] }, {}, false],
    [{ string: [{ value1: "a", value2: "a" }], number: [{ value1: 9, operation: "smaller", value2: 1 }] }, {}, false],
  ])("of version 1 holds as documented: %j for %j", (conditions, json, holds) => {
    expect(split({ conditions }, 1, json)).toEqual(holds ? [[json], []] : [[], [json]])
    expect(split({ conditions, combineOperation: "any" }, 1, json)).toEqual(
      holds || Object.keys(conditions).length > 1 ? [[json], []] : [[], [json]],
    )
  })

  it.each<JsonObject>([
    {},
    { conditions: 5 },
    { conditions: { conditions: {} } },
    { conditions: { conditions: [null] } },
  ])("bears settings of any shape: %j lets every item pass", (parameters) => {
    expect(split(parameters, 2.2, { a: 1 })).toEqual([[{ a: 1 }], []])
    expect(split(parameters, 1, { a: 1 })).toEqual([[{ a: 1 }], []])
  })
})

describe("a node of another kind", () => {
  it("fails with a clear code, and only when it is reached", () => {
    const definition = definitionOf({ Start: "manual", If: "if", Slack: "foreign", End: "noOp" }, [
      "Start > If:0 > End",
      "If:1 > Slack",
    ])
    expect(runInMemory({ definition, start: "Start" }).status).toBe("success")
    const reached = definitionOf({ Start: "manual", Slack: "foreign" }, ["Start > Slack"])
    expect(runInMemory({ definition: reached, start: "Start" }).error).toMatchObject({
      node: "Slack",
      code: "NODE_KIND_UNKNOWN",
    })
  })

  it.each([
    ["n8n-nodes-base.slack", "httpRequest"],
    ["@n8n/n8n-nodes-langchain.toolWolframAlpha", "remove the tool"],
    ["@n8n/n8n-nodes-langchain.lmChatCohere", "FreddyLLM"],
    ["n8n-nodes-base.function", "Code"],
    ["n8n-nodes-base.telegramTrigger", "chat trigger"],
    ["n8n-nodes-base.readWriteFile", "out of reach"],
    ["n8n-nodes-base.moveBinaryData", "Extract from File"],
  ])("%s gets a finding that says how to do the same: %s", (type, way) => {
    const found = validate(readDefinition(definitionOf({ Node: type }))).find(
      ({ code }) => code === "NODE_KIND_UNKNOWN",
    )
    expect(found?.message).toContain(way)
    expect(found).toMatchObject({ severity: "warning", node: "Node", path: "nodes[0]" })
  })

  it("gets none where it is disabled", () => {
    expect(findings({ type: "foreign", disabled: true })).toEqual([["NO_START_NODE", "error"]])
  })
})
