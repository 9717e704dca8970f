import { describe, expect, it } from "vitest"
import { messagesFound } from "../fixture.ts"
import { effects } from "./effects.ts"
import { defaultExports, docstrings } from "./exports.ts"
import { parameters } from "./parameters.ts"
import { tests } from "./tests.ts"
import { types } from "./types.ts"

const path = "packages/core/src/a.ts"
const testPath = "packages/core/src/a.test.ts"
const core = "packages/core/src/graph/plan.ts"
const server = "packages/server/src/services/runs.ts"

/** A line of code whose check is switched off. */
const suppressed = (word: string): string => `// @ts-${word}\nconst a = 1`

describe("effects", () => {
  it.each([
    "const a = Date.now()",
    "const clock = Date.now",
    "const a = new Date()",
    "const a = new Date",
    "const a = globalThis.Date.now()",
    "const a = new globalThis.Date()",
    "const a = Date()",
    "const a = Math.random()",
    "const a = DateTime.now()",
    "const a = DateTime.local()",
    "const a = DateTime.utc()",
  ])("refuses time and chance in core: %s", (text) => {
    expect(messagesFound(effects, core, text)).toHaveLength(1)
  })

  it.each([
    "const a = new Date(atMs)",
    "const a = Date.parse(text)",
    "const a = context.random()",
    "const a = DateTime.utc(2026)",
    "const a = 'Date.now()' // Date.now() is not called here",
    "const a = clock.now()",
  ])("allows what is handed in: %s", (text) => {
    expect(messagesFound(effects, core, text)).toEqual([])
  })

  it("leaves time and chance to tests and to the server's adapters", () => {
    expect(messagesFound(effects, "packages/core/src/graph/plan.test.ts", "Math.random()")).toEqual([])
    expect(messagesFound(effects, "packages/server/src/adapters/clock.ts", "Date.now()")).toEqual([])
  })

  it.each([
    "const a = process.env.HOME",
    "const { env } = process",
    "const { env: all } = process",
    "const a = process['env']",
    "const a = globalThis.process.env",
    "import { env } from 'node:process'",
    "import { env as all } from 'process'",
  ])("refuses to read the environment outside of the start: %s", (text) => {
    expect(messagesFound(effects, server, text)).toEqual([expect.stringContaining("config.ts")])
    expect(messagesFound(effects, "packages/server/src/config.ts", text)).toEqual([])
  })

  it("keeps console to the files that print", () => {
    for (const path of [server, "packages/server/src/services/runs.test.ts", "scripts/a.test.ts"]) {
      expect(messagesFound(effects, path, "console.log(1)"), path).toHaveLength(1)
    }
    for (const path of ["packages/cli/src/output.ts", "scripts/check.mjs", "bench/main.ts"]) {
      expect(messagesFound(effects, path, "console.log(1)"), path).toEqual([])
    }
  })
})

describe("default exports", () => {
  it.each([
    "export default 1",
    "export default function f() {}",
    "export default class {}",
    "const a = 1; export { a as default }",
    "export { default } from './b.ts'",
    "export = 1",
  ])("are refused: %s", (text) => {
    expect(messagesFound(defaultExports, path, text)).toHaveLength(1)
  })

  it("stand where a tool demands one, and may be imported", () => {
    expect(messagesFound(defaultExports, "vitest.config.ts", "export default {}")).toEqual([])
    expect(messagesFound(defaultExports, path, "import pg from 'pg'\nexport { pg }")).toEqual([])
  })
})

describe("docstrings", () => {
  it.each([
    "export const a = 1",
    "export function f() {}",
    "export class A {}",
    "export type A = string",
    "export interface A {}",
    "const a = 1\nexport { a }",
    "const a = 1\nexport { a as b }",
    "// No docstring.\nexport const a = 1",
    "/** */\nexport const a = 1",
    "/** Of another. */\nconst b = 1\nexport const a = 1",
  ])("are missed: %s", (text) => {
    expect(messagesFound(docstrings, path, text)).toHaveLength(1)
  })

  it.each([
    "/** One. */\nexport const a = 1",
    "/**\n * One.\n */\nexport async function f() {}",
    "/** One. */\nconst a = 1\nexport { a }",
    "/** One. */\n// biome-ignore lint: a reason\nexport const a = 1",
    "/** One. */\nexport function f(a: string): string\nexport function f(a: number): number\nexport function f(a: unknown) {}",
    "export { a } from './b.ts'",
    "const a = 1",
  ])("are seen, or not needed: %s", (text) => {
    expect(messagesFound(docstrings, path, text)).toEqual([])
  })

  it("are not demanded of test files", () => {
    expect(messagesFound(docstrings, "packages/core/src/a.test.ts", "export const a = 1")).toEqual([])
  })
})

