import { describe, expect, it } from "vitest"
import { type MessageView, messageAnswer, presentMessage, presentUpdatedMessage, textOfContent } from "./messages.ts"

const message: MessageView = {
  id: "msg_1",
  threadId: "thread_1",
  role: "assistant",
  content: "**Hello** 🌍",
  toolCalls: [{ id: "call_1", name: "weather", arguments: { city: "Bern" } }],
  metadata: { a: 1 },
  createdAtMs: 0,
  updatedAtMs: null,
}

describe("a message on the wire", () => {
  it("has every documented field", () => {
    const shown = presentMessage(message)
    expect(shown).toEqual({
      id: "msg_1",
      created_at: "1970-01-01T00:00:00.000Z",
      thread_id: "thread_1",
      role: "assistant",
      content: "**Hello** 🌍",
      attachments: [],
      metadata: { a: 1 },
      tool_calls: [{ id: "call_1", name: "weather", arguments: { city: "Bern" } }],
      iterations: null,
      response_blocks: null,
    })
    expect(messageAnswer.parse(shown)).toEqual(shown)
    expect(presentUpdatedMessage({ ...message, updatedAtMs: 1_000 }).updated_at).toBe("1970-01-01T00:00:01.000Z")
    expect(presentUpdatedMessage(message).updated_at).toBe("1970-01-01T00:00:00.000Z")
  })

  it("is given in other forms only where it is an answer", () => {
    expect(presentMessage(message, "plain").content).toBe("Hello 🌍")
    expect(presentMessage({ ...message, role: "user" }, "plain").content).toBe("**Hello** 🌍")
    const blocks = [
      { type: "text", text: "**Hello** 🌍" },
      { type: "tool_call", id: "call_1", name: "weather", arguments: { city: "Bern" } },
    ]
    expect(presentMessage(message, "structured").response_blocks).toEqual(blocks)
    expect(presentMessage(message, "blocks").response_blocks).toEqual(blocks)
    const said = presentMessage({ ...message, role: "user" }, "structured")
    expect(said).toMatchObject({ response_blocks: null, tool_calls: null })
    expect(presentMessage({ ...message, content: "", toolCalls: null }, "structured").response_blocks).toEqual([])
  })

  it("shows any stored content as text", () => {
    expect(textOfContent("x\0\ud800")).toBe("x\0\ud800")
    expect(textOfContent([{ type: "text", text: "a" }, "b", { type: "text", text: "c" }])).toBe("a\nb\nc")
    expect(textOfContent({ temperature: 7 })).toBe('{"temperature":7}')
    expect(textOfContent({ type: "text", text: "a" })).toBe("a")
    expect(textOfContent(null)).toBe("null")
    expect(textOfContent([])).toBe("")
  })
})
