/** Threads of the sandbox: when they start, who gets one, what ends them, and what becomes of those who wait. */
import { setTimeout as sleep } from "node:timers/promises"
import type { JsonValue } from "@brevet/core/json"
import { pino } from "pino"
import { afterEach, describe, expect, it } from "vitest"
import type { CodeOutcome, Sandbox } from "../../ports/sandbox.ts"
import { codeRequest, type SandboxRun } from "../../testing/sandbox.ts"
import { openSandbox } from "./pool.ts"

const opened: Sandbox[] = []
const lines: string[] = []

function open(size?: number): Sandbox {
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const sandbox = openSandbox({ log, ...(size === undefined ? {} : { size }) })
  opened.push(sandbox)
  return sandbox
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((sandbox) => sandbox.close()))
  expect(lines).toEqual([])
})

function run(sandbox: Sandbox, code: string, given: SandboxRun = {}): Promise<CodeOutcome> {
  const { signal = new AbortController().signal, answer = () => ({ refused: "Nothing is known here." }) } = given
  return sandbox.runCode(codeRequest(code, given), { signal, answer })
}

function given(outcome: CodeOutcome): JsonValue {
  const [result] = outcome.status === "completed" ? outcome.results : []
  if (result === undefined || result.type === "failed") throw new Error(JSON.stringify(outcome))
  return result.value
}

/** Threads of this process beside its own: each has a port to it. */
const threadCount = (): number => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length

/** A promise that is settled when code asks its first question, which is never answered before `answer` is called. */
function firstQuestion() {
  let tell = (): void => {}
  const asked = new Promise<void>((resolve) => {
    tell = resolve
  })
  return { asked, tell }
}

describe("a sandbox", () => {
  it("starts no thread before it is asked for something, and none more than it may have", async () => {
    const before = threadCount()
    const sandbox = open(2)
    expect(threadCount()).toBe(before)
    await run(sandbox, "return {}")
    const one = threadCount() - before
    expect(one).toBeGreaterThan(0)
    await Promise.all(Array.from({ length: 12 }, () => run(sandbox, "return {}")))
    expect(threadCount() - before).toBeLessThanOrEqual(one * 2)
    await sandbox.close()
    await expect.poll(threadCount).toBe(before)
  })

  it("serves fifty at a time, each with its own data, time and console", async () => {
    const sandbox = open(2)
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        run(
          sandbox,
          "console.log('run', $json.index); await null; return { n: $json.index, now: Date.now(), r: Math.random() }",
          {
            items: [{ index }],
            nowMs: index * 1_000,
            seed: index % 2,
          },
        ),
      ),
    )
    const randoms = new Set<unknown>()
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome.console).toEqual([{ level: "log", text: `run ${index}` }])
      const value = given(outcome) as { n: number; now: number; r: number }
      expect([value.n, value.now]).toEqual([index, index * 1_000])
      randoms.add(value.r)
    }
    expect(randoms.size).toBe(2)
  })

  it("gives the same outcome on every thread, on a new one as on one that has done much", async () => {
    const sandbox = open(2)
    const code =
      "return { r: Math.random(), names: Object.getOwnPropertyNames(globalThis).length, d: $now.toISO(), t: typeof globalThis.kept }"
    const spoil = "globalThis.kept = 1; Math.random = null; for (let i = 0; i < 1e4; i++) ({}); return {}"
    const outcomes = new Set<string>()
    for (let round = 0; round < 5; round += 1) {
      const [one, two] = await Promise.all([
        run(sandbox, code),
        run(sandbox, code),
        run(sandbox, spoil),
        run(sandbox, spoil),
      ])
      outcomes.add(JSON.stringify(given(one))).add(JSON.stringify(given(two)))
    }
    expect(outcomes.size).toBe(1)
  })

  it("holds nobody up for one that is endless, while another thread is free", async () => {
    const sandbox = open(2)
    const endless = run(sandbox, "for (;;) ;", { bounds: { timeMs: 1_500 } })
    for (let round = 0; round < 20; round += 1) expect(given(await run(sandbox, "return { a: 1 }"))).toEqual({ a: 1 })
    expect(await endless).toMatchObject({ status: "failed", failure: { code: "CODE_LIMIT" } })
  })

  it("ends a thread that does not react, and goes on with another one", async () => {
    const sandbox = open(1)
    const deaf = run(sandbox, "new Array(2 ** 32 - 1).sort()", { bounds: { timeMs: 50 } })
    const behind = run(sandbox, "return { after: 1 }")
    expect(await deaf).toMatchObject({ status: "failed", failure: { code: "CODE_LIMIT" }, console: [] })
    expect(given(await behind)).toEqual({ after: 1 })
  })

  it("replaces a thread whose memory has grown, so that nobody pays for it later", async () => {
    const sandbox = open(1)
    for (let round = 0; round < 3; round += 1) {
      expect(given(await run(sandbox, "return { n: new Uint8Array(4e7).length }"))).toEqual({ n: 4e7 })
      expect(given(await run(sandbox, "return { a: 1 }"))).toEqual({ a: 1 })
    }
  })

  it("keeps to the bounds of each request", async () => {
    const sandbox = open(1)
    const code = "return { n: new Uint8Array(1e7).length }"
    expect(given(await run(sandbox, code))).toEqual({ n: 1e7 })
    expect(await run(sandbox, code, { bounds: { memoryBytes: 8 * 1024 * 1024 } })).toMatchObject({
      failure: { code: "CODE_LIMIT" },
    })
    expect(await run(sandbox, "return { a: 'x'.repeat(100) }", { bounds: { outputChars: 50 } })).toMatchObject({
      failure: { code: "CODE_LIMIT" },
    })
    expect(await run(sandbox, "return {}", { items: [{ a: "é".repeat(12_000_000) }] })).toMatchObject({
      status: "failed",
      failure: { code: "CODE_LIMIT" },
    })
    expect(given(await run(sandbox, code))).toEqual({ n: 1e7 })
  })
})

