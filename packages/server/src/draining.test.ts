/** Servers that are told to end while others go on: signals once and twice, and a rolling restart under load (`runs` §3). */
import { afterEach, describe, expect, it } from "vitest"
import { PatientClient, type PatientOutcome } from "./testing/patient-client.ts"
import { type SpawnedServer, spawnTestServer } from "./testing/server.ts"
import { ContractClient, until } from "./testing/talk.ts"

let server: SpawnedServer | null = null
afterEach(async () => {
  server?.model.release()
  await server?.close()
  server = null
})

describe("a second signal", { timeout: 300_000 }, () => {
  it("ends a server that drains at once; what it left is gone on with by the next one", async () => {
    server = await spawnTestServer({ BREVET_DRAIN_SECONDS: "600" })
    const { model } = server
    const client = new ContractClient(server.client.url)
    for (const [first, second] of [
      ["SIGTERM", "SIGTERM"],
      ["SIGINT", "SIGINT"],
      ["SIGTERM", "SIGINT"],
    ] as const) {
      model.hold(1)
      const stream = client.hear("Go on")
      await stream.frame("response.content_delta")
      const { responseId } = await stream.created()
      server.signal(first)
      const health = () => client.call("GET", "/v1/health/details", { key: null })
      await until(async () => (await health()).status === 503, "the server's word that it is draining")
      await server.kill(second)
      await stream.all()
      expect(stream.end).not.toBe("done")
      model.release()
      await server.restart()
      const rest = client.replay(responseId, `?starting_after=${stream.numbers.at(-1)}`)
      await rest.all()
      expect([rest.text, rest.end]).toEqual(["You said: Go on", "done"])
    }
  })
})

describe("two servers that are restarted one after the other under load", { timeout: 300_000 }, () => {
  it("fail no turn, lose and double no message, and refuse only with 503 and Retry-After", async () => {
    server = await spawnTestServer({ BREVET_DRAIN_SECONDS: "1" })
    const { model } = server
    const peer = await server.beside()
    // Some turns are over in time, others are handed over.
    model.answerWith(({ messages }) => {
      const said = String(messages.at(-1)?.content)
      return { text: `You said: ${said}`, chunkDelayMs: said.endsWith("0") ? 500 : 20 }
    })
    const client = new PatientClient([server.client, peer.client])
    const outcomes: { readonly text: string; readonly outcome: PatientOutcome }[] = []
    const loading = { isOver: false }
    const talk = async (person: number): Promise<void> => {
      let threadId: string | null = null
      for (let turn = 0; !loading.isOver; turn += 1) {
        const text = `person ${person} turn ${turn}`
        const fields = { stream: (person + turn) % 2 === 0, ...(threadId === null ? {} : { thread_id: threadId }) }
        const outcome = await client.turn(`key ${text}`, text, fields)
        outcomes.push({ text, outcome })
        if (outcome.status === "answered") threadId = outcome.threadId
      }
    }
    const people = Promise.all([0, 1, 2, 3, 4, 5].map(talk))
    for (const each of [server, peer]) {
      const before = outcomes.length
      await until(() => outcomes.length > before + 20, "turns before the restart")
      await each.kill("SIGTERM")
      await each.restart()
    }
    loading.isOver = true
    await people
    for (const { text, outcome } of outcomes) {
      expect(outcome).toMatchObject({ status: "answered", text: `You said: ${text}` })
    }
    expect(client.faults).toEqual([])
    const threads = new Map<string, string[]>()
    for (const { text, outcome } of outcomes) {
      if (outcome.status === "answered") threads.set(outcome.threadId, [...(threads.get(outcome.threadId) ?? []), text])
    }
    const reading = new ContractClient(server.client.url)
    for (const [threadId, texts] of threads) {
      const said = texts.flatMap((text) => [`user: ${text}`, `assistant: You said: ${text}`])
      const kept = await client.get(`/v1/threads/${threadId}/messages?limit=100&order=asc`)
      const shown = kept.data.map(({ role, content }: { role: string; content: string }) => `${role}: ${content}`)
      expect(shown).toEqual(said.slice(0, 100))
    }
    expect((await reading.get("/v1/runs?status=running")).total).toBe(0)
  })
})
