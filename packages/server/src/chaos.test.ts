/**
 * Chaos: dozens of turns and background runs are under way when the process, Postgres or both are killed, at an append or
 * a statement that a seed picks. Afterwards nothing is lost, doubled, computed twice or left running (`runs` §3).
 *
 * `npm run chaos -- <rounds> <first seed>` plays many rounds; a failing round prints its seed, and is played again by
 * `npm run chaos -- 1 <seed>`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type ChaosGround,
  type ChaosRound,
  chaosSteps,
  makeChaosGround,
  type Strike,
  strikeOf,
} from "./testing/chaos-ground.ts"

const rounds = Number(process.env.CHAOS_ROUNDS ?? 3)
const firstSeed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000))

let ground: ChaosGround
beforeAll(async () => {
  ground = await makeChaosGround()
})
afterAll(() => ground?.close())

/** In a short test each of the three is killed once. */
const kinds = ["process", "postgres", "both"] as const
const strikes = Array.from({ length: rounds }, (_, index) => {
  const seed = firstSeed + index
  const strike = strikeOf(seed)
  return {
    seed,
    strike: process.env.CHAOS_ROUNDS === undefined ? { ...strike, kills: kinds[index % 3] ?? "both" } : strike,
  }
})

describe("whatever is killed, wherever", () => {
  it.each(strikes)(
    "seed $seed: $strike.kills, $strike.when $strike.at $strike.count",
    { timeout: 300_000 },
    async ({ seed, strike }) => {
      try {
        const round = await ground.play(strike, { conversations: 10, executions: 6 })
        expect(round.faults).toEqual([])
        await expectConversations(round)
        await expectExecutions(round, strike)
        await expectNothingRunning()
      } catch (error) {
        const log = ground.log().slice(-4_000)
        throw new Error(`chaos seed ${seed}: ${(error as Error).message}\nThe end of the server's log:\n${log}`, {
          cause: error,
        })
      }
    },
  )
})

/** Every turn has its answer, and every conversation has each message once, in order. */
async function expectConversations({ conversations }: ChaosRound): Promise<void> {
  for (const turns of conversations) {
    for (const { reply, outcome } of turns) expect(outcome).toMatchObject({ status: "answered", text: reply })
    const [first] = turns
    if (first?.outcome.status !== "answered") continue
    const { data } = await ground.client.get(`/v1/threads/${first.outcome.threadId}/messages?limit=100&order=asc`)
    const kept = data.map(({ role, content }: { role: string; content: string }) => `${role}: ${content}`)
    expect(kept).toEqual(turns.flatMap(({ text, reply }) => [`user: ${text}`, `assistant: ${reply}`]))
    for (const { outcome } of turns) if (outcome.status === "answered") await expectOnce(outcome.runId)
  }
}

/** Every background run has ended well, and its model was asked once for each step; once more only by a process that was killed. */
async function expectExecutions({ executions, prompts, conversations }: ChaosRound, { kills }: Strike): Promise<void> {
  const asked = new Map<string, number>()
  for (const prompt of prompts) asked.set(prompt, (asked.get(prompt) ?? 0) + 1)
  const most = kills === "postgres" ? 1 : 2
  for (const { name, run } of executions) {
    expect(run.status, JSON.stringify(run.error)).toBe("completed")
    await expectOnce(String(run.id))
    const steps = chaosSteps.map((step) => `Step ${step} of ${name}.`)
    const counts = [...steps, `Left of ${name}.`, `Right of ${name}.`].map((prompt) => asked.get(prompt) ?? 0)
    expect(Math.min(...counts), name).toBe(1)
    // One call of a run is under way at a time, so that at most one of them was cut off.
    expect(
      counts.reduce((sum, count) => sum + count, 0),
      name,
    ).toBeLessThan(counts.length + most)
  }
  for (const { text } of conversations.flat()) {
    // The first call of a turn may begin before the turn is stored; every later one is made by what is stored alone.
    expect(asked.get(`Second of You said: First of ${text}`) ?? 0, text).toBeLessThanOrEqual(most)
  }
}

/** No execution of a node is completed twice, and none begins again once it is. */
async function expectOnce(runId: string): Promise<void> {
  const { events } = await ground.client.get(`/v1/runs/${runId}/events?limit=100`)
  const completed = new Set<string>()
  let ends = 0
  for (const { event, node, iteration } of events) {
    const place = `${node} ${iteration}`
    if (event === "node-started") expect(completed, `${runId} ${place}`).not.toContain(place)
    if (event === "node-completed") {
      expect(completed, `${runId} ${place}`).not.toContain(place)
      completed.add(place)
    }
    if (/^run-(completed|failed|cancelled)$/.test(event)) ends += 1
  }
  expect([events[0]?.event, ends, completed.size > 0]).toEqual(["run-created", 1, true])
}

async function expectNothingRunning(): Promise<void> {
  for (const status of ["queued", "running", "waiting", "failed", "cancelled"]) {
    expect((await ground.client.get(`/v1/runs?status=${status}`)).total, status).toBe(0)
  }
}
