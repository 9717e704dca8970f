import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../json.ts"
import { definitionOf } from "../../testing/definitions.ts"
import { contextOf } from "../../testing/kind-context.ts"
import { answerQuestion, codeVariables } from "../code/questions.ts"
import { readDefinition } from "../read.ts"
import { validate } from "../validate.ts"
import { codeFailure, codeOutputs, prepareCode } from "./code.ts"
import { NodeFailure } from "./kind.ts"

const type = "n8n-nodes-base.code"
const prepare = (parameters: JsonObject, rest: JsonObject = {}) =>
  prepareCode(contextOf({ type, parameters, ...rest }, { a: 1 }))

describe("what is run", () => {
  it("is the code as it stands, once for all items unless the node says otherwise", () => {
    expect(prepare({ jsCode: "return []" })).toEqual({ code: "return []", mode: "all", keepsGoing: false })
    expect(prepare({ jsCode: "={{ $json.a }}", mode: "runOnceForAllItems" }).code).toBe("={{ $json.a }}")
    expect(prepare({ jsCode: "x", language: "javaScript", mode: "runOnceForEachItem" }).mode).toBe("each")
    expect(prepare({}).code).toBe("")
  })

  it("goes on after an item that fails only where it runs for each and the node does not stop", () => {
    const each = { jsCode: "x", mode: "runOnceForEachItem" }
    expect(prepare(each).keepsGoing).toBe(false)
    for (const onError of ["continueRegularOutput", "continueErrorOutput"]) {
      expect(prepare(each, { onError }).keepsGoing).toBe(true)
      expect(prepare({ jsCode: "x" }, { onError }).keepsGoing).toBe(false)
    }
  })

  it.each([
    [{ language: "python", pythonCode: "return []" }, "NODE_KIND_UNKNOWN"],
    [{ language: "pythonNative" }, "NODE_KIND_UNKNOWN"],
    [{ language: 7 }, "NODE_KIND_UNKNOWN"],
    [{ jsCode: { a: 1 } }, "NODE_SETTINGS_INVALID"],
  ])("is refused for %j", (parameters, code) => {
    expect(() => prepare(parameters)).toThrow(expect.objectContaining({ code }))
  })
})

describe("the outputs of results", () => {
  const failed = { type: "failed", failure: { code: "CODE_ERROR", message: "no", line: 2 } } as const
  const given = { type: "object", value: { n: 1 } } as const
  const nothing = { type: "undefined", value: null } as const
  const outputs = (onError: string, results: Parameters<typeof codeOutputs>[2]) => {
    const context = contextOf({ type, onError, parameters: { mode: "runOnceForEachItem" } }, { a: 1 }, { a: 2 })
    return codeOutputs(context, prepareCode(context), results)
  }

  it("hold what went wrong where the node goes on by its regular output", () => {
    expect(outputs("continueRegularOutput", [given, failed])).toEqual([
      [
        { json: { n: 1 }, pairedItem: { item: 0 } },
        { json: { error: "no [line 2]" }, pairedItem: { item: 1 } },
      ],
    ])
  })

  it("are apart where the node has an output for errors: the item, and what went wrong", () => {
    const [made, errors] = outputs("continueErrorOutput", [nothing, given])
    expect(made).toEqual([{ json: { n: 1 }, pairedItem: { item: 1 } }])
    expect(errors).toEqual([{ json: { a: 1, error: expect.any(String) }, pairedItem: { item: 0 } }])
  })

  it("are none where the node stops: the first fault fails it", () => {
    expect(() => outputs("stopWorkflow", [nothing, given])).toThrow(NodeFailure)
  })

  it("of code that ran for all items keep the second output free", () => {
    const context = contextOf({ type, onError: "continueErrorOutput", parameters: {} }, { a: 1 })
    expect(codeOutputs(context, prepareCode(context), [given])).toEqual([
      [{ json: { n: 1 }, pairedItem: { item: 0 } }],
      [],
    ])
  })

  it("say in a failure which line and which item it was", () => {
    const failure = codeFailure({ code: "CODE_ERROR", message: "no", line: 3 }, 1)
    expect([failure.code, failure.message, failure.details]).toEqual([
      "CODE_ERROR",
      "no [line 3]",
      { line: 3, item: 1 },
    ])
    expect(codeFailure({ code: "CODE_LIMIT", message: "long", line: null }).details).toEqual({ line: null })
  })
})

