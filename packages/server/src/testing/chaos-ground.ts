/**
 * The ground of the chaos test: a Postgres of its own that can be killed, a server in a process that can be killed, a wire
 * between the two that counts what passes, and dozens of turns and background runs at once.
 *
 *     seed ──> where it strikes: which append or statement, before it arrives or before its answer does
 *          └─> what it strikes: the process, Postgres, both
 *
 * A seed gives the same strike again; what is under way at that moment depends on the machine.
 */
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { JsonObject } from "@brevet/core/json"
import { startEmbeddedPostgres } from "../adapters/postgres-embedded/embedded-postgres.ts"
import { findServer } from "../adapters/postgres-embedded/pid-file.ts"
import { clusterOf, makeLog } from "./embedded-postgres.ts"
import { PatientClient, type PatientOutcome } from "./patient-client.ts"
import { type SpawnedServer, spawnTestServer } from "./server.ts"
import { type StoreProxy, startStoreProxy } from "./store-proxy.ts"
import { node, workflow } from "./talk.ts"

/** What is struck, where. `count` from 1, over appends alone or all statements; `before`: what is struck at never arrives. */
export type Strike = {
  readonly kills: "process" | "postgres" | "both"
  readonly at: "append" | "statement"
  readonly when: "before" | "after"
  readonly count: number
}

/** The strike of a seed (a whole number). */
export function strikeOf(seed: number): Strike {
  const next = randomOf(seed)
  const pick = <Value>(values: readonly [Value, ...Value[]]): Value =>
    values[Math.floor(next() * values.length)] ?? values[0]
  const at = pick(["append", "append", "statement"] as const)
  return {
    kills: pick(["process", "postgres", "both"] as const),
    at,
    when: pick(["before", "after"] as const),
    count: 1 + Math.floor(next() * (at === "append" ? 60 : 150)),
  }
}

/** A turn of a conversation, and what became of it. */
export type ChaosTurn = { readonly text: string; readonly reply: string; readonly outcome: PatientOutcome }

/** What a round did and found: at least one batch of turns and runs, and as many as it took until the strike. */
export type ChaosRound = {
  /** The turns of each conversation, in order. */
  readonly conversations: readonly (readonly ChaosTurn[])[]
  /** The background runs, as the API shows them at the end. */
  readonly executions: readonly { readonly name: string; readonly run: JsonObject }[]
  /** What the model was asked. */
  readonly prompts: readonly string[]
  readonly faults: readonly string[]
}

/** The ground. */
export type ChaosGround = {
  readonly client: PatientClient
  play(strike: Strike, size: { readonly conversations: number; readonly executions: number }): Promise<ChaosRound>
  /** What the server has logged, to be shown where a round fails. */
  log(): string
  close(): Promise<void>
}

/** The steps of a background run, as its definition loops over them. */
export const chaosSteps = ["a", "b", "c"]

/**
 * Prompts name what they are for, so that they can be counted.
 *
 *     chat:        First ──> Second                        each asks the model
 *     background:  Start ──> Split ──> Loop ──> Step ─┐    once for each step
 *                                      ^ └────────────┘
 *                                      └ done ──> Left, Right ──> Join
 */
const chain = workflow(
  [
    node("First", "FreddyLLM", { prompt: "=First of {{ $json.chatInput }}" }),
    node("Second", "FreddyLLM", { prompt: "=Second of {{ $('First').item.json.text }}" }),
  ],
  [["First", "Second"]],
)
const name = "{{ $('Start').first().json.name }}"
const background = workflow(
  [
    node("Start", "n8n-nodes-base.manualTrigger"),
    node("Split", "n8n-nodes-base.splitOut", { fieldToSplitOut: "steps" }),
    { ...node("Loop", "n8n-nodes-base.splitInBatches", { batchSize: 1 }), typeVersion: 3 },
    node("Step", "FreddyLLM", { prompt: `=Step {{ $json.steps }} of ${name}.` }),
    { ...node("Left", "FreddyLLM", { prompt: `=Left of ${name}.` }), executeOnce: true },
    { ...node("Right", "FreddyLLM", { prompt: `=Right of ${name}.` }), executeOnce: true },
    { ...node("Join", "n8n-nodes-base.merge"), typeVersion: 3 },
  ],
  [
    ["Start", "Split"],
    ["Split", "Loop"],
    ["Loop", "Step", 1],
    ["Step", "Loop"],
    ["Loop", "Left", 0],
    ["Loop", "Right", 0],
    ["Left", "Join", 0, 0],
    ["Right", "Join", 0, 1],
  ],
)

