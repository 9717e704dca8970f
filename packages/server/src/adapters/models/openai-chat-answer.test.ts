import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type ModelEvent, ModelFailure } from "../../ports/models.ts"
import { ChatAnswer } from "./openai-chat-answer.ts"

function answerOf(frames: readonly unknown[]): ModelEvent[] {
  const events: ModelEvent[] = []
  const answer = new ChatAnswer({ model: "asked", secrets: [], emit: (event) => events.push(event) })
  for (const frame of frames) answer.take(typeof frame === "string" ? frame : JSON.stringify(frame))
  answer.end()
  return events
}

const delta = (fields: object, more: object = {}) => ({
  choices: [{ index: 0, delta: fields, finish_reason: null }],
  ...more,
})
const finish = (reason: string) => ({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
const textOf = (events: readonly ModelEvent[]) =>
  events.map((event) => (event.type === "text" ? event.text : "")).join("")
const callsOf = (events: readonly ModelEvent[]) =>
  events.flatMap((event) => (event.type === "tool-call" ? [event.call] : []))

describe("a chat-completions answer", () => {
  it("is over at a finish reason also where no [DONE] follows, and at [DONE] where there was no reason", () => {
    expect(answerOf([delta({ content: "a" }), finish("stop")]).at(-1)).toMatchObject({ type: "finish", reason: "stop" })
    expect(answerOf([delta({ content: "a" }), "[DONE]"]).at(-1)).toMatchObject({ type: "finish", reason: "stop" })
  })

  it("takes nothing after its end", () => {
    expect(answerOf(["[DONE]", delta({ content: "late" }), "no json"])).toHaveLength(1)
  })

  it("reports the usage that comes behind the finish reason, and the provider's name of the model", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 9 }
    expect(
      answerOf([delta({ content: "a" }, { model: "real" }), finish("stop"), { choices: [], usage }, "[DONE]"]).at(-1),
    ).toEqual({
      type: "finish",
      reason: "stop",
      usage: { inputTokens: 3, outputTokens: 2, totalTokens: 9 },
      model: "real",
    })
  })

  it.each(["reasoning_content", "reasoning"])("tells %s apart from the text", (field) => {
    const events = answerOf([delta({ [field]: "hm" }), delta({ content: "a" }), finish("stop")])
    expect(events.slice(0, 2)).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "a" },
    ])
  })

  it("keeps calls apart that a server sends with the same index or with none", () => {
    const call = (id: string, index: number | undefined, text: string) => ({
      ...(index === undefined ? {} : { index }),
      id,
      type: "function",
      function: { name: `do_${id}`, arguments: text },
    })
    for (const index of [0, undefined]) {
      const calls = callsOf(
        answerOf([
          delta({ tool_calls: [call("a", index, "{}")] }),
          delta({ tool_calls: [call("b", index, '{"x":')] }),
          delta({ tool_calls: [{ ...(index === undefined ? {} : { index }), function: { arguments: "1}" } }] }),
          finish("stop"),
        ]),
      )
      expect(calls).toEqual([
        { id: "a", name: "do_a", arguments: {} },
        { id: "b", name: "do_b", arguments: { x: 1 } },
      ])
    }
  })

  it("says tool-calls where there are calls, whatever the server says", () => {
    const call = { index: 0, id: "a", function: { name: "look", arguments: "" } }
    expect(answerOf([delta({ tool_calls: [call] }), finish("stop")]).at(-1)).toMatchObject({ reason: "tool-calls" })
  })

  it("keeps what the model wrote where the arguments are no JSON", () => {
    const call = { index: 0, function: { name: "look", arguments: '{"at": ' } }
    expect(callsOf(answerOf([delta({ tool_calls: [call] }), finish("length")]))).toEqual([
      { id: "call_1", name: "look", arguments: {}, brokenArguments: '{"at": ' },
    ])
  })

  it.each([
    [{ error: { message: "overloaded", type: "server_error" } }, "error"],
    [{ error: { message: "slow", code: 429 } }, "unavailable"],
    [{ error: { message: "bad", type: "invalid_request_error" } }, "refused"],
    [
      { error: { message: "long", code: "context_length_exceeded", type: "invalid_request_error" } },
      "context-too-long",
    ],
    [{ error: "broken" }, "error"],
    [finish("content_filter"), "refused"],
  ])("the frame %j fails as %s", (frame, kind) => {
    expect(() => answerOf([delta({ content: "a" }), frame, "[DONE]"])).toThrow(
      expect.objectContaining({ name: "ModelFailure", kind }),
    )
  })

  it("shows a refusal behind a text as text", () => {
    expect(textOf(answerOf([delta({ content: "a" }), delta({ refusal: " no" }), finish("stop")]))).toBe("a no")
  })

  it.each(["{", "[]", "null", '"text"', ""])("the data %j is a broken stream", (data) => {
    expect(() => answerOf([data])).toThrow(ModelFailure)
  })

  it("reads every text, with and without other fields beside it", () => {
    const frames = fc.array(
      fc.record({
        content: fc.oneof(
          fc.string({ unit: "binary" }),
          fc.constantFrom('"', "\\", '","content":"x', '"},"finish_reason":"stop"}', "\u0000", "\ud800"),
        ),
        extra: fc.constantFrom({}, { role: "assistant" }, { refusal: null }, { tool_calls: [] }, { reasoning: "hm" }),
        spaced: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(frames, (all) => {
        const data = all.map(({ content, extra, spaced }) =>
          JSON.stringify(delta({ content, ...extra }, { id: "x", object: "chunk" }), null, spaced ? 1 : 0).replaceAll(
            "\n",
            "",
          ),
        )
        expect(textOf(answerOf([...data, "[DONE]"]))).toBe(all.map(({ content }) => content).join(""))
      }),
    )
  })
})
