import { describe, expect, it } from "vitest"
import { kinds } from "../packages/core/src/graph/kinds/table.ts"
import { readDefinition } from "../packages/core/src/graph/read.ts"
import { nodeExamples } from "./node-examples.ts"
import { exampleNode, nodePages, runExample } from "./node-pages.ts"

const shown = kinds.flatMap((kind) => {
  const example = nodeExamples[kind.name]
  return example === undefined ? [] : [[kind.name, kind, example] as const]
})

describe("the example of a kind", () => {
  it.each(shown)("is of that kind and has no finding of its settings: %s", (_name, kind, example) => {
    const { graph, findings } = readDefinition({ nodes: [exampleNode(kind, example)], connections: {} })
    const [node] = graph.nodes
    expect(node?.kind).toBe(kind.name)
    expect(findings).toEqual([])
    // A node that is served says so where nothing is connected to it.
    const own =
      node === undefined
        ? []
        : kind
            .check(node, graph)
            .filter(({ severity }) => severity !== "info")
            .filter(({ code }) => !/MODEL|SERV|TOOL|PARSER/.test(code))
    expect(own).toEqual([])
  })

  it.each(shown.filter(([, , { inputs }]) => inputs !== undefined))(
    "gives something for its items: %s",
    (_name, kind, example) => {
      expect(runExample(kind, example).flat().length).toBeGreaterThan(0)
    },
  )
})

it("every kind has a page, and its page names its types", () => {
  const pages = nodePages()
  expect(pages).toHaveLength(kinds.length + 1)
  expect(new Set(pages.map(({ path }) => path)).size).toBe(pages.length)
  for (const [index, kind] of kinds.entries()) {
    const page = pages[index + 1]?.make() ?? ""
    expect(page).toContain(`# ${kind.title}`)
    for (const type of kind.types) expect(page).toContain(type)
  }
})
