/** Two servers on one store, and two organizations: who sees what, and that nothing stale is acted on. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { uuidOf } from "@brevet/core/ids"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { systemIds } from "../adapters/ids.ts"
import { type Server, startServer } from "../compose.ts"
import { readConfig } from "../config.ts"
import { traceOf } from "../services/key-text.ts"
import { testKey } from "../testing/server.ts"
import { ContractClient, node, promptOf, single, until, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer()

let folder = ""
let server: Server
let other: ContractClient
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "brevet-second-"))
  server = await startServer(
    readConfig({
      DATABASE_URL: talk.server.connectionString,
      BREVET_DATA: folder,
      BREVET_PORT: "0",
      BREVET_BOOTSTRAP_API_KEY: testKey,
      BREVET_LOG_LEVEL: "silent",
      OPENAI_API_KEY: "scripted",
      OPENAI_BASE_URL: talk.model.baseUrl,
    }),
  )
  other = new ContractClient(server.address)
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

describe("a turn that waits", () => {
  it("is answered through any process, and a stream that waits with it in the other goes on", async () => {
    const definition = workflow(
      [
        node("Ask", "Ask", { message: "Which colour?" }),
        node("Answer", "FreddyLLM", { prompt: "={{ $json.answer }}" }),
      ],
      [["Ask", "Answer"]],
    )
    const { assistantId } = await talk.client.promoted(definition)
    const reader = talk.client.hear("Hello", { assistant_id: assistantId, include: ["wait"] })
    const { pause } = (await reader.frame("response.input_required")) as { pause: { id: string } }
    const { threadId, responseId } = await reader.created()
    const all = await Promise.all(
      [talk.client, other, talk.client, other].map((client, index) =>
        client.call("POST", `/v1/pauses/${pause.id}/answer`, { body: { answer: `colour ${index}` } }),
      ),
    )
    expect(all.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
    const won = all.find(({ status }) => status === 200)?.body.answer
    await reader.all()
    expect(reader.end).toBe("done")
    const [run] = await other.runs(threadId)
    expect(run.status).toBe("completed")
    expect((await other.messages(threadId)).at(-1)).toBe(`assistant: You said: ${won}`)
    // Both tell the same of both responses.
    for (const id of run.responses) {
      expect(await other.replay(id).all()).toEqual(await talk.client.replay(id).all())
    }
    expect(run.responses[0]).toBe(responseId)
  })
})

describe("a turn that another process works on", () => {
  it("is read from any process, from any number, live to its end", async () => {
    talk.model.script([{ chunks: ["a", "b", "c", "d"] }])
    talk.model.hold(2)
    const live = talk.client.hear("Spell")
    await live.says("ab")
    const { responseId, runId } = await live.created()
    expect(await other.get(`/v1/model/response/${responseId}`)).toMatchObject({ status: "in_progress" })
    const far = other.replay(responseId)
    // Elsewhere text is there once it is saved.
    await far.says("ab")
    const later = other.replay(responseId, `?starting_after=${live.numbers[2]}`)
    const events = other.listen("GET", `/v1/runs/${runId}/events`)
    talk.model.release()
    await Promise.all([live, far, later, events].map((stream) => stream.all()))
    expect(far.blocks).toEqual(live.blocks.slice(1))
    expect(later.blocks).toEqual(live.blocks.slice(3))
    expect(events.end).toBe("done")
    const answer = await other.get(`/v1/model/response/${responseId}`)
    expect(answer).toEqual(await talk.client.get(`/v1/model/response/${responseId}`))
  })

  it("is heard elsewhere as it is made, not only as it is saved", async () => {
    talk.model.script([{ chunks: ["a", "b", "c"] }])
    talk.model.hold(1)
    const live = talk.client.hear("Spell")
    const { responseId } = await live.created()
    const far = other.replay(responseId)
    await far.says("a")
    for (const text of ["ab", "abc"]) {
      talk.model.step()
      await far.says(text)
    }
    talk.model.release()
    await Promise.all([live.all(), far.all()])
    expect(far.blocks).toEqual(live.blocks.slice(1))
  })

  it("is, cut off anywhere and read on in any process, during the turn or later, byte for byte what was shown", async () => {
    const word = fc.oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), fc.constant("x".repeat(9_000)))
    const cuts = fc.array(fc.record({ at: fc.nat(40), far: fc.boolean(), header: fc.boolean(), later: fc.boolean() }), {
      minLength: 4,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        cuts,
        async (chunks, shown, readers) => {
          talk.model.script([{ chunks, holdAfterChunks: Math.min(shown, chunks.length) }])
          const live = talk.client.hear("Go")
          const { responseId } = await live.created()
          await until(() => live.numbers.length > Math.min(shown, chunks.length), "what is shown before the hold")
          const known = live.numbers
          const read = ({ at, far, header }: { at: number; far: boolean; header: boolean }) => {
            const after = known[at % known.length] ?? 0
            const path = `/v1/model/response/${responseId}/events${header ? "" : `?starting_after=${after}`}`
            const headers: Record<string, string> = header ? { "last-event-id": String(after) } : {}
            return { after, stream: (far ? other : talk.client).listen("GET", path, { headers }) }
          }
          const during = readers.filter(({ later }) => !later).map(read)
          talk.model.release()
          await live.all()
          const after = readers.filter(({ later }) => later).map(read)
          for (const { after: last, stream } of [...during, ...after]) {
            await stream.all()
            // The first frame names nothing and is no part of a replay.
            const prefix = live.blocks.slice(1, live.numbers.indexOf(last) + 1)
            expect([...prefix, ...stream.blocks]).toEqual(live.blocks.slice(1))
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  it("is cancelled from there, and ends here with what was shown", async () => {
    talk.model.script([{ chunks: ["Half", " an answer"] }])
    talk.model.hold(1)
    const live = talk.client.hear("Go")
    await live.says("Half")
    const { threadId } = await live.created()
    const { status, body } = await other.call("POST", `/v1/model/response/${threadId}/cancel`)
    await live.all()
    expect([status, body.success]).toEqual([200, true])
    expect(live.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    expect(await talk.model.whenAborted(1)).toBeUndefined()
  })

  it("gives way there to one that interrupts it", async () => {
    const { assistantId } = await talk.client.promoted(single())
    await other.call("PATCH", `/v1/assistants/${assistantId}`, { body: { concurrency_policy: "interrupt" } })
    talk.model.hold(1)
    const live = talk.client.hear("One", { assistant_id: assistantId })
    await live.frame("response.content_delta")
    const { threadId } = await live.created()
    const next = other.hear("Two", { thread_id: threadId })
    await live.all()
    expect(live.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
    talk.model.release()
    await next.all()
    expect(next.text).toBe("You said: Two")
  })

  it("ends when its thread is deleted there", async () => {
    talk.model.hold(1)
    const live = talk.client.hear("Go")
    await live.frame("response.content_delta")
    const { threadId } = await live.created()
    expect((await other.call("DELETE", `/v1/threads/${threadId}`)).status).toBe(204)
    await live.all()
    expect(live.events.slice(-2)).toEqual(["response.cancelled", "[DONE]"])
  })

  it("is gone on with by either, one turn after another", async () => {
    const thread = (await talk.client.ask("One")).body.thread_id
    await other.ask("Two", { thread_id: thread })
    await talk.client.ask("Three", { thread_id: thread })
    expect(promptOf(talk.model.requests[2])).toHaveLength(5)
    const texts = Array.from({ length: 6 }, (_, index) => `At once ${index}`)
    const answers = await Promise.all(
      texts.map((text, index) => (index % 2 === 0 ? talk.client : other).ask(text, { thread_id: thread })),
    )
    expect(answers.map(({ body }) => body.response[0].text)).toEqual(texts.map((text) => `You said: ${text}`))
    const messages = await talk.client.messages(thread)
    expect(messages).toHaveLength(18)
    for (let index = 0; index < messages.length; index += 2) {
      expect(messages[index + 1]).toBe(`assistant: You said: ${messages[index]?.slice("user: ".length)}`)
    }
  })

  it("is one turn where both are asked with the same key at the same moment", async () => {
    const body = { inputs: [{ role: "user", content: "Once" }] }
    const headers = { "idempotency-key": "two processes" }
    const ask = (client: ContractClient) => client.call("POST", "/v1/model/response", { body, headers })
    const answers = await Promise.all([ask(talk.client), ask(other), ask(talk.client), ask(other)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(new Set(answers.map(({ body: answer }) => answer.run_id)).size).toBe(1)
    expect(await talk.client.messages(answers[0]?.body.thread_id)).toHaveLength(2)
  })
})

describe("what one process has changed", () => {
  it("holds for the next turn in the other: settings, versions, activity", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(single({ system_message: "Version 1" }))
    const asks = async (): Promise<unknown> => {
      const { status, body } = await talk.client.ask("Hi", { assistant_id: assistantId })
      return status === 200 ? promptOf(talk.model.requests.at(-1))[0] : [status, body.error.code]
    }
    expect(await asks()).toBe("system: Version 1")
    await other.call("PATCH", `/v1/workflows/${workflowId}`, {
      body: { definition: single({ system_message: "Version 2" }) },
    })
    expect(await asks()).toBe("system: Version 2")
    await other.call("PATCH", `/v1/assistants/${assistantId}`, { body: { instructions: "Overridden" } })
    expect(await asks()).toBe("system: Overridden")
    await other.call("PATCH", `/v1/workflows/${workflowId}`, { body: { is_active: false } })
    expect(await asks()).toEqual([409, "WORKFLOW_INACTIVE"])
    await other.call("DELETE", `/v1/assistants/${assistantId}`)
    expect(await asks()).toEqual([404, "ASSISTANT_NOT_FOUND"])
  })

  it("holds for what becomes of a second message", async () => {
    const { assistantId } = await talk.client.promoted(single())
    const patch = (policy: string) =>
      other.call("PATCH", `/v1/assistants/${assistantId}`, { body: { concurrency_policy: policy } })
    await patch("reject")
    talk.model.hold(1)
    const first = talk.client.hear("One", { assistant_id: assistantId })
    const { threadId } = await first.created()
    expect((await talk.client.ask("Two", { thread_id: threadId })).status).toBe(409)
    await patch("queue")
    const second = talk.client.hear("Two", { thread_id: threadId })
    await second.created()
    talk.model.release()
    await Promise.all([first.all(), second.all()])
    expect(second.text).toBe("You said: Two")
  })

  it("holds for keys: one that was deactivated elsewhere begins no turn, though it was taken a moment ago", async () => {
    const organization = (await talk.client.get("/v1/organizations")).organizations[0].id
    const path = `/v1/organizations/${organization}/api-keys`
    const made = await other.call("POST", path, { body: { key_name: "Short-lived", scopes: ["chat"] } })
    const ask = () =>
      talk.client.call("POST", "/v1/model/response", {
        body: { inputs: [{ role: "user", content: "Hi" }] },
        key: made.body.key,
      })
    expect((await ask()).status).toBe(200)
    const threads = async (): Promise<number> => (await talk.client.get("/v1/threads?limit=1&include_total=true")).total
    const before = await threads()
    await other.call("POST", `${path}/${made.body.id}/deactivate`)
    const { status, body } = await ask()
    expect([status, body.error.code]).toEqual([401, "API_KEY_DEACTIVATED"])
    expect(await threads()).toBe(before)
  })
})

describe("another organization", () => {
  const stranger = "brv_key_of_another_organization"
  beforeAll(async () => {
    const [organization, user] = [uuidOf(systemIds.next("organization")), uuidOf(systemIds.next("user"))]
    const at = new Date()
    await talk.sql.rows({
      text: "INSERT INTO organizations (id, name, owner_id, created_at, updated_at) VALUES ($1, 'Other', $2, $3, $3)",
      values: [organization, user, at],
    })
    await talk.sql.rows({
      text: "INSERT INTO users (id, organization_id, name, email, created_at) VALUES ($1, $2, 'Otto', 'otto@example.com', $3)",
      values: [user, organization, at],
    })
    const { hash, prefix } = traceOf(stranger)
    await talk.sql.rows({
      text: `INSERT INTO api_keys (id, organization_id, user_id, hash, prefix, name, scopes, created_at)
             VALUES ($1, $2, $3, $4, $5, 'Other', '{*}', $6)`,
      values: [uuidOf(systemIds.next("apiKey")), organization, user, hash, prefix, at],
    })
  })

  it("finds nothing of ours: threads, assistants, workflows, responses and runs are 404, as if unknown", async () => {
    const { workflowId, assistantId } = await talk.client.promoted(single())
    talk.model.hold(1)
    const stream = talk.client.hear("Ours", { assistant_id: assistantId })
    const { threadId, responseId, runId } = await stream.created()
    const asks = async (method: string, path: string, body?: object): Promise<unknown> => {
      const answer = await talk.client.call(method, path, {
        key: stranger,
        ...(body === undefined ? {} : { body: body as never }),
      })
      return [answer.status, answer.body.error?.code]
    }
    const inputs = [{ role: "user", content: "Hi" }]
    expect(await asks("POST", "/v1/model/response", { inputs, thread_id: threadId })).toEqual([404, "THREAD_NOT_FOUND"])
    expect(await asks("POST", "/v1/model/response", { inputs, assistant_id: assistantId })).toEqual([
      404,
      "ASSISTANT_NOT_FOUND",
    ])
    expect(await asks("POST", `/v1/workflows/${workflowId}/execute`, {})).toEqual([404, "WORKFLOW_NOT_FOUND"])
    expect(await asks("GET", `/v1/model/response/${responseId}`)).toEqual([404, "RESPONSE_NOT_FOUND"])
    expect(await asks("GET", `/v1/model/response/${responseId}/events`)).toEqual([404, "RESPONSE_NOT_FOUND"])
    expect(await asks("POST", `/v1/model/response/${threadId}/cancel`)).toEqual([404, "THREAD_NOT_FOUND"])
    expect(await asks("GET", `/v1/runs/${runId}/events`)).toEqual([404, "RUN_NOT_FOUND"])
    expect(stream.end).toBeNull()
    talk.model.release()
    await stream.all()
    expect(stream.text).toBe("You said: Ours")
  })

  it("has its own keys of idempotency and its own failures, also for the very same request", async () => {
    const body = { inputs: [{ role: "user", content: "The same words" }] }
    const headers = { "idempotency-key": "shared by chance" }
    const ours = await talk.client.call("POST", "/v1/model/response", { body, headers })
    const theirs = await talk.client.call("POST", "/v1/model/response", { body, headers, key: stranger })
    expect([ours.status, theirs.status, theirs.headers.get("idempotent-replayed")]).toEqual([200, 200, null])
    expect(theirs.body.thread_id).not.toBe(ours.body.thread_id)
    talk.model.script([{ status: 500 }])
    const failing = { inputs: [{ role: "user", content: "Fails once" }] }
    expect((await talk.client.call("POST", "/v1/model/response", { body: failing })).status).toBe(502)
    const fine = await talk.client.call("POST", "/v1/model/response", { body: failing, key: stranger })
    const again = await talk.client.call("POST", "/v1/model/response", { body: failing })
    expect([fine.status, again.status]).toEqual([200, 200])
    expect((await talk.client.call("GET", `/v1/threads/${fine.body.thread_id}`)).status).toBe(404)
    expect(await talk.client.messages(again.body.thread_id)).toHaveLength(2)
  })

  it("cannot have our assistants called by its nodes", async () => {
    const { assistantId } = await talk.client.promoted(single())
    const definition = workflow(
      [node("Start", "n8n-nodes-base.manualTrigger"), node("Ask", "Assistant", { assistant_id: assistantId })],
      [["Start", "Ask"]],
    )
    const made = await talk.client.call("POST", "/v1/workflows", {
      body: { name: "Theirs", definition },
      key: stranger,
    })
    const run = await talk.client.call("POST", `/v1/workflows/${made.body.id}/execute`, { body: {}, key: stranger })
    expect([run.status, run.body.error.details.cause_code]).toEqual([422, "ASSISTANT_NOT_CALLABLE"])
    expect(await until(() => talk.model.calls === 0 && "none", "no call")).toBe("none")
  })
})
