// @ts-check
/**
 * One QuickJS in WebAssembly memory of a fixed size, as each run finds it: the memory that the guest left when it was loaded,
 * byte by byte.
 *
 *     boot ── guest loaded ──> snapshot          (another thread's snapshot is taken over instead of loading)
 *     run ──> reset: the snapshot over the memory, zeros over the rest ──> run ──> reset …
 *
 * Invariants
 *   Q1  Between two runs the memory is the snapshot and nothing else, so that no run can leave anything to the next.
 *   Q2  An engine whose memory has grown, or that was left in the middle of a call, is not used again.
 *   Q3  What the guest gets of the host is a handful of functions from text to text; they never throw.
 *   Q4  The clock, local time and random numbers are the run's, so that the same request gives the same outcome (E9).
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { newQuickJSWASMModuleFromVariant, newVariant, RELEASE_SYNC } from "quickjs-emscripten"
import { answerIntl } from "./intl-answers.mjs"
import { isZone, offsetsOf } from "./local-time.mjs"

/** Node has it, and its types have it only beside those of browsers. */
const { WebAssembly } = /** @type {any} */ (globalThis)

const pageBytes = 65_536
/** What the module declares as its least; a run that needs no more leaves no garbage behind. */
const initialPages = 256
/**
 * Twice the bound of code (64 MiB): beside what code holds there are the engine's stack and data, and texts on their way in
 * and out, which have to find room whatever the code does.
 */
const maximumPages = 2_048
/** A text on its way in may take this part of the memory that code may have: its values will need the rest. */
const textShare = 1 / 3
/**
 * The engine's own measure of its stack: about 3,000 calls of a small function. The thread has a stack of its own that is
 * large enough for this one in every case (`stackMegabytes` of thread.ts); the other way round, the thread would break.
 */
const stackBytes = 512 * 1_024
/** Jobs of the promise queue between two looks at the clock. */
const jobsAtATime = 500

/** @typedef {import("./messages.ts").Snapshot} Snapshot */
/** @typedef {import("quickjs-emscripten").QuickJSContext} Context */
/** @typedef {import("quickjs-emscripten").QuickJSHandle} Handle */
/** @typedef {{ readonly buffer: ArrayBuffer }} Memory */

/**
 * What a run is given. `text`: the request as the guest reads it.
 *
 * @typedef {object} EngineRun
 * @property {string} text
 * @property {number} nowMs
 * @property {string} timeZone
 * @property {{ readonly memoryBytes: number, readonly timeMs: number }} bounds
 * @property {(question: string) => string} ask
 * @property {(level: string, line: string) => void} log
 * @property {() => boolean} isStopped true once the run is to end
 */

/**
 * What came of it: the guest's report, or why there is none. `stuck`: everything is done, and the code still waits.
 *
 * @typedef {{ readonly type: "report", readonly text: string }
 *   | { readonly type: "time" | "memory" | "stuck" | "stopped" | "broken" }} EngineOutcome
 */

/** How texts are ordered where nothing else is said. */
const collator = new Intl.Collator("en-US")

/** What the clock of the run shows, and its local time. */
let nowMs = 0
let offsetAt = (/** @type {number} */ _atMs) => 0

/** Q4: the engine takes its time from the thread that it is in, so that this thread's clock becomes the run's. */
function takeOverClock() {
  const timeOf = Date.prototype.getTime
  Date.now = () => nowMs
  Date.prototype.getTimezoneOffset = function () {
    return Math.round(offsetAt(timeOf.call(this)))
  }
}

/** A QuickJS that is ready for its first run. */
class Engine {
  /** @type {Memory} */ #memory
  /** @type {Context} */ #context
  /** @type {Handle} */ #holder
  /** @type {Uint8Array} */ #image
  /** @type {EngineRun | null} */ #run = null
  /** @type {string | null} */ #report = null
  #zone = "UTC"
  #deadlineMs = 0
  #isOut = false
  #isBroken = false

