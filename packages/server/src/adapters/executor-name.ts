/** Who runs in a data folder (`runs` §2, E12): a name that is made once and kept there, so that a restart knows its own. */
import { randomBytes } from "node:crypto"
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"

const fileName = "executor"

/** The name of the executors of this data folder. Of several processes that make it at once one wins. */
export async function readOrMakeExecutorName(dataDirectory: string): Promise<string> {
  const path = join(dataDirectory, fileName)
  await mkdir(dataDirectory, { recursive: true })
  const known = await readFile(path, "utf8").catch(() => "")
  if (known.trim() !== "") return known.trim()
  const draft = `${path}.${randomBytes(6).toString("hex")}`
  await writeFile(draft, randomBytes(8).toString("hex"), { mode: 0o600, flag: "wx" })
  try {
    // A link is made whole or not at all, and never over another.
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  } finally {
    await unlink(draft)
  }
  return (await readFile(path, "utf8")).trim()
}