describe("an answer", () => {
  it("comes to the run that asked, whatever other runs ask meanwhile", async () => {
    const sandbox = open(2)
    const code = "let all = []; for (let i = 0; i < 20; i++) all.push($('N').all(0, i)[0]); return { all }"
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        run(sandbox, code, {
          answer(question) {
            const { ask, run: which } = question as { ask: string; run?: number }
            return { value: ask === "node" ? {} : [`${index}:${which}`] }
          },
        }),
      ),
    )
    for (const [index, outcome] of outcomes.entries()) {
      expect(given(outcome)).toEqual({ all: Array.from({ length: 20 }, (_, which) => `${index}:${which}`) })
    }
  })

  it("that is a fault of ours fails its run with that fault, and no other", async () => {
    const sandbox = open(1)
    const fault = new Error("ours")
    const broken = run(sandbox, "return $('N').all()", {
      answer() {
        throw fault
      },
    })
    await expect(broken).rejects.toBe(fault)
    expect(given(await run(sandbox, "return { a: 1 }"))).toEqual({ a: 1 })
  })

  it("is bounded, one by one and together", async () => {
    const sandbox = open(1)
    const text = "x".repeat(30_000_000)
    const answer = (question: unknown) => ({ value: (question as { ask: string }).ask === "node" ? {} : [text] })
    const refusals =
      "const told = []; for (let i = 0; i < 4; i++) try { $('N').all(0, i) } catch (e) { told.push(e.message) } return { told }"
    expect(given(await run(sandbox, refusals, { answer }))).toEqual({
      told: [
        expect.stringContaining("too large"),
        expect.stringContaining("too large"),
        expect.stringContaining("more data"),
        expect.stringContaining("more data"),
      ],
    })
  })
})

describe("an abort", () => {
  it("ends a run that works at once, and its thread is used again", async () => {
    const sandbox = open(1)
    for (const code of ["for (;;) ;", "for (;;) await null", "/^(a+)+$/.test('a'.repeat(50) + 'b')"]) {
      const { asked, tell } = firstQuestion()
      const abort = new AbortController()
      const running = run(sandbox, `try { $('N') } catch {} ${code}`, {
        signal: abort.signal,
        answer() {
          tell()
          return { refused: "No." }
        },
      })
      await asked
      const reason = new Error("cancelled")
      abort.abort(reason)
      await expect(running).rejects.toBe(reason)
      expect(given(await run(sandbox, "return { a: 1 }"))).toEqual({ a: 1 })
    }
  })

  it("ends a run that is deaf, with its thread", async () => {
    const sandbox = open(1)
    const { asked, tell } = firstQuestion()
    const abort = new AbortController()
    const running = run(sandbox, "try { $('N') } catch {} new Array(2 ** 32 - 1).sort()", {
      signal: abort.signal,
      answer() {
        tell()
        return { refused: "No." }
      },
    })
    await asked
    abort.abort(new Error("cancelled"))
    await expect(running).rejects.toThrow("cancelled")
    expect(given(await run(sandbox, "return { a: 1 }"))).toEqual({ a: 1 })
  })

  it("ends a run that waits for an answer, or for a thread", async () => {
    const sandbox = open(1)
    const { asked, tell } = firstQuestion()
    const [first, second] = [new AbortController(), new AbortController()]
    const running = run(sandbox, "return $('N').all()", {
      signal: first.signal,
      answer() {
        tell()
        first.abort(new Error("first"))
        return { value: [] }
      },
    })
    const waiting = run(sandbox, "return {}", { signal: second.signal })
    const behind = run(sandbox, "return { a: 1 }")
    second.abort(new Error("second"))
    await expect(waiting).rejects.toThrow("second")
    await asked
    await expect(running).rejects.toThrow("first")
    expect(given(await behind)).toEqual({ a: 1 })
  })

  it("that came before the call starts nothing", async () => {
    const before = threadCount()
    const abort = new AbortController()
    abort.abort(new Error("early"))
    await expect(run(open(), "return {}", { signal: abort.signal })).rejects.toThrow("early")
    expect(threadCount()).toBe(before)
  })

  it("leaves nothing behind on a signal that many runs share", async () => {
    const sandbox = open(1)
    const abort = new AbortController()
    const added: string[] = []
    const signal = new Proxy(abort.signal, {
      get(target, name) {
        const value = Reflect.get(target, name, target)
        if (typeof value !== "function") return value
        return (...given: unknown[]) => {
          if (name === "addEventListener") added.push("+")
          if (name === "removeEventListener") added.push("-")
          return value.apply(target, given)
        }
      },
    })
    for (let round = 0; round < 3; round += 1) await run(sandbox, "return {}", { signal })
    await sleep(0)
    expect(added.filter((sign) => sign === "+")).toHaveLength(added.filter((sign) => sign === "-").length)
  })
})

