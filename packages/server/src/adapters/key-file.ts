/** The file in the data folder that keeps the first key: only its owner can read it. */
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Its name within the data folder. */
const keyFileName = "first-api-key"

/** Where the first key is kept. */
export function keyFilePath(dataDirectory: string): string {
  return join(dataDirectory, keyFileName)
}

/**
 * Keeps the key, in the place of one that an earlier first start left behind. Readable by its owner alone from the first
 * moment: it is written beside and moved into place.
 */
export async function keepKeyFile(dataDirectory: string, text: string): Promise<void> {
  const path = keyFilePath(dataDirectory)
  const draft = `${path}.new`
  await mkdir(dataDirectory, { recursive: true })
  // A draft that a killed process left may have been opened by somebody; a new file has nobody's eyes on it.
  await rm(draft, { force: true })
  await writeFile(draft, `${text}\n`, { mode: 0o600, flag: "wx" })
  await chmod(draft, 0o600)
  await rename(draft, path)
}
