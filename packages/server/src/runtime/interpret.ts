/**
 * The loop: does what the planner commands, one thing at a time, until the run is over or no longer ours.
 *
 *        ┌──────────────────────────── take(event) ───────────────────────────┐
 *        v                                                                     │
 *     command ── start-node ──> node-started ────────────────────────────────>─┤
 *        ├────── run-node ────> pure: its outcome; effect: a performer's ────>─┤
 *        ├────── wait ────────> (pause) node-started of the next try ────────>─┤
 *        ├────── wait-run ────> what was brought to one of its pauses ────────>─┘
 *        │                  └─> nothing was: the rest is saved ──> at rest, nobody works on it
 *        ├────── complete, fail ──> the ending is saved ──> over
 *        └────── (thrown) ── cancelled, timed out, a bound passed ──> its ending is saved ──> over
 *                         └─ lost, handed over, start refused ──> silence; whoever claims the run goes on
 *
 * Invariants
 *   I1  Outcomes of pure nodes need no save of their own (E9): they go with the next effect or the end, or when they
 *       have become many or old.
 *   I2  A run that takes longer than a moment is in the store before that moment is over, so that a crash cannot lose
 *       what a client waits for.
 *   I3  The loop never holds up the process: it lets others work every few milliseconds.
 *   I4  A fault of ours ends the run with INTERNAL_ERROR and is logged once; it never leaves a run without an end.
 */
import { setImmediate, setTimeout } from "node:timers/promises"
import { evaluateNode } from "@brevet/core/graph/evaluate-node"
import type { ExecutionKey, Failure } from "@brevet/core/graph/events"
import type { Ending } from "./endings.ts"
import { cancellation, completion, failing } from "./endings.ts"
import { comeToRest, openPauses, sayInChat, takeUpNext } from "./pauses.ts"
import { perform, withFiles } from "./perform.ts"
import { RunBoundPassed, RunCancelled, RunHandedOver, RunTimedOut } from "./reasons.ts"
import { RunLost, type Segment, StartRefused } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** How long the loop may keep the process from other work. */
const sliceMs = 8
/** A run that is not over by then is in the store (I2). */
const unstartedMsMax = 50
/** How much of a run that is there already may wait to be saved, and for how long (I1). */
const unsavedCharsMax = 1024 * 1024
const unsavedMsMax = 1_000

/** Works on a run until it is over or gone. Throws StartRefused and SERVICE_UNAVAILABLE where it could not be started. */
export async function interpret(segment: Segment, workshop: Workshop): Promise<void> {
  const pace = { sliceBeganMs: performance.now(), savedMs: performance.now() }
  // Also while a node takes its time. What fails here fails again in the loop, or ends it by the segment's signal.
  const startTimer = globalThis.setTimeout(() => {
    if (!segment.isStarted) segment.save().catch(() => {})
  }, unstartedMsMax)
  try {
    while (segment.ended === null) {
      segment.signal.throwIfAborted()
      await step(segment, workshop)
      await keepPace(segment, pace)
    }
    segment.close(segment.state.end === null ? "gone" : "ended")
  } catch (error) {
    await breakOff(segment, workshop, error)
  } finally {
    clearTimeout(startTimer)
  }
}

async function step(segment: Segment, workshop: Workshop): Promise<void> {
  const { command } = segment
  const { clock } = workshop
  switch (command.type) {
    case "start-node":
      return start(segment, workshop, command)
    case "run-node":
      return run(segment, workshop, command)
    case "wait":
      await segment.save()
      await pause(segment, command.waitMs)
      return start(segment, workshop, command.then)
    case "wait-run":
      return takeUpNext(segment) ? undefined : comeToRest(segment, workshop)
    case "complete":
      return end(segment, workshop, (facts) => completion(segment.state, command, facts))
    case "fail":
      return end(segment, workshop, (facts) => failing(segment.state, command.failure, facts))
    case "none":
      throw new Error(`the planner has no command for run ${segment.runId} at ${clock.nowMs()}`)
  }
}

