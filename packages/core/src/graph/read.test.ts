import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../json.ts"
import { definitionOf } from "../testing/definitions.ts"
import { findNode, type Graph } from "./graph.ts"
import { type Read, readDefinition } from "./read.ts"

const codes = ({ findings }: Read): string[] => findings.map(({ code }) => code)
const names = ({ graph }: Read): string[] => graph.nodes.map(({ name }) => name)

/** Main connections as text. */
function links(graph: Graph): string[] {
  const nameOf = (ordinal: number): string => graph.nodes[ordinal]?.name ?? "?"
  return graph.outgoing.flatMap((connections) =>
    connections.map(({ from, output, to, input }) => `${nameOf(from)}:${output} > ${nameOf(to)}:${input}`),
  )
}

describe("n8n's form", () => {
  it("is read whole: nodes, connections, services, settings", () => {
    const definition: JsonObject = {
      name: "Whole",
      ...definitionOf(
        {
          Chat: "chat",
          Agent: {
            type: "agent",
            id: "agent-1",
            typeVersion: 2.2,
            position: [10, -20],
            parameters: { text: "hi" },
            credentials: { openAiApi: { id: "1" } },
            disabled: true,
          },
          Model: "@n8n/n8n-nodes-langchain.lmChatOpenAi",
        },
        ["Chat > Agent", "Model > Agent @ai_languageModel"],
      ),
      settings: { timezone: "Europe/Berlin" },
      pinData: { Chat: [] },
      meta: { inputs: {} },
      active: true,
    }
    const read = readDefinition(definition)
    expect(read.findings).toEqual([])
    expect(read.graph).toMatchObject({
      name: "Whole",
      settings: { timezone: "Europe/Berlin" },
      pinData: { Chat: [] },
      meta: { inputs: {} },
      active: true,
    })
    expect(findNode(read.graph, "Agent")).toMatchObject({
      ordinal: 1,
      id: "agent-1",
      kind: "agent",
      typeVersion: 2.2,
      position: { x: 10, y: -20 },
      parameters: { text: "hi" },
      credentials: { openAiApi: { id: "1" } },
      disabled: true,
      path: "nodes[1]",
    })
    expect(links(read.graph)).toEqual(["Chat:0 > Agent:0"])
    expect(read.graph.servants).toEqual([[], [{ type: "ai_languageModel", node: 2, input: 0 }], []])
  })

  it("has outputs by kind, and the error output after them", () => {
    const { graph } = readDefinition(
      definitionOf(
        { If: { type: "if", onError: "continueErrorOutput" }, Set: "set", Stop: "stop", Foreign: "foreign" },
        ["If:0 > Set", "If:1 > Set", "If:2 > Stop", "Foreign:7 > Set"],
      ),
    )
    expect(graph.nodes.map(({ outputs }) => outputs)).toEqual([2, 1, 0, 1])
    expect(links(graph)).toEqual(["If:0 > Set:0", "If:1 > Set:0", "If:2 > Stop:0", "Foreign:7 > Set:0"])
  })

  it("keeps connections in the order of outputs, whatever order they came in", () => {
    const read = readDefinition({
      nodes: [
        { name: "If", type: "if" },
        { name: "A", type: "noOp" },
        { name: "B", type: "noOp" },
      ],
      edges: [
        { source: "If", target: "B", sourceHandle: "false" },
        { source: "If", target: "A", sourceHandle: "true" },
      ],
    })
    expect(links(read.graph)).toEqual(["If:0 > A:0", "If:1 > B:0"])
  })
})

