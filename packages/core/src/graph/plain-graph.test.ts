import { expect, it } from "vitest"
import { plainDefinition, plainNodeName } from "./plain-graph.ts"
import { readDefinition } from "./read.ts"

it("is read as one FreddyLLM node that nothing leads to, without a finding of error", () => {
  const { graph, findings } = readDefinition(plainDefinition())
  expect(graph.nodes.map(({ name, kind, disabled }) => [name, kind, disabled])).toEqual([
    [plainNodeName, "freddyLlm", false],
  ])
  expect(graph.incoming).toEqual([[]])
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([])
})
