// @ts-check
/**
 * A thread of the sandbox: one engine, one run at a time. Plain JavaScript, since threads get no loader in development and
 * tests, and nothing but what Node and the library bring.
 *
 *     boot ──> ready ──> run ──(question ──> waits for the answer)──> done ──> reset ──> run …
 *
 * While a run asks something the whole thread waits: the guest knows no other way to get an answer.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { compileEngine, makeEngine } from "./engine.mjs"
import { inspectReport } from "./report.mjs"

/** Places in `control`, as in messages.ts. */
const answered = 0
const stopped = 1

/** Lines of the console that are kept of a run, and their characters together. */
const linesMax = 500
const lineCharsMax = 64 * 1_024
/** Characters of a question. Names of nodes are shorter. */
const questionCharsMax = 10_000

/** @typedef {import("./messages.ts").RunMessage} RunMessage */
/** @typedef {import("@brevet/core/graph/code/outcome").ConsoleLine} ConsoleLine */

const { shared, control, answers } = /** @type {import("./messages.ts").ThreadData} */ (workerData)
const module = shared?.module ?? compileEngine()
const engine = await makeEngine({ module, snapshot: shared?.snapshot ?? null })

parentPort?.on("message", (/** @type {RunMessage} */ message) => {
  const { id, bounds, text, nowMs, timeZone } = message
  const lines = makeLines()
  const deadlineMs = performance.now() + bounds.timeMs
  const isStopped = () => Atomics.load(control, stopped) === id
  const outcome = engine.run({
    text,
    nowMs,
    timeZone,
    bounds,
    ask: (question) => ask(question, { id, deadlineMs }),
    log: lines.add,
    isStopped,
  })
  const shown = outcome.type === "report" ? inspectReport(outcome.text, bounds.outputChars) : outcome
  const { isFit } = engine
  tell({ type: "done", id, outcome: shown, console: lines.kept, isFit })
  if (isFit) engine.reset()
})

tell({ type: "ready", shared: { module, snapshot: engine.snapshot } })

/** @param {import("./messages.ts").ThreadMessage} message */
function tell(message) {
  parentPort?.postMessage(message)
}

/**
 * Asks the server, and waits for its answer.
 *
 * @param {string} question
 * @param {{ id: number, deadlineMs: number }} run
 */
function ask(question, { id, deadlineMs }) {
  if (question.length > questionCharsMax) return refused("The name that the code gives is too long.")
  // The guest had no memory left to write it down.
  if (question === "") return refused("There is no memory left.")
  let seen = Atomics.load(control, answered)
  tell({ type: "question", id, text: question })
  for (;;) {
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0 || Atomics.load(control, stopped) === id) return refused("The run is over.")
    Atomics.wait(control, answered, seen, leftMs)
    seen = Atomics.load(control, answered)
    for (let got = receiveMessageOnPort(answers); got !== undefined; got = receiveMessageOnPort(answers)) {
      // What an earlier run asked and did not wait for is not ours.
      if (got.message.id === id) return got.message.text
    }
  }
}

/** @param {string} sentence */
function refused(sentence) {
  return JSON.stringify({ refused: sentence })
}

/** @type {readonly ConsoleLine["level"][]} */
const levels = ["debug", "log", "info", "warn", "error"]

/** The lines of a console, as far as they are kept. */
function makeLines() {
  /** @type {ConsoleLine[]} */
  const kept = []
  let charsLeft = lineCharsMax
  let isFull = false
  return {
    kept,
    add(/** @type {string} */ level, /** @type {string} */ text) {
      if (isFull) return
      isFull = kept.length >= linesMax || text.length > charsLeft
      charsLeft -= text.length
      if (isFull) kept.push({ level: "warn", text: "Further lines are not kept." })
      else kept.push({ level: levels.find((known) => known === level) ?? "log", text })
    },
  }
}
