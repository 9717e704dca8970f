/** Assistants that are called by nodes of workflows (the workflow language, §3 "Assistant", §6 "References"). */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { lastUserText } from "../testing/scripted-model.ts"
import { node, promptOf, single, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

/** A workflow that asks another assistant, and then its own model what to make of it. */
const asking = (assistantId: string, rest: JsonObject = {}): JsonObject =>
  workflow(
    [
      node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
      { ...node("Ask", "Assistant", { assistant_id: assistantId }), ...rest },
      node("Answer", "FreddyLLM", { system_message: "Caller", prompt: "={{ $json.text ?? $json.error }}" }),
    ],
    [
      ["Chat", "Ask"],
      ["Ask", "Answer"],
    ],
  )

const called = (name: string): JsonObject => single({ system_message: name })
const publish = (workflowId: string, definition: JsonObject) =>
  talk.client.call("PATCH", `/v1/workflows/${workflowId}`, { body: { definition } })

/** What models with that system prompt were told, call by call. */
const toldTo = (system: string): string[][] =>
  talk.model.requests.map(promptOf).filter(([first]) => first === `system: ${system}`)

/** The runs that a run has called, the oldest first. */
async function childrenOf(runId: string) {
  const { runs } = await talk.client.get("/v1/runs?limit=100")
  return runs.filter((run: { parent_run_id: string | null }) => run.parent_run_id === runId).reverse()
}

describe("a workflow that calls an assistant", () => {
  it("gives it the message and goes on with its answer, which is a run with a parent in a thread of its own", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    talk.model.answerWith((request) => ({
      text: `(${lastUserText(request)})`,
      usage: { inputTokens: 4, outputTokens: 2 },
    }))
    const stream = talk.client.hear("Hi", { assistant_id: caller.assistantId })
    await stream.all()
    expect(stream.text).toBe("((Hi))")
    const { runId, threadId } = await stream.created()
    const [child, ...others] = await childrenOf(runId)
    expect(others).toEqual([])
    expect(child).toMatchObject({
      assistant_id: helper.assistantId,
      workflow_id: helper.workflowId,
      workflow_version: 1,
      mode: "chat",
      status: "completed",
      text: "(Hi)",
    })
    expect(child.thread_id).not.toBe(threadId)
    expect(await talk.client.messages(threadId)).toEqual(["user: Hi", "assistant: ((Hi))"])
    expect(await talk.client.messages(child.thread_id)).toEqual(["user: Hi", "assistant: (Hi)"])
    const { nodes } = await talk.client.get(`/v1/runs/${runId}/nodes`)
    expect(nodes[1].executions[0].outputs).toEqual([[{ text: "(Hi)", assistant_id: helper.assistantId }]])
  })

  it("keeps the thread of the called one out of lists", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    const { body } = await talk.client.ask("Hi", { assistant_id: caller.assistantId })
    const [child] = await childrenOf(body.run_id)
    const visible = (
      await talk.client.get(`/v1/threads?limit=100&assistant_id=${helper.assistantId}&visible_in_ui=true`)
    ).data
    expect(visible).toEqual([])
    expect((await talk.client.get(`/v1/threads/${child.thread_id}`)).visible_in_ui).toBe(false)
  })

  it("goes on with the called one's own conversation over turns, one for each thread and node", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    const first = (await talk.client.ask("One", { assistant_id: caller.assistantId })).body
    await talk.client.ask("Two", { thread_id: first.thread_id })
    await talk.client.ask("Elsewhere", { assistant_id: caller.assistantId })
    expect(toldTo("Helper")).toEqual([
      ["system: Helper", "user: One"],
      ["system: Helper", "user: One", "assistant: You said: One", "user: Two"],
      ["system: Helper", "user: Elsewhere"],
    ])
    const twice = await talk.client.promoted(
      workflow(
        [
          node("Ask", "Assistant", { assistant_id: helper.assistantId }),
          node("Ask again", "Assistant", { assistant_id: helper.assistantId, message: "={{ 'Again ' + $json.text }}" }),
          node("Answer", "FreddyLLM"),
        ],
        [
          ["Ask", "Ask again"],
          ["Ask again", "Answer"],
        ],
      ),
    )
    talk.model.reset()
    await talk.client.ask("Hi", { assistant_id: twice.assistantId })
    expect(toldTo("Helper")).toEqual([
      ["system: Helper", "user: Hi"],
      ["system: Helper", "user: Again You said: Hi"],
    ])
  })

  it("may name it by an expression", async () => {
    const helpers = [await talk.client.promoted(called("First")), await talk.client.promoted(called("Second"))]
    const caller = await talk.client.promoted(
      workflow(
        [
          node("Ask", "Assistant", { assistant_id: "={{ $json.metadata.whom }}", message: "={{ $json.chatInput }}!" }),
          node("Answer", "FreddyLLM"),
        ],
        [["Ask", "Answer"]],
      ),
    )
    for (const [index, name] of ["First", "Second"].entries()) {
      const metadata = { whom: helpers[index]?.assistantId ?? "" }
      await talk.client.ask("Hi", { assistant_id: caller.assistantId, metadata })
      expect(toldTo(name)).toEqual([[`system: ${name}`, "user: Hi!"]])
    }
  })

  it("is the answer itself where nothing comes after it", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const primary = { ...node("Answer", "FreddyLLM"), disabled: false }
    const caller = await talk.client.promoted(
      workflow([primary, node("Ask", "Assistant", { assistant_id: helper.assistantId })], [["Answer", "Ask"]]),
    )
    const { body } = await talk.client.ask("Hi", { assistant_id: caller.assistantId })
    expect(body.response[0].text).toBe("You said: You said: Hi")
  })

  it("takes the called assistant's own settings, and a plain one without a workflow as well", async () => {
    const organization = (await talk.client.get("/v1/organizations")).organizations[0].id
    const plain = await talk.client.call("POST", "/v1/assistants", {
      body: { name: "Plain helper", organization_id: organization, instructions: "Plain", temperature: 0.3 },
    })
    const caller = await talk.client.promoted(asking(plain.body.id))
    await talk.client.ask("Hi", { assistant_id: caller.assistantId, temperature: 0.9 })
    const [first, second] = talk.model.requests.map(({ body }) => body.temperature)
    expect([first, second]).toEqual([0.3, 0.9])
    expect(toldTo("Plain")).toEqual([["system: Plain", "user: Hi"]])
  })
})