describe("rules of a node", () => {
  const rulesOf = (fields: JsonObject) => readDefinition(definitionOf({ A: { type: "set", ...fields } }))

  it.each([
    [{}, "stopWorkflow"],
    [{ onError: "continueErrorOutput" }, "continueErrorOutput"],
    [{ continueOnFail: true }, "continueRegularOutput"],
    [{ continueOnFail: true, onError: "stopWorkflow" }, "stopWorkflow"],
  ])("%j: on an error %s", (fields, onError) => {
    expect(rulesOf(fields).graph.nodes[0]?.onError).toBe(onError)
  })

  it.each([
    [{}, { max: 1, waitMs: 0 }],
    [{ retryOnFail: true }, { max: 3, waitMs: 1_000 }],
    [
      { retryOnFail: true, maxTries: 99, waitBetweenTries: 99_999 },
      { max: 5, waitMs: 5_000 },
    ],
    [
      { retryOnFail: true, maxTries: 0, waitBetweenTries: -1 },
      { max: 2, waitMs: 0 },
    ],
    [
      { retryOnFail: true, maxTries: "4", waitBetweenTries: null },
      { max: 3, waitMs: 1_000 },
    ],
    [
      { retryOnFail: false, maxTries: 5 },
      { max: 1, waitMs: 0 },
    ],
  ])("%j: tries %j", (fields, tries) => {
    expect(rulesOf(fields).graph.nodes[0]?.tries).toEqual(tries)
  })

  it("of a wrong type count as absent, with a finding that names the field", () => {
    const read = rulesOf({ onError: 5, retryOnFail: "yes", executeOnce: {}, alwaysOutputData: [], parameters: 3 })
    expect(read.graph.nodes[0]).toMatchObject({ onError: "stopWorkflow", executeOnce: false, parameters: {} })
    expect(read.findings.map(({ code, path }) => [code, path])).toEqual(
      expect.arrayContaining(
        ["onError", "retryOnFail", "executeOnce", "alwaysOutputData", "parameters"].map((field) => [
          "NODE_FIELD_INVALID",
          `nodes[0].${field}`,
        ]),
      ),
    )
  })
})

describe("what is missing", () => {
  it("is filled in: names, positions in the order of the nodes, the newest version, no id", () => {
    const read = readDefinition({
      nodes: [{ type: "freddy_llm" }, { type: "n8n-nodes-base.set" }, { id: "x", type: "if" }],
    })
    expect(names(read)).toEqual(["freddy_llm", "set", "x"])
    expect(read.graph.nodes.map(({ id, typeVersion }) => [id, typeVersion])).toEqual([
      [null, 1],
      [null, 3.4],
      ["x", 2.2],
    ])
    const xs = read.graph.nodes.map(({ position }) => position.x)
    expect([...xs].sort((a, b) => a - b)).toEqual(xs)
    expect(new Set(xs).size).toBe(3)
    expect(codes(read)).toEqual(["NODE_NAME_MISSING", "NODE_NAME_MISSING", "NODE_NAME_MISSING"])
  })

  it("is made up in a way that takes no name from a node that has it", () => {
    const read = readDefinition({
      nodes: [{ type: "set" }, { name: "set", type: "set" }, { name: "set 2", type: "set" }, { type: "set" }],
    })
    expect(names(read)).toEqual(["set 3", "set", "set 2", "set 4"])
    expect(read.graph.ordinalByName.get("set")).toBe(1)
  })

  it.each([{}, { connections: {} }, { nodes: 7 }, { nodes: null }, { nodes: "x" }])(
    "such as nodes is a finding: %j",
    (definition) => {
      expect(codes(readDefinition(definition))).toEqual(["NODES_MISSING"])
    },
  )

  it.each([null, 5, "text", true, [], [{}], undefined])(
    "such as the whole definition is a finding: %j",
    (definition) => {
      const read = readDefinition(definition)
      expect(codes(read)).toContain("DEFINITION_INVALID")
      expect(read.graph.nodes).toEqual([])
    },
  )
})