describe("what code may ask for", () => {
  const context = contextOf({ type, parameters: { jsCode: "x" } }, { a: 1 })
  const ask = (question: unknown) =>
    answerQuestion({ scope: context.scope, staticData: () => ({ node: { n: 1 }, global: {} }) }, question)

  it("is answered with plain data", () => {
    expect(ask({ ask: "parameters" })).toEqual({ value: { jsCode: "x" } })
    expect(ask({ ask: "static-data" })).toEqual({ value: { node: { n: 1 }, global: {} } })
    expect(ask({ ask: "input" })).toEqual({ value: { params: {}, context: null } })
    expect(ask({ ask: "node", node: "Node" })).toMatchObject({ value: { isExecuted: false } })
  })

  it("is refused with a sentence where the workflow does not have it", () => {
    for (const question of [
      { ask: "node", node: "Nobody" },
      { ask: "node", node: "__proto__" },
      { ask: "items", node: "Node", branch: null, run: null },
    ]) {
      expect(ask(question)).toEqual({ refused: expect.stringMatching(/\.$/) })
    }
    expect(ask({ ask: "ancestors", node: "Node", from: 0, count: 2 })).toEqual({
      value: { items: [], places: [expect.any(String), expect.any(String)] },
    })
  })

  it.each([
    null,
    7,
    "parameters",
    {},
    { ask: "secrets" },
    { ask: "node" },
    { ask: "node", node: 7 },
    { ask: "items", node: "Node", branch: -1, run: null },
    { ask: "items", node: "Node", branch: 1e300, run: null },
    { ask: "items", node: "Node", branch: 0, run: 0.5 },
    { ask: "ancestors", node: "Node", from: 0, count: 1e9 },
    { ask: "ancestors", node: "Node", from: "0", count: 1 },
  ])("is refused where it is no question: %j", (question) => {
    expect(ask(question)).toEqual({ refused: expect.any(String) })
  })

  it("is not asked for by name: small facts are there", () => {
    expect(codeVariables(context.scope(0))).toMatchObject({
      $workflow: { id: "flow_1", name: "", active: true },
      $execution: { id: "run_1" },
      $runIndex: 0,
      $vars: {},
      $nodeVersion: 2,
    })
  })
})

describe("findings about code", () => {
  const findings = (parameters: JsonObject) =>
    validate(readDefinition(definitionOf({ Start: "manual", Node: { type, parameters } }, ["Start > Node"])))
      .filter(({ node, code }) => node === "Node" && !code.startsWith("NODE_UNREACHED"))
      .map(({ code, severity, path, message }) => ({ code, severity, path, message }))
  const codes = (jsCode: string) => findings({ jsCode }).map(({ code }) => code)

  it.each([
    "return []",
    "const x = await Promise.resolve(1)\nreturn { x }",
    "return $input.all().map((i) => ({ ...i.json, url: 'https://example.com' }))",
    "const { DateTime: D } = globalThis; return {}",
    "for await (const x of []) ; return null",
    "return /(?<y>\\d{4})/u.exec('2024')?.groups",
    "const fetched = 1, required = 2; return { fetched, required, s: 'require(1)' } // setTimeout()",
  ])("are none for %j", (jsCode) => {
    expect(findings({ jsCode })).toEqual([])
  })

  it("say where the syntax is wrong", () => {
    expect(findings({ jsCode: "const a = 1\nreturn [" })).toEqual([
      {
        code: "CODE_INVALID",
        severity: "error",
        path: expect.stringMatching(/parameters\.jsCode$/),
        message: expect.stringContaining("line 2"),
      },
    ])
    for (const text of ["import x from 'y'", "export const a = 1", "}); (() => {", "{".repeat(3_000), "return 1 2"]) {
      expect(codes(text), text.slice(0, 40)).toContain("CODE_INVALID")
    }
  })

  it("never fail, however deeply the code is nested", () => {
    for (const text of [
      "[".repeat(100_000),
      "(".repeat(20_000),
      `${"a=>".repeat(20_000)}1`,
      `${"!".repeat(150_000)}1`,
    ]) {
      expect(Array.isArray(codes(text))).toBe(true)
    }
    expect(codes(`x${" ".repeat(300_000)}[`)).toEqual([])
  })

  it.each([
    ["const fs = require('fs'); return []", "require", 1],
    ["return await import('fs')", "import()", 1],
    ["\nawait new Promise((go) => setTimeout(go, 10))", "setTimeout", 2],
    ["return await fetch('https://example.com')", "fetch", 1],
    ["\n\nreturn this.helpers.httpRequest({})", "httpRequest", 3],
    ["return $helpers?.helpers.httpRequest({})", "httpRequest", 1],
  ])("say what is not there: %j", (jsCode, name, line) => {
    const [found, ...more] = findings({ jsCode })
    expect(more).toEqual([])
    expect(found).toMatchObject({ code: "CODE_UNAVAILABLE", severity: "warning" })
    expect(found?.message).toContain(`line ${line}`)
    expect(found?.message).toContain(name)
  })

  it("name each thing once", () => {
    expect(codes("require('a'); require('b'); fetch(1); fetch(2)")).toEqual(["CODE_UNAVAILABLE", "CODE_UNAVAILABLE"])
  })

  it("say that code is missing, or in another language", () => {
    for (const parameters of [{}, { jsCode: "  " }, { jsCode: 7 }]) {
      expect(findings(parameters)).toMatchObject([{ code: "SETTING_MISSING", severity: "error" }])
    }
    expect(findings({ language: "python", pythonCode: "return []" })).toMatchObject([
      { code: "NODE_KIND_UNKNOWN", severity: "warning", path: expect.stringMatching(/language$/) },
    ])
  })
})
