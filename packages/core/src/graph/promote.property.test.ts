import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { definitionOf } from "../testing/definitions.ts"
import { runInMemory } from "../testing/memory-run.ts"
import { findCandidates, handleOf } from "./candidates.ts"
import { findKind } from "./kinds/table.ts"
import { judgeVersion, type PromotionVerdict, promote } from "./promote.ts"
import { readDefinition } from "./read.ts"

/** Freezes a JSON value through and through, without recursion. */
function frozen<Value>(value: Value): Value {
  const stack: unknown[] = [value]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (typeof entry !== "object" || entry === null || Object.isFrozen(entry)) continue
    Object.freeze(entry)
    stack.push(...Object.values(entry).filter((child) => typeof child === "object" && child !== null))
  }
  return value
}

const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("A", "B", "C", "Chat", "If", "LLM", "Merge") },
  fc.constantFrom("__proto__", "constructor", "toString", "", " ", "a\u0000b", "\ud800", "😀", "x".repeat(300)),
)
const type = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "FreddyLLM",
      "freddy_llm",
      "n8n-nodes-base.freddyLLM",
      "Assistant",
      "Ask",
      "n8n-nodes-base.set",
      "n8n-nodes-base.if",
      "n8n-nodes-base.merge",
      "n8n-nodes-base.noOp",
      "n8n-nodes-base.stopAndError",
      "n8n-nodes-base.stickyNote",
      "n8n-nodes-base.manualTrigger",
      "n8n-nodes-base.executeWorkflowTrigger",
      "n8n-nodes-base.webhook",
      "@n8n/n8n-nodes-langchain.chatTrigger",
      "@n8n/n8n-nodes-langchain.agent",
      "@n8n/n8n-nodes-langchain.chainLlm",
      "@n8n/n8n-nodes-langchain.openAi",
      "@n8n/n8n-nodes-langchain.lmChatOpenAi",
    ),
  },
  fc.constantFrom("n8n-nodes-base.slack", "", "custom", "__proto__"),
)

/** Any JSON, with the words of definitions among its keys and values. */
const anyJson = fc.letrec<{ json: JsonValue }>((tie) => ({
  json: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.string({ unit: "binary" }), name, type),
    fc.constantFrom("={{ $json.x }}", "={{ $('A').first() }}", "={{ ( }}", "=", "={{ }}", '{"a":1}', "gpt-4o"),
    fc.array(tie("json"), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(
        name,
        fc.string(),
        fc.constantFrom(
          "nodes",
          "connections",
          "edges",
          "parameters",
          "options",
          "main",
          "model",
          "conditions",
          "meta",
          "inputs",
        ),
      ),
      tie("json"),
      { maxKeys: 6, noNullPrototype: true },
    ),
  ),
})).json as fc.Arbitrary<JsonValue>

const parameters = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.dictionary(
      fc.constantFrom(
        "model",
        "temperature",
        "prompt",
        "stop",
        "output_schema",
        "tools",
        "options",
        "conditions",
        "assignments",
        "mode",
        "numberInputs",
        "jsonOutput",
        "messages",
        "errorMessage",
        "assistant_id",
        "stream",
        "duplicateItem",
      ),
      anyJson,
      { maxKeys: 5, noNullPrototype: true },
    ),
  },
  anyJson,
)
const node = fc.record(
  {
    id: fc.oneof(name, fc.integer()),
    name,
    type,
    typeVersion: fc.oneof(fc.constantFrom(1, 2, 2.2, 3, 3.4), anyJson),
    position: fc.oneof(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 3 })), anyJson),
    parameters,
    disabled: fc.boolean(),
    onError: fc.constantFrom("stopWorkflow", "continueErrorOutput", "continueRegularOutput", "x"),
    alwaysOutputData: fc.boolean(),
    executeOnce: fc.boolean(),
    data: anyJson,
  },
  { requiredKeys: ["type"] },
)
const target = fc.record({ node: name, type: fc.constant("main"), index: fc.integer({ min: 0, max: 2 }) })
const connections = fc.dictionary(
  name,
  fc.dictionary(
    fc.constantFrom("main", "ai_languageModel", "ai_tool", "ai_memory", "odd"),
    fc.array(fc.oneof(fc.array(target, { maxLength: 4 }), fc.constant(null)), { maxLength: 3 }),
  ),
)

