/**
 * What the parts of the compiler know of each other. Each part turns nodes of one sort into closures and asks for the
 * rest through this interface; `compile.ts` joins them.
 */

import type { Expression, Node, Pattern, Property, SpreadElement, Statement, Super } from "acorn"
import type { Code, Environment, Evaluation } from "./evaluation.ts"
import type { NodeSize } from "./syntax.ts"
import type { Store, VariableScope } from "./variables.ts"

/** How a statement ended: undefined where the next one follows. A returned value waits in `run.returned`. */
export type Completion = "break" | "continue" | "return" | undefined

/** A statement, ready to run. */
export type StatementCode = (env: Environment, run: Evaluation) => Completion

/** How the names in a pattern are meant: new variables of the scope, or places that exist. */
export type PatternUse = "declare" | "assign"

/** What is found out about an expression while it is compiled. */
export type CompileNotes = {
  /** Names of nodes that stand literally in `$('…')`, `$items('…')` and `$node["…"]`. */
  readonly nodeNames: Set<string>
  /** Whether the expression can change an object that it made. */
  tracksChanges: boolean
  /** Size of the regular expressions in it. */
  patternSize: number
}

/** An expression as the grammar has it in more than one place. */
export type AnyExpression = Expression | Super

/** The parts of the compiler. */
export type Compiler = {
  readonly sizes: ReadonlyMap<Node, NodeSize>
  readonly notes: CompileNotes
  expression(node: AnyExpression, scope: VariableScope): Code
  statement(node: Statement, scope: VariableScope): StatementCode
  /** A function value; `name` is what it is assigned to. */
  function(node: FunctionNode, scope: VariableScope, name: string): Code
  /** Puts a value into the names and places of a pattern. */
  pattern(node: Pattern, scope: VariableScope, use: PatternUse): Store
}

/** The nodes that make a function. */
export type FunctionNode = Extract<
  Expression | Statement,
  { type: "ArrowFunctionExpression" | "FunctionExpression" | "FunctionDeclaration" }
>

/** The fields of an object in braces. */
export type ObjectPart = Property | SpreadElement

/** The size of a node that the parser measured. */
export function sizeOf(compiler: Compiler, node: Node): NodeSize {
  const size = compiler.sizes.get(node)
  if (size === undefined) throw new Error("A node was compiled that was not measured.")
  return size
}
