import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { link, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { StartProblem } from "../../start-problem.ts"
import type { Binaries } from "./binaries.ts"
import { giveTo, type Places } from "./places.ts"
import { hasEnded } from "./processes.ts"

const run = promisify(execFile)

/** The one role of the built-in Postgres. */
export const USER = "brevet"
/** The one database in it. */
export const DATABASE = "brevet"

/**
 * The password of the built-in Postgres: read from its file, or made of 24 random bytes and written there (0600). Of
 * two processes that start at once both get the same one.
 */
export async function readOrMakePassword(places: Places): Promise<string> {
  const existing = await readPassword(places.passwordFile)
  if (existing !== null) return existing
  if (await stat(join(places.cluster, "PG_VERSION")).catch(() => null)) {
    throw new StartProblem(
      `The password of the database in ${places.cluster} is missing: its file ${places.passwordFile} is gone. ` +
        "Put it back from a backup of the data folder.",
    )
  }
  // Linked into place when it is whole: a file that is there is never half written, and never replaced.
  const draft = `${places.passwordFile}.${randomBytes(4).toString("hex")}`
  await writeFile(draft, randomBytes(24).toString("base64url"), { mode: 0o600, flush: true })
  try {
    await link(draft, places.passwordFile).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  return (await readFile(places.passwordFile, "utf8")).trim()
}

/**
 * Makes the cluster if there is none. It is made under another name and renamed when it is whole and on disk, so that
 * a crash in the middle leaves no half of one; drafts that earlier crashes left behind are removed.
 *
 * @throws StartProblem if what lies there is not a cluster, or one of another major version.
 */
export async function initializeCluster(places: Places, binaries: Binaries, password: string): Promise<void> {
  if (await isCluster(places, binaries)) return
  const draft = await mkdtemp(join(places.home, `draft-${process.pid}-`))
  try {
    const passwordCopy = join(draft, "password")
    await writeFile(passwordCopy, password, { mode: 0o600 })
    await giveTo(places.account, draft)
    await giveTo(places.account, passwordCopy)
    await runInitdb(places, binaries, { cluster: join(draft, "cluster"), passwordFile: passwordCopy })
    await rename(join(draft, "cluster"), places.cluster).catch((error: NodeJS.ErrnoException) => {
      // Another process that started at the same moment was first; its cluster has the same password.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error
    })
    await syncFolder(places.home)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  await removeOldDrafts(places.home)
}

/** Runs as the account, in a folder it may enter, and without our environment: that one holds keys. */
export function spawnOptions(places: Places) {
  const { account } = places
  return {
    cwd: "/",
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  }
}

/** What to say when the programs are there but the system cannot run them (another C library, for one). */
export function explainUnrunnable(binaries: Binaries, cause: unknown): StartProblem {
  return new StartProblem(
    `The built-in Postgres in ${binaries.folder} does not run on this system (it needs glibc on Linux, so not Alpine). ` +
      "Set DATABASE_URL to a Postgres of your own.",
    { cause },
  )
}

async function isCluster(places: Places, binaries: Binaries): Promise<boolean> {
  const entries = await readdir(places.cluster).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [] as string[]
    throw new StartProblem(
      `Brevet cannot read the database in ${places.cluster} (${error.code ?? "unknown error"}). ` +
        "It must belong to the user that runs Brevet; where root made it, start Brevet as root again, or give it to that user (chown -R).",
      { cause: error },
    )
  })
  if (entries.length === 0) return false
  const version = await readFile(join(places.cluster, "PG_VERSION"), "utf8").catch(() => null)
  if (version === null || !entries.includes("global") || !entries.includes("pg_wal")) {
    throw new StartProblem(
      `${places.cluster} is not a whole Postgres cluster (${version === null ? "PG_VERSION" : "global or pg_wal"} is missing). ` +
        "Put it back from a backup, or move it away, and Brevet starts with an empty one.",
    )
  }
  if (Number.parseInt(version, 10) === binaries.majorVersion) return true
  throw new StartProblem(
    `The database in ${places.cluster} is of Postgres ${version.trim()}, and this Brevet brings Postgres ${binaries.majorVersion}. ` +
      "Make a backup with the Brevet that wrote it (npm run backup), move the folder away, and restore the backup with this one (npm run restore).",
  )
}

async function runInitdb(
  places: Places,
  binaries: Binaries,
  target: { readonly cluster: string; readonly passwordFile: string },
): Promise<void> {
  const initdbArguments = [
    `--pgdata=${target.cluster}`,
    `--username=${USER}`,
    `--pwfile=${target.passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
  ]
  try {
    await run(binaries.initdb, initdbArguments, spawnOptions(places))
  } catch (error) {
    const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: string }
    // ENOENT: the loader that the program names is not there; 126 and 127: a library of it is not.
    if (code === "ENOENT" || code === 126 || code === 127) throw explainUnrunnable(binaries, error)
    throw new StartProblem(
      `Postgres could not make its cluster in ${places.home}: ${stderr?.trim().split("\n").at(-1) || String(code)}`,
      { cause: error },
    )
  }
}

async function readPassword(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim() || null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw new StartProblem(
      `Brevet cannot read ${path}, the password of its database. It must belong to the user that runs Brevet.`,
      { cause: error },
    )
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r")
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Drafts are named for the process that made them; those of living ones are work under way. */
async function removeOldDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = Number(/^draft-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && (await hasEnded(pid))) {
      // An orphaned initdb may still be writing into it.
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 })
    }
  }
}