describe("the version of a called assistant", () => {
  it("is fixed with the thread's own, also where it was not called yet, until the thread is moved", async () => {
    const helper = await talk.client.promoted(called("Helper 1"))
    const asksLater = (assistantId: string): JsonObject =>
      workflow(
        [
          node("Chat", "@n8n/n8n-nodes-langchain.chatTrigger"),
          {
            ...node("Which", "n8n-nodes-base.if", {
              conditions: {
                combinator: "and",
                options: { caseSensitive: true, leftValue: "", typeValidation: "loose" },
                conditions: [
                  {
                    id: "1",
                    leftValue: "={{ $json.chatInput }}",
                    rightValue: "ask",
                    operator: { type: "string", operation: "equals" },
                  },
                ],
              },
            }),
            typeVersion: 2,
          },
          node("Ask", "Assistant", { assistant_id: assistantId }),
          node("Answer", "FreddyLLM"),
        ],
        [
          ["Chat", "Which"],
          ["Which", "Ask", 0],
          ["Which", "Answer", 1],
        ],
      )
    const caller = await talk.client.promoted(asksLater(helper.assistantId))
    const thread = (await talk.client.ask("wait", { assistant_id: caller.assistantId })).body.thread_id
    await publish(helper.workflowId, called("Helper 2"))
    await talk.client.ask("ask", { thread_id: thread })
    await talk.client.ask("ask", { thread_id: thread })
    expect([toldTo("Helper 1").length, toldTo("Helper 2").length]).toEqual([2, 0])
    await talk.client.ask("ask", { assistant_id: caller.assistantId })
    expect([toldTo("Helper 1").length, toldTo("Helper 2").length]).toEqual([2, 1])
    await publish(caller.workflowId, { ...asksLater(helper.assistantId), meta: { changed: true } })
    expect((await talk.client.call("POST", `/v1/threads/${thread}/move`)).body).toMatchObject({ from: 1, to: 2 })
    await talk.client.ask("ask", { thread_id: thread })
    expect([toldTo("Helper 1").length, toldTo("Helper 2").length]).toEqual([2, 2])
    // It is the same conversation still.
    expect(toldTo("Helper 2").at(-1)).toHaveLength(6)
  })

  it("is fixed for those that it calls in its turn", async () => {
    const deep = await talk.client.promoted(called("Deep 1"))
    const middle = await talk.client.promoted(asking(deep.assistantId))
    const caller = await talk.client.promoted(asking(middle.assistantId))
    const thread = (await talk.client.ask("One", { assistant_id: caller.assistantId })).body.thread_id
    await publish(deep.workflowId, called("Deep 2"))
    await publish(middle.workflowId, single({ system_message: "Middle 2" }))
    await talk.client.ask("Two", { thread_id: thread })
    expect([toldTo("Deep 1").length, toldTo("Deep 2").length, toldTo("Middle 2").length]).toEqual([2, 0, 0])
    await talk.client.ask("Three", { assistant_id: caller.assistantId })
    expect(toldTo("Middle 2")).toHaveLength(1)
  })
})

