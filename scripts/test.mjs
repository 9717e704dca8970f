// @ts-check
// Runs all tests (or those that the arguments name, as vitest takes them) once and ends with the line that counts them.
// The exit code is vitest's.
import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { constants, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const folder = mkdtempSync(join(tmpdir(), "brevet-count-"))
const countFile = join(folder, "count")

const child = spawn(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
  cwd: root,
  env: { ...process.env, TEST_COUNT_FILE: countFile },
  stdio: "inherit",
})

// A Ctrl-C reaches vitest from the terminal by itself (told twice, it would not clean up); an end asked for by others does not.
process.on("SIGINT", () => {})
process.on("SIGTERM", () => child.kill("SIGTERM"))

child.on("close", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128 + constants.signals[signal])
  console.log(readCount())
})

function readCount() {
  try {
    return readFileSync(countFile, "utf8")
  } catch {
    // Vitest did not come as far as its reporters.
    return "0 passed, 1 failed"
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