describe("names and ids that two nodes have", () => {
  it("leave the name to the first and give the other one a new name", () => {
    const read = readDefinition({
      nodes: [
        { name: "A", type: "set" },
        { name: "A", type: "noOp" },
        { name: "A", type: "if" },
        { name: "B", type: "set" },
      ],
      connections: { A: { main: [[{ node: "B", type: "main", index: 0 }]] } },
    })
    expect(names(read)).toEqual(["A", "A 2", "A 3", "B"])
    expect(codes(read)).toEqual(["NODE_NAME_DUPLICATE", "NODE_NAME_DUPLICATE"])
    expect(links(read.graph)).toEqual(["A:0 > B:0"])
  })

  it("keep both ids, with a finding", () => {
    const read = readDefinition({
      nodes: [
        { id: "x", name: "A", type: "set" },
        { id: "x", name: "B", type: "set" },
      ],
    })
    expect(read.graph.nodes.map(({ id }) => id)).toEqual(["x", "x"])
    expect(read.findings).toMatchObject([{ code: "NODE_ID_DUPLICATE", node: "B", path: "nodes[1].id" }])
  })

  it("may be those of prototypes", () => {
    const hostile = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]
    const nodes = hostile.map((name) => ({ id: name, name, type: "noOp" }))
    const connections = JSON.parse(
      `{"__proto__": {"main": [[{"node": "constructor"}]]}, "constructor": {"main": [[{"node": "toString"}]]},
        "nobody": {"main": [[{"node": "toString"}]]}, "toString": {"__proto__": [[{"node": "constructor"}]]}}`,
    ) as JsonObject
    const read = readDefinition({ nodes, connections })
    expect(links(read.graph)).toEqual(["__proto__:0 > constructor:0", "constructor:0 > toString:0"])
    expect(codes(read)).toEqual(["CONNECTION_SOURCE_MISSING", "CONNECTION_TYPE_UNKNOWN"])
    expect(({} as JsonObject).main).toBeUndefined()
  })

  it("are not made up from what an object inherits", () => {
    const read = readDefinition({
      nodes: [{ type: "set" }],
      connections: { toString: { main: [[{ node: "valueOf" }]] } },
    })
    expect(codes(read)).toEqual(["NODE_NAME_MISSING", "CONNECTION_SOURCE_MISSING"])
  })
})

describe("entries that make no sense", () => {
  it("are left out with a finding at their place", () => {
    const read = readDefinition({
      nodes: [null, 5, [], "x", { name: "A", type: "set" }, { name: "B" }, { name: "C", type: 5 }],
    })
    expect(names(read)).toEqual(["A", "B", "C"])
    expect(read.findings.map(({ code, path }) => [code, path])).toEqual([
      ["NODE_INVALID", "nodes[0]"],
      ["NODE_INVALID", "nodes[1]"],
      ["NODE_INVALID", "nodes[2]"],
      ["NODE_INVALID", "nodes[3]"],
      ["NODE_TYPE_MISSING", "nodes[5]"],
      ["NODE_TYPE_MISSING", "nodes[6]"],
    ])
  })

  it.each<[JsonValue, string]>([
    [{ Nobody: { main: [[{ node: "A" }]] } }, "CONNECTION_SOURCE_MISSING"],
    [{ A: { main: [[{ node: "Nobody" }]] } }, "CONNECTION_TARGET_MISSING"],
    [{ A: { main: [[{ node: 5 }]] } }, "CONNECTION_INVALID"],
    [{ A: { main: [[null]] } }, "CONNECTION_INVALID"],
    [{ A: { main: [5] } }, "CONNECTION_INVALID"],
    [{ A: { main: 5 } }, "CONNECTION_INVALID"],
    [{ A: 5 }, "CONNECTION_INVALID"],
    [{ A: { main: [[{ node: "B", index: 0.5 }]] } }, "CONNECTION_INVALID"],
    [{ A: { main: [[{ node: "B", index: -1 }]] } }, "CONNECTION_INPUT_MISSING"],
    [{ A: { main: [[{ node: "B", index: 1 }]] } }, "CONNECTION_INPUT_MISSING"],
    [{ F: { main: [[{ node: "F", index: 1_000_000_000 }]] } }, "CONNECTION_INPUT_MISSING"],
    [{ A: { main: [[], [{ node: "B" }]] } }, "CONNECTION_OUTPUT_MISSING"],
    [{ A: { sideways: [[{ node: "B" }]] } }, "CONNECTION_TYPE_UNKNOWN"],
    [{ A: { main: [[{ node: "Chat" }]] } }, "CONNECTION_INPUT_MISSING"],
    [[], "CONNECTIONS_INVALID"],
    ["x", "CONNECTIONS_INVALID"],
  ])("such as the connections %j: %s", (connections, code) => {
    const { nodes } = definitionOf({ A: "noOp", B: "noOp", Chat: "chat", F: "foreign" })
    const read = readDefinition({ nodes: nodes as JsonValue, connections })
    expect(codes(read)).toEqual([code])
    expect(links(read.graph)).toEqual([])
  })

  it("keep what can be understood: no list per output, null for an output, twice the same", () => {
    const { nodes } = definitionOf({ A: "if", B: "noOp" })
    const flat = { A: { main: [{ node: "B", type: "main", index: 0 }] } }
    expect(links(readDefinition({ nodes: nodes as JsonValue, connections: flat }).graph)).toEqual(["A:0 > B:0"])
    const second = { A: { main: [null, [{ node: "B" }, { node: "B" }]], ai_tool: null } }
    const read = readDefinition({ nodes: nodes as JsonValue, connections: second })
    expect(links(read.graph)).toEqual(["A:1 > B:0"])
    expect(codes(read)).toEqual(["CONNECTION_DUPLICATE"])
  })

  it("never stand for the wrong field: settings, pinData and meta", () => {
    const read = readDefinition({ nodes: [], settings: 5, pinData: [], meta: "x", active: "true", name: {} })
    expect(read.graph).toMatchObject({ name: null, settings: {}, pinData: {}, meta: {}, active: false })
    expect(read.findings.map(({ path }) => path)).toEqual(["settings", "pinData", "meta"])
  })
})

