import { importersOf } from "../imports.ts"
import { isProduct, isTest, sourcesOf } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/** Files that are started or read by something that imports nothing. */
const entries: readonly { readonly file: string; readonly by: string }[] = [
  { file: "packages/server/src/main.ts", by: "scripts/start.mjs" },
  { file: "packages/server/src/testing/global-setup.ts", by: "vitest.config.ts" },
]

/** Nothing dead: a file of the product is imported by the product or a tool, not only by its tests. */
export const orphans: Rule = {
  name: "orphans",
  sentence: "has no file in packages that nobody imports",
  check: (project) => {
    const sources = sourcesOf(project)
    const importers = importersOf(project, sources)
    return sources.flatMap(({ path }) => {
      const isCounted =
        isProduct(path) || /^packages\/[^/]+\/src\/testing\//.test(path) || path.endsWith(".testsuite.ts")
      if (!isCounted || /\.test\.tsx?$/.test(path) || entries.some(({ file }) => file === path)) return []
      const own = [...(importers.get(path) ?? [])].filter((importer) => importer !== path)
      if (own.length === 0) return [breach(path, "nobody imports this file: use it or delete it")]
      if (isTest(path) || own.some((importer) => !isTest(importer))) return []
      return [breach(path, "only tests import this file: use it, delete it, or move it to testing/")]
    })
  },
}

function breach(file: string, message: string): Breach {
  return { file, line: 1, message }
}