describe("types", () => {
  it.each([
    "let a: any",
    "const f = (a: readonly any[]) => a",
    "type A = Record<string, any>",
    "const a = b as any",
    "const a = b!",
    "const a = b!.c",
    "let a!: string",
    "class A { a!: string }",
    suppressed("ignore"),
    suppressed("nocheck"),
    suppressed("expect-error"),
    "function f() {\n  /* @ts-ignore */\n}",
  ])("that mean nothing are refused: %s", (text) => {
    expect(messagesFound(types, testPath, text)).toHaveLength(1)
  })

  it.each(["let a: unknown", "const any = 1", "const a = !b", "const a = b != null", "const a = 'x as any' // any!"])(
    "that mean something stay: %s",
    (text) => {
      expect(messagesFound(types, "packages/core/src/a.ts", text)).toEqual([])
    },
  )
})

describe("parameters", () => {
  it.each([
    "function f(a: A, b: B, c: C, d: D) {}",
    "const f = (a, b, c, ...d) => a",
    "class A { constructor(a: A, b: B, c: C, d: D) {} }",
    "class A { #f(a: A, b: B, c: C, d: D) {} }",
    "interface A { f(a: A, b: B, c: C, d: D): void }",
    "type F = (a: A, b: B, c: C, d: D) => void",
  ])("are at most three: %s", (text) => {
    expect(messagesFound(parameters, path, text)).toHaveLength(1)
  })

  it.each([
    "function f(a: A, isQuick: boolean) {}",
    "const f = (isQuick = false) => isQuick",
    "function f(isQuick?: boolean) {}",
    "function f(isQuick: boolean | null) {}",
    "function f(isQuick: true | false) {}",
    "interface A { f(isQuick: boolean): void }",
  ])("are no booleans: %s", (text) => {
    expect(messagesFound(parameters, path, text)).toEqual([expect.stringContaining("isQuick")])
  })

  it.each([
    "function f(a: A, b: B, c: { readonly isQuick: boolean }) {}",
    "function f(this: A, a: A, b: B, c: C) {}",
    "function f(a: string | boolean) {}",
    "const f = ({ isQuick = true }: Options) => isQuick",
    "type A = { readonly [name: string]: boolean }",
    "function f(test: (a: A) => boolean) {}",
    "f(a, b, c, d)",
  ])("may be what they are: %s", (text) => {
    expect(messagesFound(parameters, path, text)).toEqual([])
  })
})

describe("tests", () => {
  it.each([
    "it.skip('a', f)",
    "it.only('a', f)",
    "it.todo('a')",
    "describe.skip('a', f)",
    "describe.only('a', f)",
    "test.concurrent.only('a', f)",
    "it.skipIf(isRoot)('a', f)",
    "it.runIf(isRoot).each([1])('a', f)",
    "it.fails('a', f)",
    "xit('a', f)",
    "fdescribe('a', f)",
    "it('a', { skip: true }, f)",
    "it('a', { only: isLocal }, f)",
    "it('a', (context) => { context.skip() })",
  ])("that do not run are found: %s", (text) => {
    expect(messagesFound(tests, testPath, text)).toHaveLength(1)
  })

  it("may not mock our own code", () => {
    expect(messagesFound(tests, testPath, "vi.mock('./plan.ts')")).toHaveLength(1)
    expect(messagesFound(tests, testPath, "vi.mock('@brevet/core/ids')")).toHaveLength(1)
  })

  it.each([
    "it('a', f)",
    "it.each([1])('a', f)",
    "describe.concurrent('a', f)",
    "it('a', { timeout: 1 }, f)",
    "it('a', { skip: false }, f)",
    "it('a', () => { list({ skip: 3 }); page.skip(3); filter.only })",
    "it('it.skip is a word', f)",
  ])("that run are left alone: %s", (text) => {
    expect(messagesFound(tests, testPath, text)).toEqual([])
  })
})