describe("a map of nodes", () => {
  it("gives each its key as id, unless it has one", () => {
    const read = readDefinition({
      nodes: { first: { name: "A", type: "FreddyLLM" }, second: { id: "own", type: "noOp" } },
      connections: { first: { main: [[{ node: "own" }]] } },
    })
    expect(read.graph.nodes.map(({ id, name, path }) => [id, name, path])).toEqual([
      ["first", "A", "nodes.first"],
      ["own", "own", "nodes.second"],
    ])
    expect(links(read.graph)).toEqual(["A:0 > own:0"])
  })
})

describe("React Flow's form", () => {
  const nodes = [
    { id: "1", type: "chatTrigger", position: { x: 0, y: 5 }, data: { label: "Chat" } },
    { id: "2", type: "custom", data: { type: "n8n-nodes-base.if", parameters: { conditions: {} }, name: "Which" } },
    { id: "3", type: "freddyLLM", data: { label: "Yes", model: "gpt-4o", temperature: 0.5, disabled: false } },
    { id: "4", type: "freddyLLM", data: { label: "No", config: { model: "m" }, disabled: true } },
    { id: "5", type: "toolCode", data: {} },
  ]

  it("is read with names, types and parameters from data, and edges by id", () => {
    const read = readDefinition({
      nodes,
      edges: [
        { source: "1", target: "2" },
        { source: "2", target: "3", sourceHandle: "true", targetHandle: "input" },
        { source: "2", target: "4", sourceHandle: "output-1" },
        { source: "5", target: "3", sourceHandle: "ai_tool" },
        { source: 2, target: "3", sourceHandle: 1 },
      ],
    })
    expect(read.graph.nodes.map(({ name, kind, parameters, disabled }) => [name, kind, parameters, disabled])).toEqual([
      ["Chat", "chatTrigger", {}, false],
      ["Which", "if", { conditions: {} }, false],
      ["Yes", "freddyLlm", { model: "gpt-4o", temperature: 0.5 }, false],
      ["No", "freddyLlm", { model: "m" }, true],
      ["5", "toolCode", {}, false],
    ])
    expect(read.graph.nodes[0]?.position).toEqual({ x: 0, y: 5 })
    expect(links(read.graph)).toEqual(["Chat:0 > Which:0", "Which:0 > Yes:0", "Which:1 > No:0", "Which:1 > Yes:0"])
    expect(read.graph.servants[2]).toEqual([{ type: "ai_tool", node: 4, input: 0 }])
  })

  it("has edges to nowhere, of the wrong shape and with odd handles as findings", () => {
    const read = readDefinition({
      nodes,
      edges: [
        { source: "1" },
        null,
        { source: "1", target: "nobody" },
        { source: {}, target: "2" },
        { source: "2", target: "3", sourceHandle: "output-9" },
        { source: "1", target: "3", sourceHandle: "output-9", targetHandle: {} },
      ],
    })
    expect(codes(read).filter((code) => code !== "NODE_NAME_MISSING")).toEqual([
      "CONNECTION_INVALID",
      "CONNECTION_INVALID",
      "CONNECTION_TARGET_MISSING",
      "CONNECTION_INVALID",
      "CONNECTION_OUTPUT_MISSING",
    ])
    expect(links(read.graph)).toEqual(["Chat:0 > Yes:0"])
    expect(codes(readDefinition({ nodes, edges: {} }))).toContain("CONNECTIONS_INVALID")
  })
})

