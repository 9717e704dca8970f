import { describe, expect, it } from "vitest"
import { fromAiArguments } from "./from-ai.ts"

describe("what parameters ask a model for", () => {
  it("is found in expressions wherever they stand, each key once, in order", () => {
    const parameters = {
      url: "=https://a.example/{{ $fromAI('id', 'the id', 'number') }}/{{ $fromAi(`id`) }}",
      body: { list: [1, null, "={{ $json.x + $fromai('flag', '', 'boolean', false) }}"] },
      plain: "$fromAI('not', 'an expression')",
      late: "={{ (() => $fromAI('late'))() }}",
    }
    expect(fromAiArguments(parameters)).toEqual([
      { key: "id", description: "the id", type: "number" },
      { key: "flag", description: "", type: "boolean", fallback: false },
      { key: "late", description: "", type: "string" },
    ])
  })

  it.each([
    "={{ $fromAI( }}",
    "={{ $fromAI() }}",
    "={{ $fromAI('') }}",
    "={{ $fromAI($json.key) }}",
    "={{ $fromAI('__proto__') }}",
    "={{ x.$fromAI('key') }}",
    "={{ '$fromAI(1)' }}",
  ])("is nothing where no key stands there: %s", (text) => {
    expect(fromAiArguments(text)).toEqual([])
  })

  it("is bounded", () => {
    const many = Array.from({ length: 300 }, (_, index) => `={{ $fromAI('key${index}') }}`)
    expect(fromAiArguments(many)).toHaveLength(100)
  })
})
