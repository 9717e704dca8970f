import ts from "typescript"
import { commentsOf } from "../comments.ts"
import { lineOf, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/** Types mean what they say. */
export const types: Rule = {
  name: "types",
  sentence: "has no any, no non-null assertion and no switched-off check",
  check: (project) =>
    sourcesOf(project).flatMap((file) => {
      const breaches: Breach[] = []
      walk(file.tree, (node) => {
        const message = problemOf(node)
        if (message !== null) breaches.push({ file: file.path, line: lineOf(file, node), message })
      })
      for (const { line, text } of commentsOf(file)) {
        if (!/@ts-(ignore|nocheck|expect-error)\b/.test(text)) continue
        breaches.push({ file: file.path, line, message: "make the types right in place of switching their check off" })
      }
      return breaches
    }),
}

function problemOf(node: ts.Node): string | null {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any: write unknown, and parse it"
  if (ts.isNonNullExpression(node)) return "non-null assertion: test for null or undefined and say what it would mean"
  const isAssigned =
    (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)) && node.exclamationToken !== undefined
  return isAssigned ? "definite assignment: give it a value where it is declared" : null
}
