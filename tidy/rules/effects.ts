import ts from "typescript"
import { isProduct, lineOf, type SourceFile, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/** Where the process's environment may be read: once, at the start. Tools and tests hand it to their children. */
const environmentReaders = new Set(["packages/server/src/config.ts", "packages/server/src/main.ts"])

/** Where words for a person are printed. Everything else logs through the logger that it is handed. */
const outputFiles = new Set([
  "packages/server/src/main.ts",
  "packages/cli/src/output.ts",
  "packages/server/src/testing/global-setup.ts",
])

/** Programs that print by their nature. */
const outputFolders = /^((scripts|bench)\/(?!.*\.test\.ts$)|conformance\/main\.ts$)/

/** Time, chance, the environment and the terminal are reached only where the house allows it. */
export const effects: Rule = {
  name: "effects",
  sentence: "hands in time and chance, reads the environment once and prints in one place",
  check: (project) => sourcesOf(project).flatMap((file) => [...clockBreaches(file), ...accessBreaches(file)]),
}

/** The clock and chance, in core: they arrive inside events and arguments. */
function clockBreaches(file: SourceFile): readonly Breach[] {
  if (!file.path.startsWith("packages/core/src/") || !isProduct(file.path)) return []
  const breaches: Breach[] = []
  walk(file.tree, (node) => {
    const subject = clockSubject(node)
    if (subject === null) return
    const message = `${subject} in core: take the time (a parameter such as nowMs), or a random source, from whoever calls`
    breaches.push({ file: file.path, line: lineOf(file, node), subject, message })
  })
  return breaches
}

function clockSubject(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) {
    const text = `${lastName(node.expression)}.${node.name.text}`
    return ["Date.now", "Math.random", "DateTime.now"].includes(text) ? text : null
  }
  if (ts.isNewExpression(node)) {
    return lastName(node.expression) === "Date" && (node.arguments ?? []).length === 0 ? "new Date()" : null
  }
  if (!ts.isCallExpression(node)) return null
  if (lastName(node.expression) === "Date" && ts.isIdentifier(node.expression)) return "Date()"
  const isLuxon = ts.isPropertyAccessExpression(node.expression) && lastName(node.expression.expression) === "DateTime"
  return isLuxon && ["local", "utc"].includes(lastName(node.expression)) && node.arguments.length === 0
    ? `${node.expression.getText()}()`
    : null
}

/** `Date` of `Date` and of `globalThis.Date`. */
function lastName(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text
  return ts.isPropertyAccessExpression(node) ? node.name.text : ""
}

function accessBreaches(file: SourceFile): readonly Breach[] {
  const breaches: Breach[] = []
  walk(file.tree, (node) => {
    const message = accessProblem(file.path, node)
    if (message !== null) breaches.push({ file: file.path, line: lineOf(file, node), message })
  })
  return breaches
}

function accessProblem(path: string, node: ts.Node): string | null {
  if (isEnvironment(node) && isProduct(path) && !environmentReaders.has(path)) {
    return "process.env is read once, in config.ts: add a setting to settings-table.ts and hand its value in"
  }
  const isConsole =
    ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "console"
  if (isConsole && !outputFiles.has(path) && !outputFolders.test(path)) {
    return "console is for the files that print to a person: log through the logger that you are handed, or take the line out"
  }
  return null
}

function isEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return lastName(node.expression) === "process" && node.name.text === "env"
  if (ts.isElementAccessExpression(node)) {
    return (
      lastName(node.expression) === "process" &&
      ts.isStringLiteralLike(node.argumentExpression) &&
      node.argumentExpression.text === "env"
    )
  }
  if (ts.isBindingElement(node)) {
    const { parent } = node.parent
    return (
      ts.isVariableDeclaration(parent) &&
      parent.initializer?.getText() === "process" &&
      (node.propertyName ?? node.name).getText() === "env"
    )
  }
  return ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === "env" && isFromProcess(node)
}

function isFromProcess(node: ts.ImportSpecifier): boolean {
  const { moduleSpecifier } = node.parent.parent.parent
  return ts.isStringLiteral(moduleSpecifier) && /^(node:)?process$/.test(moduleSpecifier.text)
}
