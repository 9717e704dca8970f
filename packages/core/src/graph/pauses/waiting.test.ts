import { describe, expect, it } from "vitest"
import { definitionOf } from "../../testing/definitions.ts"
import { createdEvent } from "../../testing/planned-run.ts"
import type { RunEvent } from "../events.ts"
import { advance, fold, initialState, type Plan, type Step } from "../plan.ts"
import { readDefinition } from "../read.ts"
import type { PauseTerms } from "./pause.ts"

const terms: PauseTerms = {
  place: "",
  kind: "question",
  audience: "chat",
  title: null,
  message: "?",
  schema: { type: "string" },
  choices: null,
  details: {},
}

/** A run that is driven by hand: each node gives one item, unless it is said to pause. */
class Driven {
  readonly plan: Plan
  readonly events: RunEvent[] = []
  readonly order: string[] = []
  step: Step
  #at = 10

  constructor(nodes: Record<string, object>, links: readonly string[]) {
    const { graph } = readDefinition(definitionOf(nodes as never, links))
    this.plan = { graph, limits: { executionsMax: 100, itemsMax: 100, loopsMax: 100 } }
    this.step = { state: initialState(graph), command: { type: "none" } }
    this.take(createdEvent(graph.nodes[0]?.name ?? ""))
    this.take({ type: "run-started", at: 2 })
  }

  take(event: RunEvent): void {
    this.events.push(event)
    const next = advance(this.plan, this.step.state, event)
    this.step = next.command.type === "none" && next.state.end === null ? { ...this.step, state: next.state } : next
  }

