/**
 * From the source of one expression to a closure: `source -> syntax tree -> closures over (environment, evaluation)`.
 * Names are resolved here, refusals are made here; what runs later only computes.
 */

import type { Identifier, Node } from "acorn"
import { compileCall, compileChain, compileMember, compileNew } from "./compile-access.ts"
import { compileAssignment, compileUpdate } from "./compile-assignment.ts"
import { compileFunction } from "./compile-function.ts"
import { compileList, compileLiteral, compileObject, compileTemplateLiteral } from "./compile-literal.ts"
import { compileBinary, compileConditional, compileLogical, compileSequence, compileUnary } from "./compile-operator.ts"
import { compileStatement } from "./compile-statement.ts"
import type { AnyExpression, CompileNotes, Compiler } from "./compiler.ts"
import { compilePattern } from "./destructuring.ts"
import { ExpressionError } from "./errors.ts"
import type { Code } from "./evaluation.ts"
import { findGlobal } from "./globals.ts"
import { parseExpression } from "./syntax.ts"
import { readVariable, referenceError, VariableScope } from "./variables.ts"

/** An expression, ready to run. */
export type Program = {
  readonly code: Code
  /** The fields in `$json.a.b`, where the expression is nothing but that; else null. */
  readonly path: readonly string[] | null
  readonly tracksChanges: boolean
  /** Steps of running it once, without loops and calls. */
  readonly steps: number
  /** Its height, in levels of the tree. */
  readonly height: number
  readonly nodeNames: ReadonlySet<string>
  readonly patternSize: number
}

/** Compiles the source of one expression. Throws `ExpressionError`. */
export function compileExpression(source: string): Program {
  const { tree, sizes } = parseExpression(source)
  const notes: CompileNotes = { nodeNames: new Set(), tracksChanges: false, patternSize: 0 }
  const compiler: Compiler = {
    sizes,
    notes,
    expression: (node, scope) => compileNode(compiler, node, scope),
    statement: (node, scope) => compileStatement(compiler, node, scope),
    function: (node, scope, name) => compileFunction(compiler, node, { scope, name }),
    pattern: (node, scope, use) => compilePattern(compiler, node, { scope, use }),
  }
  const code = compileNode(compiler, tree, new VariableScope(null, { isOwn: true }))
  const size = sizes.get(tree)
  return {
    code,
    path: jsonPath(tree),
    tracksChanges: notes.tracksChanges,
    steps: size?.nodes ?? 1,
    height: size?.height ?? 1,
    nodeNames: notes.nodeNames,
    patternSize: notes.patternSize,
  }
}

function compileNode(compiler: Compiler, node: AnyExpression, scope: VariableScope): Code {
  switch (node.type) {
    case "Identifier":
      return compileName(node, scope)
    case "Literal":
      return compileLiteral(compiler, node)
    case "TemplateLiteral":
      return compileTemplateLiteral(compiler, node, scope)
    case "ArrayExpression":
      return compileList(compiler, node, scope)
    case "ObjectExpression":
      return compileObject(compiler, node, scope)
    case "MemberExpression":
      return compileMember(compiler, node, scope)
    case "CallExpression":
      return compileCall(compiler, node, scope)
    case "ChainExpression":
      return compileChain(compiler, node, scope)
    case "NewExpression":
      return compileNew(compiler, node, scope)
    case "UnaryExpression":
      return compileUnary(compiler, node, scope)
    case "BinaryExpression":
      return compileBinary(compiler, node, scope)
    case "LogicalExpression":
      return compileLogical(compiler, node, scope)
    case "ConditionalExpression":
      return compileConditional(compiler, node, scope)
    case "SequenceExpression":
      return compileSequence(compiler, node, scope)
    case "AssignmentExpression":
      return compileAssignment(compiler, node, scope)
    case "UpdateExpression":
      return compileUpdate(compiler, node, scope)
    case "ArrowFunctionExpression":
    case "FunctionExpression":
      return compileFunction(compiler, node, { scope, name: "" })
    // There is nothing that a function of an expression could be called on.
    case "ThisExpression":
      return () => undefined
    default:
      throw new ExpressionError(`An expression can not use this (${REFUSED.get(node.type) ?? node.type}).`)
  }
}

/** What the parser reads and expressions do not have, in the author's words. */
const REFUSED: ReadonlyMap<Node["type"], string> = new Map([
  ["AwaitExpression", "await"],
  ["YieldExpression", "yield"],
  ["ClassExpression", "class"],
  ["ImportExpression", "import()"],
  ["MetaProperty", "new.target, import.meta"],
  ["Super", "super"],
  ["TaggedTemplateExpression", "a template with a tag"],
])

function compileName(node: Identifier, scope: VariableScope): Code {
  const found = scope.find(node.name)
  if (found !== null) return readVariable(found)
  const global = findGlobal(node.name)
  if (global !== undefined) return (_env, run) => global(run)
  return () => {
    throw referenceError(`${node.name} is not defined`)
  }
}

/** The fields of `$json.a.b`; null for any other expression. Forbidden names were refused before. */
function jsonPath(tree: AnyExpression): string[] | null {
  const path: string[] = []
  let node: Node = tree
  for (;;) {
    const link = node as AnyExpression
    if (link.type === "Identifier") return link.name === "$json" ? path.reverse() : null
    if (link.type !== "MemberExpression") return null
    const { property } = link
    if (!link.computed && property.type === "Identifier") path.push(property.name)
    else if (property.type === "Literal" && typeof property.value === "string") path.push(property.value)
    else return null
    node = link.object
  }
}
