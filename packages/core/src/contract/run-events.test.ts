import { describe, expect, it } from "vitest"
import type { RunEvent } from "../graph/events.ts"
import { runEventAnswer, runFramesOf } from "./run-events.ts"

const key = { node: "Writer", iteration: 0, attempt: 1 }
const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 }
const wireUsage = { input_tokens: 1, output_tokens: 2, total_tokens: 3 }
const at = 1_000
const time = "1970-01-01T00:00:01.000Z"

const created: RunEvent = {
  type: "run-created",
  v: 1,
  at,
  traceId: "req_1",
  mode: "chat",
  workflowId: "flow_1",
  workflowVersion: 2,
  start: "Chat",
  items: [{ json: { chatInput: "Hi" }, pairedItem: { item: 0 } }],
  seed: 7,
  depth: 0,
  turn: {
    threadId: "thread_1",
    responseId: "resp_1",
    userMessageId: "msg_1",
    assistantId: "asst_1",
    number: 1,
    messageOrdinal: 0,
    primaryNode: "Writer",
    overlay: { instructions: "Secret prompt" },
    systemTexts: ["Secret text"],
    memory: true,
    context: { strategy: "auto", windowTokensMax: null, throughTurn: null },
    allowedProviders: null,
    plainText: false,
    streaming: ["Writer"],
  },
}

/** Each event with what its frame says beside event, seq and at. */
const table: readonly [RunEvent, object][] = [
  [{ type: "run-started", at }, {}],
  [{ type: "node-started", at, ...key }, key],
  [
    { type: "node-completed", at, ...key, outputs: [[{ json: { a: 1 }, pairedItem: { item: 0 } }], []] },
    { ...key, outputs: [[{ a: 1 }], []] },
  ],
  [
    { type: "node-failed", at, ...key, error: { code: "CODE_ERROR", message: "boom" }, retryable: true },
    { ...key, error: { code: "CODE_ERROR", message: "boom" }, retryable: true },
  ],
  [
    { type: "model-call-started", at, ...key, call: 0, model: "gpt" },
    { ...key, call: 0, model: "gpt" },
  ],
  [
    {
      type: "model-call-completed",
      at,
      ...key,
      call: 0,
      model: "gpt",
      text: null,
      toolCalls: [{ id: "c", name: "n", arguments: { x: 1 } }],
      finishReason: "tool-calls",
      usage,
    },
    {
      ...key,
      call: 0,
      model: "gpt",
      text: null,
      tool_calls: [{ id: "c", name: "n", arguments: { x: 1 } }],
      finish_reason: "tool_calls",
      usage: wireUsage,
    },
  ],
  [
    { type: "code-logged", at, ...key, lines: [{ level: "warn", text: "careful" }] },
    { ...key, lines: [{ level: "warn", text: "careful" }] },
  ],
  [
    { type: "child-run-started", at, ...key, call: 1, runId: "run_2" },
    { ...key, call: 1, run_id: "run_2" },
  ],
  [
    { type: "content-reset", at, reason: "retry", attempt: 2 },
    { reason: "retry", attempt: 2 },
  ],
  [
    { type: "message-added", at, messageId: "msg_2", text: "Hi" },
    { message_id: "msg_2", text: "Hi" },
  ],
  [
    { type: "run-completed", at, node: "Writer", messageId: "msg_2", stopReason: "stop", usage },
    { node: "Writer", message_id: "msg_2", stop_reason: "stop", usage: wireUsage },
  ],
  [
    {
      type: "tool-call-started",
      at,
      ...key,
      lane: "2",
      call: 1,
      index: 0,
      tool: { id: "call_a", name: "add", arguments: { a: 1 } },
    },
    { ...key, lane: "2", call: 1, index: 0, id: "call_a", name: "add", arguments: { a: 1 } },
  ],
  [
    { type: "tool-call-completed", at, ...key, lane: "2", call: 1, index: 0, id: "call_a", outcome: { result: "3" } },
    { ...key, lane: "2", call: 1, index: 0, id: "call_a", result: "3" },
  ],
  [
    { type: "tool-call-completed", at, ...key, call: 1, index: 1, id: "call_b", outcome: { error: "no" } },
    { ...key, call: 1, index: 1, id: "call_b", error: "no" },
  ],
  [
    { type: "run-completed", at, node: null, messageId: null, stopReason: "stop", usage },
    { message_id: null, stop_reason: "stop", usage: wireUsage },
  ],
  [
    { type: "run-cancelled", at, cause: "RUN_CANCELLED", messageId: null, partialLength: 4 },
    { cause_code: "RUN_CANCELLED", message_id: null, partial_content_length: 4 },
  ],
]

describe("the frames of a run's events", () => {
  it.each(table)("say what happened: $type", (event, fields) => {
    const frames = runFramesOf(event, 5)
    expect(frames).toEqual([{ number: 5, body: { event: event.type, seq: 5, at: time, ...fields } }])
    for (const { body } of frames) expect(runEventAnswer.safeParse(body).success).toBe(true)
  })

  it("give each piece of a model's text a frame and a number of its own", () => {
    const frames = runFramesOf({ type: "model-text", ...key, call: 0, texts: ["a", "", "\ud800"] }, 2 ** 32 + 1)
    expect(frames.map(({ number, body }) => [number, body.seq, body.delta, body.at])).toEqual([
      [2 ** 32 + 1, 2 ** 32 + 1, "a", null],
      [2 ** 32 + 2, 2 ** 32 + 2, "", null],
      [2 ** 32 + 3, 2 ** 32 + 3, "\ud800", null],
    ])
  })

  it("say where a run began, and nothing of prompts and settings", () => {
    const [frame] = runFramesOf(created, 1)
    expect(frame?.body).toEqual({
      event: "run-created",
      seq: 1,
      at: time,
      trace_id: "req_1",
      mode: "chat",
      workflow_id: "flow_1",
      workflow_version: 2,
      start: "Chat",
      items: [{ chatInput: "Hi" }],
      thread_id: "thread_1",
      response_id: "resp_1",
      user_message_id: "msg_1",
      assistant_id: "asst_1",
    })
    expect(JSON.stringify(frame)).not.toContain("Secret")
    expect(runFramesOf({ ...created, turn: null }, 1)[0]?.body).toMatchObject({ thread_id: null, response_id: null })
  })

  it("show the failure of a run as the envelope shows errors, and the node that failed", () => {
    const failed: RunEvent = {
      type: "run-failed",
      at,
      failure: { code: "CODE_ERROR", message: "boom", node: "Writer" },
      error: { code: "NODE_FAILED", message: "m", systemMessage: "s", details: { node: "Writer" } },
      messageId: null,
      traceId: "req_1",
    }
    expect(runFramesOf(failed, 9)[0]?.body).toEqual({
      event: "run-failed",
      seq: 9,
      at: time,
      node: "Writer",
      message_id: null,
      error: {
        code: "NODE_FAILED",
        message: "m",
        system_message: "s",
        type: "run_error",
        status: 422,
        trace_id: "req_1",
        timestamp: time,
        details: { node: "Writer" },
      },
    })
  })
})
