// @ts-check
// `npm start`: builds what is missing or old, then runs the server in this process, so that signals and exit codes are its
// own. This file speaks the JavaScript of years ago: an old Node has to come as far as the sentence that says so.
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Why the server cannot be started, in one sentence; null if nothing speaks against it. */
function findProblem() {
  const wanted = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node
  if (isOlder(process.versions.node, wanted)) {
    return `Brevet needs Node ${wanted.replace(">=", "")} or newer, and this is Node ${process.versions.node}: install a newer one (nodejs.org).`
  }
  if (!existsSync(join(root, "node_modules", "@brevet", "core"))) {
    return "The packages that Brevet needs are not installed: run `npm ci` first."
  }
  return null
}

/**
 * True if a version is below what `>=major.minor` wants.
 *
 * @param {string} version
 * @param {string} wanted
 */
function isOlder(version, wanted) {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const [majorMin = 0, minorMin = 0] = wanted.replace(">=", "").split(".").map(Number)
  return major < majorMin || (major === majorMin && minor < minorMin)
}

async function start() {
  const problem = findProblem()
  if (problem !== null) return fail(problem)
  const { buildIfOld } = await import("./build.mjs")
  if (!buildIfOld()) return fail("Brevet does not start, since it could not be built.")
  try {
    await import(pathToFileURL(join(root, "packages", "server", "dist", "main.js")).href)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code !== "ERR_MODULE_NOT_FOUND") throw error
    fail(`A package that Brevet needs is not installed: run \`npm ci\` again. (${message})`)
  }
}

/** @param {string} sentence */
function fail(sentence) {
  console.error(sentence)
  process.exitCode = 1
}

start()
