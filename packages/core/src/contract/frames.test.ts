import { describe, expect, it } from "vitest"
import type { RunEvent } from "../graph/events.ts"
import { framesOf } from "./frames.ts"

const facts = {
  runId: "run_1",
  threadId: "thread_1",
  responseId: "resp_1",
  userMessageId: "msg_1",
  traceId: "req_1",
  assistantId: null,
  kindOf: () => "agent",
}
const framesAt = (event: RunEvent) => framesOf(event, 9, { facts, options: { nodes: false, wait: false } })
const place = { node: "Agent", iteration: 0, attempt: 1, call: 0, index: 0 }

describe("the frames of a tool call", () => {
  const started: RunEvent = {
    type: "tool-call-started",
    at: 5,
    ...place,
    lane: "0",
    tool: { id: "call_a", name: "add", arguments: { a: 1 } },
  }
  const completed = (outcome: { result: string } | { error: string }, lane = "0"): RunEvent => ({
    type: "tool-call-completed",
    at: 6,
    ...place,
    lane,
    id: "call_a",
    outcome,
  })

  it("say what is called with what, and what came of it", () => {
    expect(framesAt(started)).toEqual([
      {
        number: 9,
        body: { event: "response.tool_call_started", id: "call_a", name: "add", arguments: { a: 1 } },
      },
    ])
    expect(framesAt(completed({ result: "3" }))).toEqual([
      { number: 9, body: { event: "response.tool_call_completed", id: "call_a", result: "3" } },
    ])
    expect(framesAt(completed({ error: "no" }))[0]?.body).toEqual({
      event: "response.tool_call_completed",
      id: "call_a",
      error: "no",
    })
  })

  it("are not there for the calls of a tool that is itself an agent", () => {
    expect(framesAt({ ...started, lane: "0/0.1" })).toEqual([])
    expect(framesAt(completed({ result: "3" }, "0/0.1"))).toEqual([])
  })
})