describe("a called assistant that does not answer", () => {
  it("fails the node, with what became of it", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    talk.model.script([{ status: 500 }])
    const { status, body } = await talk.client.ask("Hi", { assistant_id: caller.assistantId })
    expect([status, body.error.code]).toEqual([422, "NODE_FAILED"])
    expect(body.error.details).toMatchObject({
      node: "Ask",
      cause_code: "ASSISTANT_NOT_CALLABLE",
      called_cause_code: "MODEL_ERROR",
      called_run_id: expect.stringMatching(/^run_/),
    })
    // The next turn goes on; the failed one is no part of either conversation.
    const { thread_id: thread } = await talk.client.get(`/v1/runs/${body.error.details.run_id}`)
    expect((await talk.client.ask("Again", { thread_id: thread })).status).toBe(200)
    expect(toldTo("Helper").at(-1)).toEqual(["system: Helper", "user: Again"])
  })

  it("lets the run go on where the node says so", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId, { onError: "continueRegularOutput" }))
    talk.model.script([{ status: 500 }, { text: "Sorry." }])
    const { status, body } = await talk.client.ask("Hi", { assistant_id: caller.assistantId })
    expect([status, body.response[0].text]).toEqual([200, "Sorry."])
    expect(promptOf(talk.model.requests.at(-1)).at(-1)).toMatch(/^user: The called assistant did not answer/)
  })

  it("is not callable where it does not exist, is deleted, or is not active; `api_enabled` is for keys alone", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    const cause = async (assistantId: string): Promise<unknown> => {
      const { body } = await talk.client.ask("Hi", { assistant_id: assistantId })
      return body.error?.details.cause_code ?? body.status
    }
    const patch = (body: JsonObject) => talk.client.call("PATCH", `/v1/assistants/${helper.assistantId}`, { body })
    await patch({ api_enabled: false })
    expect(await cause(caller.assistantId)).toBe("completed")
    await patch({ is_active: false })
    expect(await cause(caller.assistantId)).toBe("ASSISTANT_NOT_CALLABLE")
    await patch({ is_active: true })
    await talk.client.call("PATCH", `/v1/workflows/${helper.workflowId}`, { body: { is_active: false } })
    expect(await cause(caller.assistantId)).toBe("ASSISTANT_NOT_CALLABLE")
    await talk.client.call("DELETE", `/v1/assistants/${helper.assistantId}`)
    expect(await cause(caller.assistantId)).toBe("ASSISTANT_NOT_CALLABLE")
    for (const id of [`asst_${"0".repeat(32)}`, "nobody"]) {
      expect(await cause((await talk.client.promoted(asking(id))).assistantId)).toBe("ASSISTANT_NOT_CALLABLE")
    }
    const nameless = await talk.client.promoted(
      workflow([node("Ask", "Assistant"), node("Answer", "FreddyLLM")], [["Ask", "Answer"]]),
    )
    expect(await cause(nameless.assistantId)).toBe("NODE_SETTINGS_INVALID")
  })

  it("ends with RUN_DEPTH_EXCEEDED where assistants call one another in a circle", async () => {
    const one = await talk.client.promoted(called("One"))
    const other = await talk.client.promoted(asking(one.assistantId))
    await publish(one.workflowId, asking(other.assistantId))
    const { status, body } = await talk.client.ask("Round", { assistant_id: one.assistantId })
    expect([status, body.error.code]).toEqual([422, "NODE_FAILED"])
    expect(body.error.details).toMatchObject({ node: "Ask", cause_code: "RUN_DEPTH_EXCEEDED" })
    expect(body.error.message.length).toBeLessThan(200)
    expect(talk.model.calls).toBe(0)
    let depth = 0
    for (let [run] = await childrenOf(body.error.details.run_id); run !== undefined; [run] = await childrenOf(run.id)) {
      depth += 1
    }
    expect(depth).toBe(10)
  })

  it("ends where an assistant calls itself", async () => {
    const self = await talk.client.promoted(called("Self"))
    await publish(self.workflowId, asking(self.assistantId))
    const { body } = await talk.client.ask("Me", { assistant_id: self.assistantId })
    expect(body.error.details.cause_code).toBe("RUN_DEPTH_EXCEEDED")
  })
})

