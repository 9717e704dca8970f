import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, expect, it } from "vitest"

const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const reporter = fileURLToPath(new URL("./count-reporter.ts", import.meta.url))
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** Runs test files of the given texts with the reporter, and gives the last line and the exit code. */
async function runTests(
  files: Readonly<Record<string, string>>,
): Promise<{ lastLine: string | undefined; code: number }> {
  const folder = await mkdtemp(join(tmpdir(), "brevet-count-"))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const { TEST_COUNT_FILE: _, ...env } = process.env
  const vitestArguments = [
    vitest,
    "run",
    "--globals",
    `--root=${folder}`,
    "--reporter=default",
    `--reporter=${reporter}`,
  ]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, vitestArguments, { env }, (_error, stdout) => {
      resolve({ lastLine: stdout.trimEnd().split("\n").at(-1), code: child.exitCode ?? -1 })
    })
  })
}

it("ends with the number of tests that passed and failed", async () => {
  expect(await runTests({ "a.test.js": "it('a', () => {}); it('b', () => {})" })).toEqual({
    lastLine: "2 passed, 0 failed",
    code: 0,
  })
})

it("counts what never came to run as failures: files that cannot be loaded, hooks that fail", async () => {
  const files = {
    "assertion.test.js": "it('a', () => {}); it('b', () => { expect(1).toBe(2) }); it.skip('c', () => {})",
    "hook.test.js": "describe('d', () => { beforeAll(() => { throw new Error('no') }); it('e', () => {}) })",
    "import.test.js": "import './nothing.js'",
    "syntax.test.js": "it('f', () => {",
  }
  expect(await runTests(files)).toEqual({ lastLine: "1 passed, 4 failed, 2 skipped", code: 1 })
})

it("counts an error outside any test as a failure", async () => {
  const text =
    "it('a', () => { Promise.reject(new Error('nobody waits')) }); it('b', () => new Promise((r) => setTimeout(r, 50)))"
  expect(await runTests({ "a.test.js": text })).toEqual({ lastLine: "2 passed, 1 failed", code: 1 })
})

it("does not claim success when there is nothing to run", async () => {
  expect((await runTests({})).code).toBe(1)
})