/** A pause between tries. Throws the reason of the segment's signal, whatever the timer says. */
async function pause({ signal }: Segment, waitMs: number): Promise<void> {
  await setTimeout(waitMs, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
}

function start(segment: Segment, { clock }: Workshop, key: ExecutionKey): void {
  const at = clock.nowMs()
  // Text of a try that failed or was cut off is not glued to that of the next.
  if (key.attempt > 1 && segment.state.shown !== "") {
    segment.take({ type: "content-reset", at, reason: "retry", attempt: key.attempt })
  }
  segment.take({ type: "node-started", at, node: key.node, iteration: key.iteration, attempt: key.attempt })
}

async function run(segment: Segment, workshop: Workshop, command: ExecutionKey): Promise<void> {
  const key: ExecutionKey = { node: command.node, iteration: command.iteration, attempt: command.attempt }
  const { graph, state, facts } = segment
  if (state.current === null) throw new Error("a node is to run and none is under way")
  const evaluated = evaluateNode({ graph, state, current: state.current, facts })
  const outcome =
    evaluated.type === "effect"
      ? await perform({ segment, workshop, key, effect: evaluated.effect, context: evaluated.context })
      : await withFiles({ segment, workshop }, evaluated)
  if (outcome.type === "paused") return openPauses(segment, workshop, { key, requests: outcome.requests })
  const at = workshop.clock.nowMs()
  if (outcome.type === "failed") {
    segment.take({ type: "node-failed", at, ...key, error: outcome.error, retryable: outcome.retryable })
  } else {
    if (outcome.says !== undefined) sayInChat(segment, outcome.says, { at, messageId: workshop.ids.next("message") })
    const { outputs, memory, answer } = outcome.result
    segment.take({
      type: "node-completed",
      at,
      ...key,
      outputs,
      ...(memory === undefined ? {} : { memory }),
      ...(answer === undefined ? {} : { answer }),
    })
    // Somebody waits for it, and nothing is given before it is saved; what ends the run is saved at once anyway.
    if (answer !== undefined && segment.command.type !== "complete") await segment.save()
  }
}

/** I1, I2, I3. */
async function keepPace(segment: Segment, pace: { sliceBeganMs: number; savedMs: number }): Promise<void> {
  if (segment.ended !== null) return
  const now = performance.now()
  const isLate = now - pace.savedMs > (segment.isStarted ? unsavedMsMax : unstartedMsMax)
  if (isLate || segment.unsavedChars > unsavedCharsMax) {
    await segment.save()
    pace.savedMs = performance.now()
  }
  if (now - pace.sliceBeganMs < sliceMs) return
  await setImmediate()
  pace.sliceBeganMs = performance.now()
}

type EndingFacts = Parameters<typeof failing>[2]

/** Takes and saves an ending. */
async function end(segment: Segment, workshop: Workshop, make: (facts: EndingFacts) => Ending): Promise<void> {
  segment.settleShown()
  const ending = make({
    runId: segment.runId,
    traceId: segment.traceId,
    atMs: workshop.clock.nowMs(),
    messageId: workshop.ids.next("message"),
    requestHash: segment.requestHash,
  })
  const told = ending.row.status === "failed" ? await noteFailure(segment, workshop) : null
  await segment.end(ending)
  told?.()
}

/** Keeps that the failure of a run starts another one. A run ends whether that can be kept or not. */
async function noteFailure(segment: Segment, workshop: Workshop): Promise<(() => void) | null> {
  const { runId, organizationId, graph, state } = segment
  try {
    return await workshop.errors.note({ runId, organizationId, graph, created: state.created })
  } catch (error) {
    workshop.log.error({ run_id: runId, err: error }, "error-run-not-noted")
    return null
  }
}

/**
 * What becomes of a run whose work was broken off by something thrown. Thrown on is what kept it from being started: then
 * nothing of it is in the store.
 */
async function breakOff(segment: Segment, workshop: Workshop, error: unknown): Promise<void> {
  // A start that is on its way decides whether there is a run to be ended.
  if (!segment.isStarted) await segment.whenIdle()
  if (error instanceof StartRefused || !(segment.isStarted || endsRun(error))) {
    segment.close("gone")
    throw error
  }
  if (error instanceof RunLost || error instanceof RunHandedOver) {
    if (error instanceof RunHandedOver) await segment.save().catch(() => {})
    segment.close("gone")
    return
  }
  try {
    if (error instanceof RunCancelled) {
      await end(segment, workshop, (facts) => cancellation(segment.state, error.cancelCause, facts))
    } else {
      const failure = failureOf(segment, workshop, error)
      await end(segment, workshop, (facts) => failing(segment.state, failure, facts))
    }
    segment.close("ended")
  } catch (second) {
    segment.close("gone")
    if (!segment.isStarted) throw second
    if (!(second instanceof RunLost)) {
      workshop.log.error({ run_id: segment.runId, err: second }, "run-end-failed")
    }
  }
}

/** Reasons for which a run ends, whether it is in the store already or not. */
function endsRun(error: unknown): boolean {
  return error instanceof RunCancelled || error instanceof RunTimedOut || error instanceof RunBoundPassed
}

function failureOf(segment: Segment, workshop: Workshop, error: unknown): Failure {
  if (error instanceof RunBoundPassed) return error.failure
  if (error instanceof RunTimedOut) {
    const message = `A run may work for at most ${workshop.bounds.workMsMax / 1_000} seconds.`
    return { code: "RUN_TIMEOUT", message, ...nodeUnderWay(segment) }
  }
  workshop.log.error({ run_id: segment.runId, trace_id: segment.traceId, err: error }, "run-broken")
  const message = `A fault of the server ended this run; its log has the trace id ${segment.traceId}.`
  return { code: "INTERNAL_ERROR", message, ...nodeUnderWay(segment) }
}

function nodeUnderWay({ state, graph }: Segment): { node?: string } {
  const node = state.current === null ? undefined : graph.nodes[state.current.node]
  return node === undefined ? {} : { node: node.name }
}
