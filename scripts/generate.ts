/**
 * Files that are made from the code. They are committed, so that they can be read without running anything, and compared
 * in the check, so that they are never old.
 *
 *     npm run generate             writes them
 *     npm run generate -- --check  writes nothing; lists those that are old and exits with 1
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { settingsPage } from "../packages/server/src/settings-page.ts"

/** One file: where it stands (relative to the project's root) and its text. */
type Generated = { readonly path: string; readonly make: () => string }

const generated: readonly Generated[] = [{ path: "docs/settings.md", make: settingsPage }]

const isCheck = process.argv.includes("--check")

for (const { path, make } of generated) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  const text = make()
  if (text === readIfThere(file)) continue
  if (isCheck) {
    console.log(`${path} is old: run \`npm run generate\``)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`${path} written`)
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null
    throw error
  }
}
