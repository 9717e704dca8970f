/**
 * From the source of one expression to a tree that is known to be small: its length, nesting and number of nodes are
 * bounded before anything walks it by recursion. What the tree may mean is decided by the compiler.
 */

import { type Expression, type Node, Parser, type Token } from "acorn"
import { ExpressionError, limitError } from "./errors.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"

/** What a part of the tree costs. Functions inside of it count as one node, since they are entered by themselves. */
export type NodeSize = {
  readonly nodes: number
  /** Levels from this node down to its deepest one. */
  readonly height: number
  readonly hasFunction: boolean
}

/** An expression that can be compiled. `sizes` knows every node of the tree; for a function it is the size inside. */
export type ParsedExpression = { readonly tree: Expression; readonly sizes: ReadonlyMap<Node, NodeSize> }

/** Reads one expression. A semicolon may follow it, a second statement may not (recorded). Throws `ExpressionError`. */
export function parseExpression(source: string): ParsedExpression {
  if (source.length > EXPRESSION_LIMITS.sourceCharsMax) {
    throw limitError("an expression that is too long", `${EXPRESSION_LIMITS.sourceCharsMax} characters`)
  }
  if (skipTrivia(source, 0) === source.length) {
    throw new ExpressionError("The expression is empty. Write something between {{ and }}.")
  }
  admitBrackets(source)
  const { tree, end } = readTree(source)
  if (skipTrivia(source, end) !== source.length) {
    throw syntaxError("there is more than one expression", positionOf(source, end))
  }
  admitTree(tree)
  const sizes = new Map<Node, NodeSize>()
  measure(tree, sizes)
  return { tree, sizes }
}

/** The parser recurses. By itself it tells of a stack that ends as of an error in the source, which it is not. */
class OpenParser extends Parser {
  catchStackOverflow<T>(read: () => T): T {
    return read()
  }
}

function readTree(source: string): { tree: Expression; end: number } {
  let end = 0
  // The tree does not hold the brackets around all of it, but the last token that was read is one of them.
  const onToken = (token: Token) => {
    end = token.end
  }
  try {
    const tree = OpenParser.parseExpressionAt(source, 0, { ecmaVersion: 2023, sourceType: "script", onToken })
    return { tree, end }
  } catch (error) {
    // Where the brackets are few, chains of operators can still exhaust the stack.
    if (error instanceof RangeError) throw nestingError()
    if (!(error instanceof SyntaxError)) throw error
    const place = "loc" in error ? (error.loc as { line: number; column: number }) : { line: 1, column: 0 }
    throw syntaxError(error.message.replace(/ \(\d+:\d+\)$/, ""), place, error)
  }
}

function syntaxError(what: string, place: { line: number; column: number }, cause?: unknown): ExpressionError {
  const where = `line ${place.line}, column ${place.column + 1}`
  return new ExpressionError(`The expression has a syntax error at ${where}: ${what}.`, { cause })
}

function positionOf(source: string, at: number): { line: number; column: number } {
  const lines = source.slice(0, at).split("\n")
  return { line: lines.length, column: lines.at(-1)?.length ?? 0 }
}

function nestingError(): ExpressionError {
  return limitError("parts inside parts", `${EXPRESSION_LIMITS.nestingMax} levels`)
}

/** Moves past white space, comments and semicolons. */
function skipTrivia(source: string, from: number): number {
  let at = from
  while (at < source.length) {
    if (/[\s;]/.test(source.charAt(at))) at++
    else if (source.startsWith("//", at)) {
      const end = source.slice(at).search(/[\n\r\u2028\u2029]/)
      at = end < 0 ? source.length : at + end
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2)
      if (end < 0) return at
      at = end + 2
    } else return at
  }
  return at
}

/** Refuses deep brackets before the parser sees them. Brackets in texts count too; no real text opens so many. */
function admitBrackets(source: string): void {
  let depth = 0
  for (const char of source) {
    if (char === "(" || char === "[" || char === "{") depth++
    else if (depth > 0 && (char === ")" || char === "]" || char === "}")) depth--
    if (depth > EXPRESSION_LIMITS.nestingMax) throw nestingError()
  }
}

function admitTree(root: Node): void {
  const open: { node: Node; depth: number }[] = [{ node: root, depth: 1 }]
  let nodes = 0
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    nodes++
    if (nodes > EXPRESSION_LIMITS.nodesMax) {
      throw limitError("an expression of too many parts", `${EXPRESSION_LIMITS.nodesMax} parts`)
    }
    const depth = entry.depth + 1
    for (const node of childrenOf(entry.node)) {
      if (depth > EXPRESSION_LIMITS.nestingMax) throw nestingError()
      open.push({ node, depth })
    }
  }
}

const FUNCTION_TYPES = new Set(["ArrowFunctionExpression", "FunctionExpression", "FunctionDeclaration"])

function measure(node: Node, sizes: Map<Node, NodeSize>): NodeSize {
  let nodes = 1
  let height = 0
  let hasFunction = false
  for (const child of childrenOf(node)) {
    const size = measure(child, sizes)
    nodes += size.nodes
    height = Math.max(height, size.height)
    hasFunction ||= size.hasFunction
  }
  const size = { nodes, height: height + 1, hasFunction }
  sizes.set(node, size)
  return FUNCTION_TYPES.has(node.type) ? { nodes: 1, height: 1, hasFunction: true } : size
}

/** The nodes right below a node, in the order of the source. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = []
  for (const value of Object.values(node)) {
    if (isNode(value)) children.push(value)
    else if (Array.isArray(value)) for (const element of value) if (isNode(element)) children.push(element)
  }
  return children
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"
}
