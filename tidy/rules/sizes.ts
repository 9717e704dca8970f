import ts from "typescript"
import { isTest, lineOf, type ProjectFile, type SourceFile, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/**
 * The hard stops, in lines. The aims are lower (a file 400, a function 60): whoever comes near the stop has missed them.
 * Tests are lists of sentences and may be longer; a function that only groups tests is not counted.
 */
export const bounds = {
  file: 500,
  testFile: 800,
  function: 70,
  testFunction: 120,
} as const

/** Pages with a bound of their own, in lines, by path or by folder with a slash at its end. */
const pageBounds: Readonly<Record<string, number>> = { "ARCHITECTURE.md": 300, "docs/adr/": 60 }

/** Files and functions that can be read in one sitting. */
export const sizes: Rule = {
  name: "sizes",
  sentence: "keeps files, functions and pages within their bounds",
  check: (project) => [
    ...[...project.files.values()].flatMap(checkFile),
    ...sourcesOf(project).flatMap(checkFunctions),
  ],
}

function checkFile(file: ProjectFile): readonly Breach[] {
  const bound = fileBound(file.path)
  const lines = lineCount(file.text)
  if (bound === null || lines <= bound) return []
  return [
    {
      file: file.path,
      line: 1,
      measure: lines,
      message: `the file has ${lines} lines, at most ${bound} are allowed: split it by what its parts are about`,
    },
  ]
}

function fileBound(path: string): number | null {
  if (/\.(tsx?|mjs|py|sql)$/.test(path)) return isTest(path) ? bounds.testFile : bounds.file
  const page = Object.keys(pageBounds).find((name) => (name.endsWith("/") ? path.startsWith(name) : path === name))
  return page === undefined ? null : (pageBounds[page] ?? null)
}

function checkFunctions(file: SourceFile): readonly Breach[] {
  const bound = isTest(file.path) ? bounds.testFunction : bounds.function
  const breaches: Breach[] = []
  walk(file.tree, (node) => {
    if (!isFunctionWithBody(node) || (isTest(file.path) && groupsTests(node))) return
    const lines = lineCount(node.getText(file.tree))
    if (lines <= bound) return
    const subject = nameOf(node)
    const message = `the function ${subject} has ${lines} lines, at most ${bound} are allowed: take the pure parts out of it`
    breaches.push({ file: file.path, line: lineOf(file, node), subject, measure: lines, message })
  })
  return breaches
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined
}

/** True for a function that declares tests (`it(…)`, `describe(…)`), not for a function inside one. */
function groupsTests(node: ts.FunctionLikeDeclaration): boolean {
  let found = false
  const visit = (child: ts.Node): void => {
    if (found) return
    if (ts.isCallExpression(child) && /^(it|test|describe)\b/.test(child.expression.getText())) found = true
    else ts.forEachChild(child, visit)
  }
  if (node.body !== undefined) visit(node.body)
  return found
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText()
  return ts.isConstructorDeclaration(node) ? "constructor" : "without a name"
}

function lineCount(text: string): number {
  const lines = text.split("\n").length
  return text.endsWith("\n") ? lines - 1 : lines
}