/** Nearly valid definitions. */
const nearlyValid = fc.record(
  {
    name: fc.string(),
    nodes: fc.oneof(
      { weight: 4, arbitrary: fc.array(node, { maxLength: 8 }) },
      fc.dictionary(name, node, { maxKeys: 8, noNullPrototype: true }),
    ),
    connections,
    edges: fc.array(fc.record({ source: name, target: name, sourceHandle: anyJson, targetHandle: anyJson }), {
      maxLength: 4,
    }),
    settings: anyJson,
    meta: fc.oneof(anyJson, fc.record({ inputs: anyJson })),
    active: fc.boolean(),
  },
  { requiredKeys: ["nodes"] },
) as fc.Arbitrary<JsonValue>

/** A definition with another value at one of its places. */
const mutated = fc.tuple(nearlyValid, anyJson, fc.nat()).map(([definition, value, place]) => {
  const places: [holder: Record<string, JsonValue>, key: string][] = []
  const whole = { definition: JSON.parse(JSON.stringify(definition)) as JsonValue }
  const visit = (holder: Record<string, JsonValue>): void => {
    for (const key of Object.keys(holder)) {
      const child = holder[key]
      places.push([holder, key])
      if (typeof child === "object" && child !== null) visit(child as Record<string, JsonValue>)
    }
  }
  visit(whole)
  const [holder, key] = places[place % places.length] ?? [whole, "definition"]
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true })
  return whole.definition
})

const definition = fc.oneof({ weight: 3, arbitrary: nearlyValid }, { weight: 2, arbitrary: mutated }, anyJson)

/** What holds for every verdict. */
function expectSound(verdict: PromotionVerdict): void {
  const { report, primaryNode } = verdict
  expect(report.promotable).toBe(primaryNode !== null)
  expect(report.error === undefined).toBe(report.promotable)
  expect(report.primary_node === null).toBe(!report.promotable)
  expect(report.candidates.filter(({ suggested }) => suggested)).toHaveLength(Math.min(1, report.candidates.length))
  for (const { severity, code, message } of report.findings) {
    expect(["error", "warning", "info"]).toContain(severity)
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(message.length).toBeGreaterThan(10)
    expect(message.length).toBeLessThan(1_000)
  }
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
}

const runs = { numRuns: 500 }

