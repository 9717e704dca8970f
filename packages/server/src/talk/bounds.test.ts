/** Everything is bounded, and each bound has a code (`runs` R7). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer({
  BREVET_RUN_EXECUTIONS_MAX: "20",
  BREVET_RUN_LOOPS_MAX: "15",
  BREVET_RUN_ITEMS_MAX: "10",
  BREVET_RUN_STATE_BYTES_MAX: "65536",
  BREVET_RUN_TOKENS_MAX: "1000",
  BREVET_RUN_DEPTH_MAX: "2",
})
/** Another server, which gives its runs three seconds: far more than they need, also on a busy machine. */
const hasty = useTalkServer({ BREVET_RUN_SECONDS_MAX: "3" })

const manual = node("Start", "n8n-nodes-base.manualTrigger")

async function execute(definition: JsonObject, body: JsonObject = {}): Promise<[status: number, cause: unknown]> {
  const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Bounded", definition } })
  const answer = await talk.client.call("POST", `/v1/workflows/${made.body.id}/execute`, { body })
  return [answer.status, answer.body.error?.details.cause_code ?? answer.body.status]
}

const chain = (length: number): JsonObject => {
  const names = Array.from({ length }, (_, index) => `Step ${index}`)
  return workflow(
    [manual, ...names.map((name) => node(name, "n8n-nodes-base.noOp"))],
    names.map((name, index): [string, string] => [names[index - 1] ?? "Start", name]),
  )
}

describe("a bound of a run", () => {
  it("holds for executions of nodes", async () => {
    expect(await execute(chain(19))).toEqual([200, "completed"])
    expect(await execute(chain(20))).toEqual([422, "RUN_EXECUTIONS_EXCEEDED"])
  })

  it("holds for executions of one node", async () => {
    const loop = workflow(
      [manual, node("Round", "n8n-nodes-base.noOp")],
      [
        ["Start", "Round"],
        ["Round", "Round"],
      ],
    )
    expect(await execute(loop)).toEqual([422, "RUN_LOOPS_EXCEEDED"])
  })

  it("holds for items on one output", async () => {
    const items = (count: number): JsonObject => ({
      items: Array.from({ length: count }, (_, index) => ({ json: { index } })),
    })
    expect(await execute(chain(1), items(10))).toEqual([200, "completed"])
    expect(await execute(chain(1), items(11))).toEqual([422, "RUN_ITEMS_EXCEEDED"])
  })

  it("holds for bytes of state", async () => {
    expect(await execute(chain(1), { inputs: { text: "x".repeat(10_000) } })).toEqual([200, "completed"])
    expect(await execute(chain(10), { inputs: { text: "x".repeat(10_000) } })).toEqual([422, "RUN_BYTES_EXCEEDED"])
  })

  it("holds for tokens, and the turn that passed it says so", async () => {
    const two = workflow([node("One", "FreddyLLM"), { ...node("Two", "FreddyLLM"), id: "two" }], [["One", "Two"]])
    const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Tokens", definition: two } })
    const { body } = await talk.client.call("POST", `/v1/workflows/${made.body.id}/promote-to-assistant`, {
      body: { primary_node_id: "two" },
    })
    talk.model.answerWith(() => ({ text: "Much", usage: { inputTokens: 900, outputTokens: 101 } }))
    const answer = await talk.client.ask("Hi", { assistant_id: body.assistant_id })
    expect([answer.status, answer.body.error.details.cause_code]).toEqual([422, "RUN_TOKENS_EXCEEDED"])
    expect(talk.model.calls).toBe(1)
  })

  it("holds for time: the model is cut off, and the thread goes on", async () => {
    hasty.model.hold(1)
    const stream = hasty.client.hear("Slow")
    await stream.all()
    const { error } = (await stream.frame("response.error")) as { error: JsonObject }
    expect(error).toMatchObject({ code: "NODE_FAILED", status: 422, details: { cause_code: "RUN_TIMEOUT" } })
    await hasty.model.whenAborted()
    hasty.model.release()
    const { threadId } = await stream.created()
    expect((await hasty.client.ask("Again", { thread_id: threadId })).status).toBe(200)
  })

  it("does not count the time that a turn waits for those before it", async () => {
    hasty.model.hold(1)
    const first = hasty.client.hear("First")
    const { threadId } = await first.created()
    const second = hasty.client.hear("Second", { thread_id: threadId })
    await second.created()
    await first.all()
    expect(first.events).toContain("response.error")
    await until(async () => (await hasty.client.runs(threadId))[1].status !== "queued", "the beginning of the second")
    hasty.model.release()
    await second.all()
    expect(second.text).toBe("You said: Second")
  })

  it("holds for calls of assistants", async () => {
    const helper = await talk.client.promoted(workflow([node("Answer", "FreddyLLM")]))
    const around = workflow(
      [node("Ask", "Assistant", { assistant_id: helper.assistantId }), node("Answer", "FreddyLLM")],
      [["Ask", "Answer"]],
    )
    await talk.client.call("PATCH", `/v1/workflows/${helper.workflowId}`, { body: { definition: around } })
    const { body } = await talk.client.ask("Round", { assistant_id: helper.assistantId })
    expect(body.error.details.cause_code).toBe("RUN_DEPTH_EXCEEDED")
    expect(
      await execute(
        workflow([manual, node("Ask", "Assistant", { assistant_id: helper.assistantId })], [["Start", "Ask"]]),
      ),
    ).toEqual([422, "RUN_DEPTH_EXCEEDED"])
  })
})