  /**
   * @param {{ memory: Memory, context: Context }} made
   * @param {Snapshot | null} snapshot
   */
  constructor({ memory, context }, snapshot) {
    this.#memory = memory
    this.#context = context
    const { runtime } = context
    let isLoading = true
    runtime.setMaxStackSize(stackBytes)
    runtime.setInterruptHandler(() => this.#isOver())
    runtime.setModuleLoader(
      (name) => (isLoading ? readGuest(name) : { error: noModules() }),
      (_base, name) => (isLoading ? name : { error: noModules() }),
    )
    this.#holder = this.#makeHolder()
    const places = [context.global, context.undefined, context.null, context.true, context.false, this.#holder]
    const mark = places.map(({ value }) => Number(value)).join()
    if (snapshot === null || snapshot.mark !== mark) this.#image = this.#load()
    else {
      this.#image = new Uint8Array(snapshot.bytes)
      new Uint8Array(memory.buffer).set(this.#image)
    }
    isLoading = false
    this.mark = mark
  }

  /** The memory as every run finds it. @returns {Snapshot} */
  get snapshot() {
    if (this.#image.buffer instanceof SharedArrayBuffer) return { mark: this.mark, bytes: this.#image.buffer }
    const bytes = new SharedArrayBuffer(this.#image.length)
    new Uint8Array(bytes).set(this.#image)
    this.#image = new Uint8Array(bytes)
    return { mark: this.mark, bytes }
  }

  /** False once the engine may not be used again (Q2). */
  get isFit() {
    return !this.#isBroken && this.#memory.buffer.byteLength === initialPages * pageBytes
  }

  /**
   * Runs one request. To be followed by `reset`.
   *
   * @param {EngineRun} run
   * @returns {EngineOutcome}
   */
  run(run) {
    this.#begin(run)
    if (!this.#hasRoomFor(run.text)) return { type: "memory" }
    try {
      const context = this.#context
      const start = context.getProp(this.#holder, "start")
      const called = context.callFunction(start, context.undefined, context.newString(run.text))
      return this.#outcome(called.error !== undefined || this.#workOff())
    } catch (error) {
      // The thread's stack has ended before the engine's, or the engine has ended itself: it is in the middle of a call.
      if (!(error instanceof RangeError || error instanceof WebAssembly.RuntimeError)) throw error
      this.#isBroken = true
      return { type: "broken" }
    } finally {
      this.#run = null
    }
  }

  /** Makes the memory what it was before (Q1). */
  reset() {
    const bytes = new Uint8Array(this.#memory.buffer)
    bytes.set(this.#image)
    bytes.fill(0, this.#image.length)
  }

  /** @param {string} text */
  #hasRoomFor(text) {
    return Buffer.byteLength(text) <= (this.#run?.bounds.memoryBytes ?? 0) * textShare
  }

  /** @param {EngineRun} run */
  #begin(run) {
    this.#run = run
    this.#report = null
    this.#isOut = false
    this.#deadlineMs = performance.now() + run.bounds.timeMs
    this.#zone = isZone(run.timeZone) ? run.timeZone : "UTC"
    nowMs = run.nowMs
    offsetAt = offsetsOf(this.#zone)
    this.#context.runtime.setMemoryLimit(run.bounds.memoryBytes)
  }

  /** Works the promise queue off, until the guest has reported. True where something was thrown past all catching. */
  #workOff() {
    const { runtime } = this.#context
    let isThrown = false
    while (this.#report === null && runtime.hasPendingJob() && !this.#isOver()) {
      const done = runtime.executePendingJobs(jobsAtATime)
      if (done.error !== undefined) isThrown = true
    }
    return isThrown
  }

  /**
   * @param {boolean} isThrown
   * @returns {EngineOutcome}
   */
  #outcome(isThrown) {
    // There was no memory left to write the report down.
    if (this.#report === "") return { type: "memory" }
    if (this.#report !== null) return { type: "report", text: this.#report }
    if (this.#run?.isStopped()) return { type: "stopped" }
    if (this.#isOut) return { type: "time" }
    return { type: isThrown ? "memory" : "stuck" }
  }

  /** Whether the run has to end now; the engine asks this all the time. */
  #isOver() {
    const run = this.#run
    if (run === null) return false
    if (performance.now() > this.#deadlineMs) this.#isOut = true
    return this.#isOut || run.isStopped()
  }

  /** Q3: what the guest is given. */
  #makeHolder() {
    const context = this.#context
    const holder = context.newObject()
    /** @type {Record<string, (...texts: string[]) => string>} */
    const functions = {
      ask: (question = "") => {
        const answer = this.#run?.ask(question) ?? "{}"
        return this.#hasRoomFor(answer) ? answer : '{"refused":"The data is too large for code."}'
      },
      compare: (left = "", right = "") => String(collator.compare(left, right)),
      intl: (question = "") => answerIntl(question, this.#zone),
      isMemoryFull: () => (this.#isMemoryFull() ? "yes" : "no"),
      log: (level = "", line = "") => {
        this.#run?.log(level, line)
        return ""
      },
      offset: (zone = "", atMs = "") => String(isZone(zone) ? -offsetsOf(zone)(Number(atMs)) : Number.NaN),
      report: (text = "") => {
        this.#report ??= text
        return ""
      },
    }
    for (const [name, work] of Object.entries(functions)) {
      const made = context.newFunction(name, (...given) =>
        context.newString(work(...given.map((handle) => context.getString(handle)))),
      )
      context.setProp(holder, name, made)
    }
    context.setProp(context.global, "brevetHost", holder)
    return holder
  }

  #isMemoryFull() {
    const bytes = this.#run?.bounds.memoryBytes ?? 0
    return this.#memory.buffer.byteLength > Math.max(initialPages * pageBytes, bytes * 0.8)
  }

  /** Loads the guest, and gives the memory as it then is, without the zeros at its end. */
  #load() {
    const context = this.#context
    context.unwrapResult(context.evalCode(readGuest("jmespath"), "jmespath.js", { type: "global" })).dispose()
    context.unwrapResult(context.evalCode(readGuest("./main.mjs"), "./main.mjs", { type: "module" })).dispose()
    context.runtime.executePendingJobs()
    const bytes = new Uint8Array(this.#memory.buffer)
    let end = bytes.length
    while (end > 0 && bytes[end - 1] === 0) end -= 1
    return bytes.slice(0, end)
  }
}

/**
 * Makes an engine, in a thread that does nothing else. `snapshot` is that of another thread, where there is one.
 *
 * @param {{ module: import("./messages.ts").CompiledModule, snapshot: Snapshot | null }} options
 */
export async function makeEngine({ module, snapshot }) {
  takeOverClock()
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages })
  /** @type {object} */
  const silent = { print() {}, printErr() {} }
  const variant = newVariant(RELEASE_SYNC, { wasmModule: module, wasmMemory: memory, emscriptenModule: silent })
  const quickJs = await newQuickJSWASMModuleFromVariant(variant)
  const context = quickJs.newRuntime().newContext()
  return new Engine({ memory, context }, snapshot)
}

const here = createRequire(import.meta.url)

/**
 * Compiles the engine; takes a moment, so that one thread does it for all.
 *
 * @returns {import("./messages.ts").CompiledModule}
 */
export function compileEngine() {
  const besideLibrary = createRequire(here.resolve("quickjs-emscripten"))
  return new WebAssembly.Module(readFileSync(besideLibrary.resolve("@jitl/quickjs-wasmfile-release-sync/wasm")))
}

/**
 * The source of a part of the guest: its own files, and the two libraries that code finds there.
 *
 * @param {string} name
 */
function readGuest(name) {
  if (name === "jmespath") return readFileSync(here.resolve("jmespath"), "utf8")
  if (name === "luxon")
    return readFileSync(new URL("../es6/luxon.mjs", new URL(`file://${here.resolve("luxon")}`)), "utf8")
  return readFileSync(new URL(`./guest/${name}`, import.meta.url), "utf8")
}

function noModules() {
  return new Error("Modules cannot be imported: code has none here, the modules of a workflow are its nodes")
}