describe("any JSON whatever", () => {
  it("gives a verdict, twice the same, and is not altered", () => {
    fc.assert(
      fc.property(definition, fc.option(name, { nil: undefined }), (input, primaryNodeId) => {
        frozen(input)
        const options = primaryNodeId === undefined ? {} : { primaryNodeId }
        const verdict = promote(readDefinition(input), options)
        expectSound(verdict)
        expect(promote(readDefinition(input), options)).toEqual(verdict)
        const version = judgeVersion(readDefinition(input), primaryNodeId ?? null)
        expectSound(version)
        if (primaryNodeId === undefined) expect(version).toEqual(verdict)
      }),
      runs,
    )
  })

  it("is read into a graph whose parts fit together", () => {
    fc.assert(
      fc.property(definition, (input) => {
        const { graph } = readDefinition(frozen(input))
        const count = graph.nodes.length
        const names = graph.nodes.map(({ name: own }) => own)
        expect(new Set(names).size).toBe(count)
        expect([...graph.ordinalByName]).toEqual(names.map((own, ordinal) => [own, ordinal]))
        expect([graph.outgoing.length, graph.incoming.length, graph.servants.length]).toEqual([count, count, count])
        const leaving = graph.outgoing.flat()
        expect(leaving).toHaveLength(graph.incoming.flat().length)
        for (const { from, to, output, input: port } of leaving) {
          expect(graph.nodes[from] !== undefined && graph.nodes[to] !== undefined).toBe(true)
          expect(output >= 0 && output < 101 && port >= 0 && port < 100).toBe(true)
        }
      }),
      runs,
    )
  })

  it("promotes exactly when the named node is one candidate, or none is named and there is one", () => {
    fc.assert(
      fc.property(nearlyValid, fc.option(name, { nil: undefined }), (input, primaryNodeId) => {
        const read = readDefinition(input)
        const candidates = findCandidates(read.graph)
        const { report, primaryNode } = promote(read, primaryNodeId === undefined ? {} : { primaryNodeId })
        if (primaryNodeId === undefined) expect(report.promotable).toBe(candidates.length === 1)
        else if (report.promotable) {
          expect(primaryNode).toBe(primaryNodeId)
          expect(candidates.map(handleOf)).toContain(primaryNodeId)
        }
      }),
      runs,
    )
  })

  it("can be started: it runs to an end or fails with a code, and never otherwise", () => {
    fc.assert(
      fc.property(nearlyValid, (input) => {
        const { graph } = readDefinition(frozen(input))
        const { report } = promote(readDefinition(input))
        const start = report.input.message?.node
        if (start === undefined) return
        const effects = graph.nodes.filter(({ kind }) => {
          const effect = kind === null ? undefined : findKind(kind)?.effect
          return effect !== undefined && !["none", "never", "serves"].includes(effect)
        })
        const given = Object.fromEntries(
          effects.map((own) => [own.name, Array.from({ length: 30 }, () => [[{ text: "t" }]])]),
        )
        const outcome = runInMemory({
          definition: input,
          start,
          given,
          limits: { executionsMax: 25, itemsMax: 50, loopsMax: 25 },
        })
        expect(["success", "error"]).toContain(outcome.status)
      }),
      { numRuns: 300 },
    )
  })
})

describe("nesting that would end the stack", () => {
  const deep = (levels: number): JsonValue => {
    let value: JsonValue = "={{ 1 }}"
    for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { value }
    return value
  }

  it.each(["model", "stop", "output_schema", "tools", "prompt", "history_limit", "options"])(
    "gives a verdict in the parameter %s",
    (field) => {
      const parametersOf = { [field]: deep(20_000) }
      for (const kind of ["llm", "if", "set", "agent", "stop", "assistant", "merge"]) {
        const definitionDeep: JsonObject = definitionOf({ A: { type: kind, parameters: parametersOf }, B: "llm" }, [
          "A > B",
        ])
        expect(() => promote(readDefinition(definitionDeep))).not.toThrow()
      }
    },
  )

  it("gives a verdict at every place of a definition", () => {
    const value = deep(20_000)
    const whole = definitionOf({ A: "chat", B: "llm" }, ["A > B"])
    for (const field of ["name", "nodes", "connections", "edges", "settings", "meta", "pinData", "active"]) {
      expect(() => promote(readDefinition({ ...whole, [field]: value }))).not.toThrow()
    }
    const [first] = Array.isArray(whole.nodes) ? whole.nodes.filter(isJsonObject) : []
    for (const field of Object.keys(first ?? {})) {
      expect(() => promote(readDefinition({ ...whole, nodes: [{ ...first, [field]: value }] }))).not.toThrow()
    }
  })
})

describe("greatness", () => {
  it("of a chain, a star and a crowd of models, thousands each, gives a verdict soon", () => {
    const many = 5_000
    const all = Array.from({ length: many }, (_, index) => `N${index}`)
    const chain = definitionOf(Object.fromEntries(all.map((own) => [own, "llm"])), [all.join(" > ")])
    const star = definitionOf(
      Object.fromEntries(["Hub", ...all].map((own) => [own, own === "Hub" ? "if" : "llm"])),
      all.map((own, index) => `Hub:${index % 2} > ${own}`),
    )
    const crowd = definitionOf(Object.fromEntries(all.map((own) => [own, "llm"])))
    const ring = definitionOf(Object.fromEntries(all.map((own) => [own, "noOp"])), [[...all, "N0"].join(" > ")])
    for (const great of [chain, star, crowd, ring]) {
      const { report } = promote(readDefinition(great))
      expect(report.findings.length).toBeLessThan(200)
    }
  })
})