  /** Works until nothing can be done; nodes with these names pause instead of giving something. */
  work(pausing: readonly string[]): this {
    for (let { command } = this.step; ; command = this.step.command) {
      this.#at += 1
      if (command.type === "start-node") {
        this.order.push(command.node)
        const { node, iteration, attempt } = command
        this.take({ type: "node-started", at: this.#at, node, iteration, attempt })
      } else if (command.type === "run-node") {
        const { node, iteration, attempt } = command
        const key = { node, iteration, attempt }
        const isAnswered = (this.step.state.current?.pauses.length ?? 0) > 0
        if (pausing.includes(node) && !isAnswered) {
          const pauseId = `${node}${iteration}`
          this.take({ type: "pause-opened", at: this.#at, ...key, pauseId, terms, expiresAt: null })
        } else {
          this.take({ type: "node-completed", at: this.#at, ...key, outputs: [[{ json: { from: node } }]] })
        }
      } else return this
    }
  }

  answer(node: string, iteration = 0): this {
    this.order.push(`${node}!`)
    const key = { node, iteration, attempt: 1, pauseId: `${node}${iteration}` }
    this.take({ type: "pause-answered", at: this.#at, ...key, answer: "yes", by: "Ada" })
    return this
  }
}

const put = (x: number, y: number) => ({ type: "foreign", position: [x, y] })

describe("an execution that waits (P8)", () => {
  //          ┌─> Ask ──> After
  //   Start ─┤
  //          └─> Other
  it("stands aside: what is ready is done, then the run waits, then it goes on behind the answer", () => {
    const nodes = { Start: put(0, 0), Ask: put(1, 0), After: put(2, 0), Other: put(1, 100) }
    const run = new Driven(nodes, ["Start > Ask > After", "Start > Other"]).work(["Ask"])
    expect(run.order).toEqual(["Start", "Ask", "Other"])
    expect(run.step.command).toEqual({ type: "wait-run" })
    run.answer("Ask").work([])
    expect(run.order).toEqual(["Start", "Ask", "Other", "Ask!", "After"])
    expect(run.step.command).toMatchObject({ type: "complete", node: "After" })
  })

  //   Start ─┬─> Ask ───┐0
  //          └─> Other ─┴1─> Join ──> End
  it("keeps a node with several inputs waiting that it may still lead to, and no other", () => {
    const nodes = { Start: put(0, 0), Ask: put(1, 0), Other: put(1, 100), Join: put(2, 50), End: put(3, 50) }
    const links = ["Start > Ask > Join", "Start > Other > Join:1", "Join > End"]
    const run = new Driven(nodes, links).work(["Ask"])
    expect(run.order).toEqual(["Start", "Ask", "Other"])
    expect(run.step.command.type).toBe("wait-run")
    expect(run.answer("Ask").work([]).order.slice(3)).toEqual(["Ask!", "Join", "End"])
    // Another join, which the waiting node cannot reach, runs with what it has.
    const apart = { ...nodes, Half: put(2, 300), Tail: put(3, 300), Never: put(1, 400) }
    const second = new Driven(apart, [...links, "Start > Half", "Never > Half:1", "Half > Tail"]).work(["Ask"])
    expect(second.order).toEqual(["Start", "Ask", "Other", "Half", "Tail"])
    expect(second.step.command.type).toBe("wait-run")
  })

  //   Start ═ 0, 1 ═> Ask (twice)
  it("has an iteration of its own, whichever of several is answered first", () => {
    const nodes = { Start: put(0, 0), A: put(1, 0), B: put(1, 100), Ask: put(2, 50), End: put(3, 50) }
    const run = new Driven(nodes, ["Start > A > Ask", "Start > B > Ask", "Ask > End"]).work(["Ask"])
    expect(run.step.state.waiting.map(({ iteration }) => iteration)).toEqual([0, 1])
    run.answer("Ask", 1).work([])
    expect(run.step.command.type).toBe("wait-run")
    run.answer("Ask", 0).work([])
    expect(run.step.command).toMatchObject({ type: "complete" })
    const log = run.step.state.log.entries.slice(-4)
    expect(log.map(({ iteration, sources }) => [iteration, sources[0]?.iteration])).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
      [1, 0],
    ])
  })

  it("goes on only once each of its pauses has an outcome", () => {
    const run = new Driven({ Start: put(0, 0), Ask: put(1, 0) }, ["Start > Ask"]).work(["Ask"])
    const key = { node: "Ask", iteration: 0, attempt: 1 }
    run.take({ type: "pause-opened", at: 50, ...key, pauseId: "second", terms, expiresAt: 99 })
    run.answer("Ask")
    expect(run.step.command.type).toBe("wait-run")
    run.take({ type: "pause-expired", at: 99, ...key, pauseId: "second" })
    expect(run.step.command).toEqual({ type: "run-node", ...key })
    expect(run.step.state.current?.pauses.map(({ outcome }) => outcome?.type)).toEqual(["answered", "expired"])
  })

  it("takes nothing that does not fit: answers twice, of others, or while something is under way; and nothing at rest", () => {
    const run = new Driven({ Start: put(0, 0), Ask: put(1, 0), After: put(2, 0) }, ["Start > Ask > After"]).work([
      "Ask",
    ])
    const key = { node: "Ask", iteration: 0, attempt: 1, pauseId: "Ask0" }
    const answered: RunEvent = { type: "pause-answered", at: 60, ...key, answer: "no", by: "Bob" }
    const usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 }
    const { state } = run.step
    for (const event of [
      { ...answered, pauseId: "Ask1" },
      { ...answered, node: "After" },
      { ...answered, iteration: 1 },
      { type: "run-completed", at: 60, node: null, messageId: null, stopReason: "stop", usage } as const,
      { type: "run-resumed", at: 60, responseId: null, userMessageId: null } as const,
    ]) {
      expect(advance(run.plan, state, event).state, event.type).toBe(state)
    }
    run.take({ type: "run-waiting", at: 60, stopReason: "input_required", usage, messageId: null })
    const resting = run.step.state
    expect(advance(run.plan, resting, answered).state).toBe(resting)
    run.take({ type: "run-resumed", at: 70, responseId: null, userMessageId: null })
    expect(run.step.command.type).toBe("wait-run")
    expect(run.step.state.instantMs).toBe(70)
    run.take(answered)
    const taken = run.step.state
    expect(advance(run.plan, taken, answered).state).toBe(taken)
    // Any prefix folds to the same, logs apart.
    for (let count = 0; count <= run.events.length; count += 1) {
      const folded = fold(run.plan, run.events.slice(0, count))
      if (count === run.events.length) expect(folded.command).toEqual(run.step.command)
    }
  })
})
