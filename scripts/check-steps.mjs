// @ts-check
// The steps of the check beside the tests, and how one of them is run. `npm run check` runs them all; in `npm test` each is
// a test of its own (check-steps.test.ts), so that what CI counts is everything.
import { spawn } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * A step: what it keeps, the program with its arguments (run by this Node), and what to do where it fails.
 *
 * @typedef {{ readonly name: string, readonly command: readonly string[], readonly remedy: string }} Step
 */

/** @type {readonly Step[]} */
export const steps = [
  {
    name: "format and lint",
    command: [binOf("@biomejs/biome", "bin/biome"), "check", "."],
    remedy: "npm run format mends most of it",
  },
  {
    name: "types of what is shipped",
    command: [join("scripts", "build.mjs")],
    remedy: "mend the types; core is compiled without Node's and the browser's",
  },
  {
    name: "types of tests and tools",
    command: [binOf("typescript", "bin/tsc"), "--project", "tsconfig.tests.json"],
    remedy: "mend the types",
  },
  {
    name: "nothing unused",
    command: [binOf("knip", "bin/knip.js")],
    remedy: "delete what is unused: files, exports, dependencies",
  },
  {
    name: "generated files are new",
    command: ["--conditions=brevet-source", "--import", "tsx", join("scripts", "generate.ts"), "--check"],
    remedy: "npm run generate, and commit what it wrote",
  },
]

/** The rules of the house: a step of `npm run check`; in `npm test` they are tests already. @type {Step} */
export const tidyStep = {
  name: "rules of the house",
  command: [binOf("vitest", "vitest.mjs"), "run", "tidy"],
  remedy: "each line above says what to do",
}

/**
 * Runs a step to its end. The output is what it wrote to both streams.
 *
 * @param {Step} step
 * @returns {Promise<{ readonly ok: boolean, readonly output: string }>}
 */
export function runStep(step) {
  const child = spawn(process.execPath, step.command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text
    })
  }
  return new Promise((done, fail) => {
    child.on("error", fail)
    child.on("close", (code) => done({ ok: code === 0, output }))
  })
}

/**
 * @param {string} packageName
 * @param {string} path
 */
function binOf(packageName, path) {
  return join(root, "node_modules", packageName, path)
}
