/**
 * What can be said about code before it runs: its language, its syntax, and what it uses that is not there. Findings only;
 * the code is read, never run.
 */
import { type Node, type Program, parse } from "acorn"
import type { JsonObject } from "../../json.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"

/** Findings about the code of a node. */
export function checkCode(node: GraphNode): readonly Finding[] {
  const { parameters } = node
  if ((parameters.language ?? "javaScript") !== "javaScript") {
    const message = `Write the code of ${quote(node.name)} in JavaScript: other languages are not run here and fail when they are reached.`
    return [finding(node, "language", { severity: "warning", code: "NODE_KIND_UNKNOWN", message })]
  }
  return checkText(node, parameters)
}

function checkText(node: GraphNode, { jsCode }: JsonObject): readonly Finding[] {
  const about = (severity: Finding["severity"], code: string, message: string): Finding =>
    finding(node, "jsCode", { severity, code, message })
  if (typeof jsCode !== "string" || jsCode.trim() === "") {
    return [about("error", "SETTING_MISSING", `Write the code of ${quote(node.name)} in jsCode: it has none.`)]
  }
  const read = readProgram(jsCode)
  if ("fault" in read) {
    return [about("error", "CODE_INVALID", `Correct the code of ${quote(node.name)}: ${cutText(read.fault, 200)}.`)]
  }
  return missingThings(read.program).map(({ name, line, advice }) => {
    const message = `Change line ${line} of ${quote(node.name)}: ${name} is not there when code runs here; ${advice}.`
    return about("warning", "CODE_UNAVAILABLE", message)
  })
}

function finding(node: GraphNode, field: string, about: Pick<Finding, "severity" | "code" | "message">): Finding {
  return { ...about, node: node.name, path: pathTo(pathTo(node.path, "parameters"), field) }
}

/** Longer code is not read beforehand: what is wrong with it shows when it runs. */
const readCharsMax = 200_000

function readProgram(text: string): { readonly program: Program | null } | { readonly fault: string } {
  if (text.length > readCharsMax) return { program: null }
  try {
    const program = parse(text, {
      ecmaVersion: 2023,
      sourceType: "script",
      locations: true,
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
    })
    return { program }
  } catch (error) {
    // Nested too deeply for the parser: the sandbox has bounds of its own.
    if (error instanceof RangeError) return { program: null }
    if (!(error instanceof SyntaxError)) throw error
    const line = "loc" in error ? `line ${(error.loc as { line: number }).line}: ` : ""
    return { fault: line + error.message.replace(/ \(\d+:\d+\)$/, "") }
  }
}

type Missing = { readonly name: string; readonly line: number; readonly advice: string }

const httpAdvice = "ask for it with an httpRequest node"
const waitAdvice = "wait with a Wait node"

/** What code of other places calls and does not find here, and what does the same. */
const missingCalls: ReadonlyMap<string, string> = new Map([
  ["require", "the modules of a workflow are its nodes"],
  ["fetch", httpAdvice],
  ["httpRequest", httpAdvice],
  ["httpRequestWithAuthentication", httpAdvice],
  ["setTimeout", waitAdvice],
  ["setInterval", waitAdvice],
  ["setImmediate", waitAdvice],
])

/** Calls of what is not there, once each, in the order of the text. */
function missingThings(program: Program | null): readonly Missing[] {
  const found = new Map<string, Missing>()
  const open: unknown[] = [program]
  while (open.length > 0) {
    const value = open.pop()
    if (Array.isArray(value)) open.push(...value.toReversed())
    if (!isNode(value)) continue
    const missing = missingThing(value)
    if (missing !== null && !found.has(missing.name)) found.set(missing.name, missing)
    open.push(...Object.values(value).toReversed())
  }
  return [...found.values()]
}

function missingThing(node: TreeNode): Missing | null {
  const line = node.loc?.start.line ?? 1
  if (node.type === "ImportExpression") return { name: "import()", line, advice: missingCalls.get("require") ?? "" }
  if (node.type !== "CallExpression" || !isNode(node.callee)) return null
  const { callee } = node
  // Of members only those of the helpers that code finds elsewhere; a name alone has to be that of the global function.
  const isHelper = callee.type === "MemberExpression" && isNode(callee.object) && lastName(callee.object) === "helpers"
  const name = callee.type === "Identifier" || isHelper ? lastName(callee) : null
  const advice = name === null ? undefined : missingCalls.get(name)
  return name === null || advice === undefined ? null : { name, line, advice }
}

type TreeNode = Node & { readonly [key: string]: unknown }

function isNode(value: unknown): value is TreeNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
}

/** `b` of `b` and of `a.b`. */
function lastName(node: TreeNode): string | null {
  if (node.type === "Identifier") return typeof node.name === "string" ? node.name : null
  const { property } = node
  return node.type === "MemberExpression" && isNode(property) ? lastName(property) : null
}
