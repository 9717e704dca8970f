// @ts-check
// Builds packages/*/dist when it is missing or other than the sources, and does nothing in a few milliseconds otherwise.
//
// What counts is what the files say, not when they were written: a checkout, a copy or a container image keep no times.
// The mark of a build is a file in each dist with the digest of all that it was made from. tsc leaves two things to us:
// files that are no TypeScript (SQL migrations) are copied, and outputs whose source is gone are removed, since migrations
// are found by listing their folder. One build at a time: several processes may be started at once on a fresh checkout.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockFile = join(root, "node_modules", ".brevet-build")
/** A build takes seconds. A lock that is older was left behind by a process whose number another one has now. */
const lockAgeMsMax = 5 * 60_000
const lockPollMs = 100

/**
 * Builds what is missing or old. False if that failed; why is on stderr.
 *
 * @returns {boolean}
 */
export function buildIfOld() {
  const folders = packageFolders()
  if (isBuilt(folders, digestOf(folders))) return true
  takeLock()
  try {
    const digest = digestOf(folders)
    // Another process may have built it while we waited.
    return isBuilt(folders, digest) || build(folders, digest)
  } finally {
    rmSync(lockFile, { force: true })
  }
}

/**
 * @param {readonly string[]} folders
 * @param {string} digest
 */
function build(folders, digest) {
  const compiler = findCompiler()
  if (compiler === null) {
    console.error(
      "Brevet is not built yet and the compiler is not installed. Run `npm ci` (with development packages) first.",
    )
    return false
  }
  const startedAtMs = performance.now()
  console.error("Building Brevet; this takes a few seconds, and only when its sources have changed.")
  for (const folder of folders) {
    rmSync(markOf(folder), { force: true })
    distrustTimes(folder)
  }
  const { status } = spawnSync(process.execPath, [compiler, "--build"], { cwd: root, stdio: ["ignore", 2, 2] })
  if (status !== 0) {
    console.error("The build failed; its faults are above.")
    return false
  }
  for (const folder of folders) {
    removeLeftovers(folder)
    copyOthers(folder)
    writeFileSync(markOf(folder), digest)
  }
  console.error(`Built in ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s.`)
  return true
}

/** The packages that tsc builds, as the solution's tsconfig.json lists them. */
function packageFolders() {
  const { references } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"))
  return /** @type {{ path: string }[]} */ (references).map(({ path }) => join(root, path))
}

/** @param {string} folder */
function markOf(folder) {
  return join(folder, "dist", ".built")
}

/**
 * @param {readonly string[]} folders
 * @param {string} digest
 */
function isBuilt(folders, digest) {
  return folders.every((folder) => existsSync(markOf(folder)) && readFileSync(markOf(folder), "utf8") === digest)
}

/**
 * Digest of everything that the output is made from.
 *
 * @param {readonly string[]} folders
 */
function digestOf(folders) {
  const hash = createHash("sha256")
  const settings = ["tsconfig.base.json", "tsconfig.json", "package-lock.json"].map((name) => join(root, name))
  const own = folders.flatMap((folder) => [
    join(folder, "package.json"),
    join(folder, "tsconfig.json"),
    ...sourcesIn(folder),
  ])
  for (const path of [...settings, ...own]) {
    const content = readFileSync(path)
    hash.update(`${relative(root, path)}\0${content.length}\0`).update(content)
  }
  return hash.digest("hex")
}

/** @param {string} folder */
function sourcesIn(folder) {
  return filesIn(join(folder, "src")).filter((path) => !path.endsWith(".test.ts"))
}

/**
 * All files below a folder, in a fixed order; none if it is missing.
 *
 * @param {string} folder
 * @returns {string[]}
 */
function filesIn(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesIn(path) : [path]
  })
}

/**
 * tsc skips a package whose sources are all older than its last build. With the time of that build moved to the beginning
 * of time it compares what they say.
 *
 * @param {string} folder
 */
function distrustTimes(folder) {
  const state = join(folder, "dist", ".tsbuildinfo")
  if (existsSync(state)) utimesSync(state, 0, 0)
}

/** @param {string} folder */
function copyOthers(folder) {
  for (const path of sourcesIn(folder).filter((source) => !/\.tsx?$/.test(source))) {
    const target = join(folder, "dist", relative(join(folder, "src"), path))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(path, target)
  }
}

/** @param {string} folder */
function removeLeftovers(folder) {
  const output = join(folder, "dist")
  for (const path of filesIn(output)) {
    const name = relative(output, path)
    if (name.startsWith(".")) continue
    const source = join(folder, "src", name)
    const stem = source.replace(/(\.d\.ts|\.js)(\.map)?$/, "")
    if (![source, `${stem}.ts`, `${stem}.tsx`].some((candidate) => existsSync(candidate))) rmSync(path)
  }
}

function findCompiler() {
  try {
    return createRequire(import.meta.url).resolve("typescript/bin/tsc")
  } catch {
    return null
  }
}

/** Waits while another process builds. */
function takeLock() {
  while (true) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" })
      return
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error
    }
    if (isLockAbandoned()) rmSync(lockFile, { force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockPollMs)
  }
}

function isLockAbandoned() {
  try {
    if (Date.now() - statSync(lockFile).mtimeMs > lockAgeMsMax) return true
    const pid = Number(readFileSync(lockFile, "utf8"))
    // Not written yet by the process that has just made it.
    if (pid === 0) return false
    process.kill(pid, 0)
    return false
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    // ENOENT: given back meanwhile, so that it can be taken. EPERM: it lives, and is somebody else's.
    return code === "ESRCH"
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = buildIfOld() ? 0 : 1
}