describe("a turn that is cancelled while it waits for a called assistant", () => {
  it("ends that one too, and the next turn can call it", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    talk.model.hold(0)
    const stream = talk.client.hear("One", { assistant_id: caller.assistantId })
    await talk.model.whenHeld()
    const { threadId, runId } = await stream.created()
    const child = await until(async () => (await childrenOf(runId))[0], "the called run")
    await talk.client.call("POST", `/v1/model/response/${threadId}/cancel`)
    await stream.all()
    await talk.model.whenAborted()
    const ended = await until(async () => {
      const run = await talk.client.get(`/v1/runs/${child.id}`)
      return run.status === "cancelled" && run
    }, "the end of the called run")
    expect(ended.error.details.cause_code).toBe("TURN_WITHDRAWN")
    expect(await talk.client.messages(child.thread_id)).toEqual([])
    talk.model.release()
    const { status } = await talk.client.ask("Two", { thread_id: threadId })
    expect(status).toBe(200)
  })

  it("never leaves the next turn without an answer, however soon it comes", async () => {
    const helper = await talk.client.promoted(called("Helper"))
    const caller = await talk.client.promoted(asking(helper.assistantId))
    await talk.client.call("PATCH", `/v1/assistants/${caller.assistantId}`, {
      body: { concurrency_policy: "interrupt" },
    })
    const thread = (await talk.client.ask("Begin", { assistant_id: caller.assistantId })).body.thread_id
    for (let round = 0; round < 5; round += 1) {
      talk.model.hold(0)
      const first = talk.client.hear(`One ${round}`, { thread_id: thread })
      await talk.model.whenHeld()
      const second = talk.client.ask(`Two ${round}`, { thread_id: thread })
      await first.all()
      talk.model.release()
      const { status, body } = await second
      expect([status, body.error?.details]).toEqual([200, undefined])
    }
  })
})