describe("closing", () => {
  it("ends what runs and refuses what waits; twice is no harm", async () => {
    const sandbox = open(1)
    const { asked, tell } = firstQuestion()
    const running = run(sandbox, "try { $('N') } catch {} for (;;) ;", {
      answer() {
        tell()
        return { refused: "No." }
      },
    })
    const waiting = run(sandbox, "return {}")
    const ends = [expect(running).rejects.toThrow("closed"), expect(waiting).rejects.toThrow("closed")]
    await asked
    await Promise.all([sandbox.close(), sandbox.close()])
    await Promise.all(ends)
    await expect(run(sandbox, "return {}")).rejects.toThrow("closed")
  })

  it("while its first thread starts leaves no thread", async () => {
    const before = threadCount()
    const sandbox = open(2)
    const ends = [1, 2, 3].map(() => expect(run(sandbox, "return {}")).rejects.toThrow("closed"))
    await sandbox.close()
    await Promise.all(ends)
    await expect.poll(threadCount).toBe(before)
  })
})

describe("a pattern", () => {
  const match = (source: string, text: string, given: { flags?: string; from?: number; matchesMax?: number } = {}) => {
    const request = { source, flags: "g", text, from: 0, matchesMax: 100, timeMs: 10_000, ...given }
    return (opened.at(-1) ?? open(1)).matchPattern(request, { signal: new AbortController().signal })
  }

  it.each([
    ["(?<=\\$)\\d+", "a $12 b $7 9", {}],
    ["(a)|(b)", "ab", {}],
    ["(?<year>\\d{4})-(?<month>\\d\\d)?", "2024-05 1999-", {}],
    ["(\\w)\\1", "aabbcd", {}],
    ["^\\s*(?!x)", "a\nb\n  c", { flags: "gm" }],
    ["", "a😀b", { flags: "gu" }],
    ["", "a😀b", {}],
    ["a", "aaa", { from: 1 }],
    ["a", "baa", { flags: "y", from: 1 }],
    ["a", "baa", { flags: "y" }],
    ["A", "baa", { flags: "i" }],
    ["a", "aaaa", { matchesMax: 2 }],
    ["x", "aaa", {}],
    ["\\p{Lu}", "aÄb", { flags: "gu" }],
  ])(
    "matches as the language does: /%s/ on %j",
    async (source, text, given: { flags?: string; from?: number; matchesMax?: number }) => {
      open(1)
      const flags = given.flags ?? "g"
      const expression = new RegExp(source, flags)
      expression.lastIndex = given.from ?? 0
      const expected: unknown[] = []
      const toMatch = (found: RegExpExecArray) => ({
        index: found.index,
        groups: [...found].map((group) => group ?? null),
        named:
          found.groups === undefined
            ? null
            : Object.fromEntries(Object.entries(found.groups).map(([name, group]) => [name, group ?? null])),
      })
      if (flags.includes("g")) {
        for (const found of text.slice(0).matchAll(expression)) expected.push(toMatch(found))
      } else {
        const found = expression.exec(text)
        if (found !== null) expected.push(toMatch(found))
      }
      expect(await match(source, text, given)).toEqual({
        status: "completed",
        matches: expected.slice(0, given.matchesMax ?? 100),
      })
    },
  )

  it("that is none, or takes too long, fails and nothing more", async () => {
    const sandbox = open(1)
    expect(await match("(", "a")).toMatchObject({ status: "failed", failure: { code: "CODE_ERROR" } })
    expect(await match("a", "a", { flags: "q" })).toMatchObject({ status: "failed", failure: { code: "CODE_ERROR" } })
    const slow = { source: "^(a+)+$", flags: "", text: `${"a".repeat(50)}b`, from: 0, matchesMax: 1, timeMs: 200 }
    expect(await sandbox.matchPattern(slow, { signal: new AbortController().signal })).toMatchObject({
      status: "failed",
      failure: { code: "CODE_LIMIT" },
    })
    expect(await match("a", "a")).toMatchObject({ status: "completed" })
  })
})
