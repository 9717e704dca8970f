/**
 * Files that are made from the code. They are committed, so that they can be read without running anything, and compared
 * in the check, so that they are never old.
 *
 *     npm run generate             writes them
 *     npm run generate -- --check  writes nothing; lists those that are old and exits with 1
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { errorIndexPage } from "../packages/core/src/contract/error-index.ts"
import { makeOpenApi } from "../packages/core/src/contract/openapi.ts"
import { routes } from "../packages/core/src/contract/routes.ts"
import { scopesPage } from "../packages/core/src/contract/scopes.ts"
import { settingsPage } from "../packages/server/src/settings-page.ts"
import { nodePages } from "./node-pages.ts"

/** One file: where it stands (relative to the project's root) and its text. */
type Generated = { readonly path: string; readonly make: () => string }

const generated: readonly Generated[] = [
  { path: "docs/settings.md", make: settingsPage },
  { path: "docs/openapi.json", make: openApiText },
  { path: "docs/scopes.md", make: () => scopesPage(routes) },
  { path: "docs/errors/README.md", make: () => errorIndexPage(routes) },
  ...nodePages(),
]

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

/** The contract as the server gives it at its default address, one field a line. */
function openApiText(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string
  }
  return `${JSON.stringify(makeOpenApi(routes, { version, serverUrl: "http://127.0.0.1:8787" }), null, 1)}\n`
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null
    throw error
  }
}
