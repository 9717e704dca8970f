import { constants } from "node:fs"
import { access, readFile, realpath, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { StartProblem } from "../../start-problem.ts"

/** The unprivileged user that Postgres runs as when we are root: Postgres itself refuses to run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

/** Whether this process is root, so that Postgres has to run as somebody else. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * Who Postgres runs as: null means as we are. As root it is the owner of the cluster if there is one (so the choice
 * stays the same for the life of the data), otherwise `nobody`. initdb insists on a user that has a name.
 */
export async function chooseAccount(clusterPath: string): Promise<Account | null> {
  const users = await readUsers()
  if (!isRoot()) {
    const uid = process.getuid?.() ?? -1
    if (users.length > 0 && !users.some((user) => user.uid === uid) && process.platform === "linux") {
      throw new StartProblem(
        `The user id ${uid} has no line in /etc/passwd, and Postgres does not run as a user without a name. ` +
          "Start Brevet as a user that has one, or set DATABASE_URL to a Postgres of your own.",
      )
    }
    return null
  }
  const owner = await stat(clusterPath).catch(() => null)
  if (owner !== null && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid, name: nameOf(users, owner.uid) }
  }
  const unprivileged = ["nobody", "daemon"].map((name) => users.find((user) => user.name === name)).find(Boolean)
  return unprivileged ?? { uid: 65_534, gid: 65_534, name: "65534" }
}

/** Whether the account may enter every folder on the way to `path` and use it in the way asked for. Null is ourselves. */
export async function mayUse(account: Account | null, path: string, use: "enter" | "read"): Promise<boolean> {
  if (account === null) {
    return access(path, use === "enter" ? constants.X_OK : constants.R_OK).then(
      () => true,
      () => false,
    )
  }
  const target = await realpath(path)
  if (!(await hasBit(account, target, use === "enter" ? 1 : 4))) return false
  for (let folder = dirname(target); ; folder = dirname(folder)) {
    if (!(await hasBit(account, folder, 1))) return false
    if (folder === dirname(folder)) return true
  }
}

async function hasBit(account: Account, path: string, bit: 1 | 4): Promise<boolean> {
  const { uid, gid, mode } = await stat(path)
  if (uid === account.uid) return (mode & (bit << 6)) !== 0
  if (gid === account.gid) return (mode & (bit << 3)) !== 0
  return (mode & bit) !== 0
}

async function readUsers(): Promise<Account[]> {
  const lines = await readFile("/etc/passwd", "utf8").catch(() => "")
  return lines
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

function nameOf(users: readonly Account[], uid: number): string {
  return users.find((user) => user.uid === uid)?.name ?? String(uid)
}
