/** A sandbox of a test file, and short ways to run code in it. */
import type { CodeAnswer } from "@brevet/core/graph/code/questions"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { pino } from "pino"
import { afterAll, beforeAll } from "vitest"
import { openSandbox } from "../adapters/sandbox/pool.ts"
import { type CodeOutcome, type CodeRequest, codeBounds, type Sandbox } from "../ports/sandbox.ts"

/** What a test says of a run beside its code. `items`: the json of each. */
export type SandboxRun = Partial<Omit<CodeRequest, "code" | "items" | "bounds">> & {
  readonly items?: readonly JsonObject[]
  readonly bounds?: Partial<CodeRequest["bounds"]>
  readonly signal?: AbortSignal
  answer?(question: unknown): CodeAnswer
}

/** The instant of every run, unless a test says another. */
const sandboxNowMs = Date.UTC(2024, 4, 1, 12, 30)

/** A request with the values that tests need not care about. */
export function codeRequest(code: string, run: SandboxRun = {}): CodeRequest {
  const { items = [{}], bounds, signal: _signal, answer: _answer, ...rest } = run
  return {
    code,
    mode: "all",
    keepsGoing: false,
    items: items.map((json, index) => ({ json, pairedItem: { item: index } })),
    variables: {},
    nowMs: sandboxNowMs,
    seed: 7,
    timeZone: "UTC",
    bounds: { ...codeBounds, ...bounds },
    ...rest,
  }
}

/** A sandbox as the tests of one file use it. */
export type TestSandbox = {
  readonly sandbox: Sandbox
  /** Everything that the sandbox has logged. */
  readonly lines: string[]
  run(code: string, run?: SandboxRun): Promise<CodeOutcome>
  /** The value that the code gives; throws where it fails. */
  value(code: string, run?: SandboxRun): Promise<JsonValue>
  /** The failure of the code; throws where it does not fail. */
  failure(code: string, run?: SandboxRun): Promise<Extract<CodeOutcome, { status: "failed" }>["failure"]>
}

/** One sandbox for the tests of a file. */
export function useSandbox(options: { readonly size?: number } = {}): TestSandbox {
  const lines: string[] = []
  let opened: Sandbox | null = null
  const sandbox = (): Sandbox => {
    if (opened === null) throw new Error("the sandbox is there while tests run")
    return opened
  }
  beforeAll(() => {
    opened = openSandbox({ log: pino({}, { write: (line: string) => void lines.push(line) }), ...options })
  })
  afterAll(() => opened?.close())
  const run = (code: string, given: SandboxRun = {}): Promise<CodeOutcome> => {
    const { signal = new AbortController().signal, answer = () => ({ refused: "Nothing is known here." }) } = given
    return sandbox().runCode(codeRequest(code, given), { signal, answer })
  }
  return {
    get sandbox() {
      return sandbox()
    },
    lines,
    run,
    async value(code, given) {
      const outcome = await run(code, given)
      const [result] = outcome.status === "completed" ? outcome.results : []
      if (result === undefined || result.type === "failed") throw new Error(JSON.stringify(outcome))
      return result.value
    },
    async failure(code, given) {
      const outcome = await run(code, given)
      if (outcome.status === "failed") return outcome.failure
      throw new Error(`the code did not fail: ${JSON.stringify(outcome).slice(0, 500)}`)
    },
  }
}
