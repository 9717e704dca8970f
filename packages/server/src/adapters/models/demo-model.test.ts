import { describe, expect, it } from "vitest"
import type { ModelRequest, ToolDefinition } from "../../ports/models.ts"
import { streamDemo } from "./demo-model.ts"
import { read, textOf } from "./models.testsuite.ts"

const look: ToolDefinition = {
  name: "look",
  parameters: { type: "object", properties: { at: { type: "string" }, days: { type: "integer", minimum: 2 } } },
}
const wait: ToolDefinition = { name: "wait", parameters: { type: "object", properties: {} } }

const say = (text: string, more: Partial<ModelRequest> = {}) =>
  read(
    streamDemo(
      { model: "gpt-4o", messages: [{ role: "user", text }], ...more },
      { signal: new AbortController().signal },
    ),
  )

describe("the demo model", () => {
  it("repeats what it was told, labelled, word by word", async () => {
    const events = await say("good morning")
    expect(textOf(events)).toBe("[demo model] You said: good morning")
    expect(events).toHaveLength(7)
    expect(events.at(-1)).toEqual({
      type: "finish",
      reason: "stop",
      usage: { inputTokens: 2, outputTokens: 6, totalTokens: 8 },
      model: "demo",
    })
  })

  it("calls the first tool at the marked word, with values from its schema", async () => {
    const [event, end] = await say("please #tool", { tools: [look, wait] })
    expect(event).toEqual({
      type: "tool-call",
      call: { id: "call_demo_1", name: "look", arguments: { at: "please #tool", days: 2 } },
    })
    expect(end).toMatchObject({ type: "finish", reason: "tool-calls" })
  })

  it("calls the tool that is named, with the arguments that are given", async () => {
    const [event] = await say('#tool:look {"at": "Bern"} please', { tools: [wait, look] })
    expect(event).toMatchObject({ type: "tool-call", call: { name: "look", arguments: { at: "Bern" } } })
  })

  it("calls no tool without the word, without tools, with an unknown name, or when it must not", async () => {
    for (const events of [
      await say("tool", { tools: [look] }),
      await say("#tool"),
      await say("#tool:jump", { tools: [look] }),
      await say("#tool", { tools: [look], settings: { toolChoice: "none" } }),
    ]) {
      expect(events.at(-1)).toMatchObject({ reason: "stop" })
    }
  })

  it("says what the tool answered", async () => {
    const events = await say("", {
      messages: [
        { role: "user", text: "#tool" },
        { role: "assistant", text: "", toolCalls: [{ id: "c", name: "look", arguments: {} }] },
        { role: "tool", toolCallId: "c", name: "look", result: "sunny" },
      ],
      tools: [look],
    })
    expect(textOf(events)).toBe("[demo model] The tool look answered: sunny")
  })

  it("answers with JSON that fits the schema", async () => {
    const schema = {
      type: "object",
      required: ["name", "kind", "when", "tags"],
      properties: {
        name: { type: "string", minLength: 3 },
        kind: { enum: ["a", "b"] },
        when: { type: "string", format: "date" },
        tags: { type: "array", items: { $ref: "#/$defs/tag" }, minItems: 1 },
        spare: { type: "string" },
      },
      $defs: { tag: { anyOf: [{ type: "number", minimum: 5 }, { type: "null" }] } },
    }
    const events = await say("x", { settings: { responseFormat: { type: "json", schema } } })
    expect(JSON.parse(textOf(events))).toEqual({ name: "[demo model]", kind: "a", when: "2025-01-01", tags: [5] })
  })

  it("survives a schema that refers to itself", async () => {
    const schema = { type: "object", properties: { next: { $ref: "#" } } }
    const events = await say("x", { settings: { responseFormat: { type: "json", schema } } })
    expect(() => JSON.parse(textOf(events))).not.toThrow()
  })

  it("stops at the token limit", async () => {
    const events = await say("one two three", { settings: { maxOutputTokens: 3 } })
    expect(textOf(events)).toBe("[demo model] You")
    expect(events.at(-1)).toMatchObject({ reason: "length" })
  })

  it("stops at once when it is aborted", async () => {
    const controller = new AbortController()
    const stream = streamDemo({ model: "x", messages: [{ role: "user", text: "a b" }] }, { signal: controller.signal })
    await stream.next()
    controller.abort(new Error("enough"))
    await expect(stream.next()).rejects.toThrow("enough")
  })
})