describe("great definitions", () => {
  const many = 100_000

  it("of a hundred thousand nodes of one name, and of as many wrong entries, are read with few findings", () => {
    const read = readDefinition({ nodes: Array.from({ length: many }, () => ({ name: "A", type: "noOp" })) })
    expect(new Set(names(read)).size).toBe(many)
    expect(read.findings).toHaveLength(21)
    expect(read.findings.at(-1)?.message).toContain(`${many - 1 - 20} more`)
    expect(readDefinition({ nodes: Array.from({ length: many }, () => null) }).findings).toHaveLength(21)
  })

  it("of a hundred thousand connections from one node are read", () => {
    const main = [Array.from({ length: many }, () => ({ node: "A", type: "main", index: 0 }))]
    const read = readDefinition({ nodes: [{ name: "A", type: "noOp" }], connections: { A: { main } } })
    expect(links(read.graph)).toEqual(["A:0 > A:0"])
  })

  it("nested a hundred thousand deep are read without a fault of the stack", () => {
    let deep: JsonValue = "={{ 1 }}"
    for (let level = 0; level < many; level += 1) deep = level % 2 === 0 ? [deep] : { deep }
    for (const definition of [deep, { nodes: deep }, { nodes: [deep] }, { nodes: [], connections: deep }]) {
      expect(() => readDefinition(definition)).not.toThrow()
    }
    const node = { name: "A", type: "FreddyLLM", parameters: { model: deep, stop: deep } }
    expect(readDefinition({ nodes: [node] }).graph.nodes).toHaveLength(1)
  })

  it("with endless names, ids and types do not make findings that are longer than themselves", () => {
    const long = "x".repeat(100_000)
    const nodes = Array.from({ length: 30 }, (_, index) => ({ id: long, name: `${long}${index}`, type: `${long}.y` }))
    const read = readDefinition({ nodes, connections: { [long]: { [long]: [[{ node: long }]] } } })
    expect(JSON.stringify(read.findings).length).toBeLessThan(60_000)
    expect(read.graph.nodes.every(({ name, id, type }) => name.length < 300 && id === null && type.length < 300)).toBe(
      true,
    )
    expect(new Set(names(read)).size).toBe(30)
  })
})

it("what is read is never altered", () => {
  const definition = definitionOf({ A: "chat", B: { type: "llm", data: { x: 1 } } }, ["A > B"])
  const before = JSON.stringify(definition)
  readDefinition(definition)
  expect(JSON.stringify(definition)).toBe(before)
})