/** Makes the ground. */
export async function makeChaosGround(): Promise<ChaosGround> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "brevet-chaos-")))
  await chmod(folder, 0o711)
  const data = join(folder, "data")
  const postgres = await startEmbeddedPostgres({ dataDirectory: data, log: makeLog() })
  const proxy = await startStoreProxy(postgres.connectionString)
  const server = await spawnTestServer({ DATABASE_URL: proxy.connectionString })
  server.model.answerWith(({ messages }) => ({ text: `You said: ${messages.at(-1)?.content}`, chunkDelayMs: 4 }))
  const create = async (title: string, definition: JsonObject): Promise<string> =>
    String((await server.client.call("POST", "/v1/workflows", { body: { name: title, definition } })).body.id)
  const [chat, workflowId] = [await create("Chain", chain), await create("Background", background)]
  const body = { primary_node_id: "second" }
  const promoted = await server.client.call("POST", `/v1/workflows/${chat}/promote-to-assistant`, { body })
  const assistantId = String(promoted.body.assistant_id)
  const parts: Parts = { server, proxy, data, workflowId, assistantId, rounds: { count: 0 } }
  return {
    client: new PatientClient([server.client]),
    play: (strike, size) => play(parts, strike, size),
    log: () => server.log(),
    async close() {
      await server.close()
      await proxy.close()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Parts = {
  readonly server: SpawnedServer
  readonly proxy: StoreProxy
  readonly data: string
  readonly workflowId: string
  readonly assistantId: string
  readonly rounds: { count: number }
}

async function play(
  parts: Parts,
  strike: Strike,
  size: { readonly conversations: number; readonly executions: number },
): Promise<ChaosRound> {
  const { server, proxy, rounds } = parts
  rounds.count += 1
  const round = rounds.count
  const from = server.model.requests.length
  const client = new PatientClient([server.client])
  const found = await findServer(clusterOf(parts.data))
  const struck = { mending: null as Promise<void> | null }
  armTap(proxy, strike, () => {
    if (strike.kills !== "process" && found.state === "running") process.kill(found.pidFile.pid, "SIGKILL")
    if (strike.kills === "postgres") struck.mending = Promise.resolve()
    else struck.mending = server.kill().then(() => comeBack(server))
  })
  const conversations: ChaosTurn[][] = []
  const executions: { readonly name: string; readonly run: JsonObject }[] = []
  for (let batch = 0; batch === 0 || struck.mending === null; batch += 1) {
    const names = (count: number, what: string) =>
      Array.from({ length: count }, (_, place) => `${what} ${round}.${batch}.${place}`)
    const work = async (task: string): Promise<void> => {
      const run = await client.execution(task, parts.workflowId, { name: task, steps: chaosSteps })
      executions.push({ name: task, run })
    }
    const talks = names(size.conversations, "talk").map((talk, place) => converse(client, parts, { talk, place }))
    const works = names(size.executions, "work").map(work)
    conversations.push(...(await Promise.all(talks)))
    await Promise.all(works)
  }
  proxy.tap(null)
  await struck.mending
  const prompts = server.model.requests.slice(from).map(({ messages }) => String(messages.at(-1)?.content))
  return { conversations, executions, prompts, faults: client.faults }
}

/** Three turns of one conversation, one after the other; every other one is a stream. */
async function converse(
  client: PatientClient,
  { assistantId }: Parts,
  { talk, place }: { readonly talk: string; readonly place: number },
): Promise<ChaosTurn[]> {
  const turns: ChaosTurn[] = []
  let threadId: string | null = null
  for (let turn = 0; turn < 3; turn += 1) {
    const text = `${talk} turn ${turn}`
    const isChain = place % 2 === 0
    const reply = isChain ? `You said: Second of You said: First of ${text}` : `You said: ${text}`
    const outcome = await client.turn(text, text, {
      stream: (place + turn) % 3 !== 0,
      ...(threadId !== null ? { thread_id: threadId } : isChain ? { assistant_id: assistantId } : {}),
    })
    turns.push({ text, reply, outcome })
    if (outcome.status === "answered") threadId = outcome.threadId
  }
  return turns
}

/** Strikes once, where the strike says. */
function armTap(proxy: StoreProxy, strike: Strike, kill: () => void): void {
  let count = 0
  let answerOf: number | null = null
  let isOver = false
  const end = (): false => {
    isOver = true
    kill()
    return false
  }
  proxy.tap({
    request(piece, wire) {
      if (isOver || (strike.at === "append" && !piece.includes("\0group "))) return true
      count += 1
      if (count < strike.count || answerOf !== null) return true
      if (strike.when === "before") return end()
      answerOf = wire
      return true
    },
    answer: (_piece, wire) => (isOver || wire !== answerOf ? true : end()),
  })
}

/** Starts the process again, as whoever looks after it does: again and again while its database is not there. */
async function comeBack(server: SpawnedServer): Promise<void> {
  for (;;) {
    try {
      await server.restart()
      return
    } catch (error) {
      if (!String(error).includes("DATABASE_URL")) throw error
    }
  }
}

/** Numbers from 0 to below 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
