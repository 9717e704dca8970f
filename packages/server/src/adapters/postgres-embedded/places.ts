import { createHash } from "node:crypto"
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { StartProblem } from "../../start-problem.ts"
import { type Account, chooseAccount, isRoot, mayUse } from "./account.ts"

/**
 * Where everything of one built-in Postgres lies.
 *
 *     <BREVET_DATA>/                       ours; created 0711 as root, else 0700
 *       postgres-password                  0600, ours
 *       postgres-location                  only if the cluster had to go elsewhere: the path of its home
 *       postgres/                          the home (or /var/lib/brevet/<hash>)
 *         cluster/                         PGDATA, 0700, of the account that Postgres runs as
 *         socket/                          0700, of that account (or a short folder below the temporary one)
 *         server.log                       what Postgres itself says
 */
export interface Places {
  readonly account: Account | null
  readonly dataDirectory: string
  readonly home: string
  readonly cluster: string
  readonly socketFolder: string
  readonly passwordFile: string
  readonly logFile: string
  /** Where a copy of the programs goes if the account cannot run them where they are. */
  readonly copiesFolder: string
  /** Whether the cluster had to leave the data folder, which is worth a line in the log. */
  readonly movedOut: boolean
}

/** The folder of root's for what an unprivileged account must reach: copies of programs, and clusters. */
const SYSTEM_FOLDER = "/var/lib/brevet"

/** Where a socket goes whose own folder has too long a name: what the system calls temporary can be as long. */
const SHORT_FOLDER = "/tmp"

/** The name of a socket, `/.s.PGSQL.5432`, and room for the end; a Unix socket's path may have 103 bytes on every system. */
const SOCKET_FOLDER_BYTES_MAX = 103 - "/.s.PGSQL.5432".length

/**
 * Finds or makes the folders of the built-in Postgres.
 *
 * @throws StartProblem if the data folder cannot be made or written, or if a cluster in it can no longer be reached.
 */
export async function preparePlaces(
  dataDirectory: string,
  options: { readonly systemFolder?: string } = {},
): Promise<Places> {
  const systemFolder = options.systemFolder ?? SYSTEM_FOLDER
  const data = await makeDataFolder(resolve(dataDirectory))
  const inside = join(data, "postgres")
  const locationFile = join(data, "postgres-location")
  const outside = (await readFile(locationFile, "utf8").catch(() => "")).trim()
  const account = await chooseAccount(join(outside || inside, "cluster"))

  const movedOut = outside !== "" || !(await mayUse(account, data, "enter"))
  const home = outside || (movedOut ? join(systemFolder, hashOf(data)) : inside)
  if (movedOut && outside === "") await leaveDataFolder({ inside, home, locationFile, account })

  await makeFolder(home, isRoot() ? 0o711 : 0o700)
  return {
    account,
    dataDirectory: data,
    home,
    cluster: join(home, "cluster"),
    socketFolder: await chooseSocketFolder(home, account),
    passwordFile: join(data, "postgres-password"),
    logFile: join(home, "server.log"),
    copiesFolder: isRoot() ? systemFolder : home,
    movedOut,
  }
}

/** Makes a folder for the account alone, unless there is one of that name. */
export async function makePrivateFolder(path: string, account: Account | null): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return
    throw explain(error as NodeJS.ErrnoException, path)
  }
  await giveTo(account, path)
}

/** Makes the account the owner of a path; without one the path is ours already. */
export async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account !== null) await chown(path, account.uid, account.gid)
}

async function chooseSocketFolder(home: string, account: Account | null): Promise<string> {
  const inside = join(home, "socket")
  // Postgres reads the setting as a list, in which commas, quotes and blanks mean something.
  const fits = Buffer.byteLength(inside) <= SOCKET_FOLDER_BYTES_MAX && /^[\w./@+=-]+$/.test(inside)
  const uid = account?.uid ?? process.getuid?.() ?? 0
  const folder = fits ? inside : join(SHORT_FOLDER, `brevet-${hashOf(`${home} ${uid}`)}`)
  await makePrivateFolder(folder, account)
  const found = await lstat(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  // In a folder that everybody may write to, somebody else may have taken the name.
  const other = await mkdtemp(join(SHORT_FOLDER, "brevet-"))
  await giveTo(account, other)
  return other
}

async function makeDataFolder(path: string): Promise<string> {
  await makeFolder(path, isRoot() ? 0o711 : 0o700)
  const probe = join(path, `.brevet-write-${process.pid}`)
  await writeFile(probe, "", { mode: 0o600 }).catch((error) => Promise.reject(explain(error, path)))
  await rm(probe, { force: true })
  return realpath(path)
}

async function makeFolder(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode }).catch((error) => Promise.reject(explain(error, path)))
  // The mode given to mkdir is cut down by the umask, which may close the folder to the account.
  if (first !== undefined) {
    for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, mode)
  }
}

interface Leaving {
  readonly inside: string
  readonly home: string
  readonly locationFile: string
  readonly account: Account | null
}

async function leaveDataFolder({ inside, home, locationFile, account }: Leaving): Promise<void> {
  if (await stat(join(inside, "cluster", "PG_VERSION")).catch(() => null)) {
    throw new StartProblem(
      `The database in ${inside} belongs to the user ${account?.name ?? ""}, who may no longer enter that folder. ` +
        `Let that user enter every folder on the way (chmod o+x), then start again.`,
    )
  }
  await writeFile(locationFile, `${home}\n`, { mode: 0o600 })
}

function explain(error: NodeJS.ErrnoException, path: string): StartProblem {
  return new StartProblem(
    `Brevet cannot write its data folder ${path} (${error.code ?? "unknown error"}). ` +
      "Make it writable for the user that runs Brevet, or name another one in BREVET_DATA.",
    { cause: error },
  )
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16)
}
