/**
 * Statements in a row: the names they make are known from the first line on (`let` and `const` may not be read yet),
 * functions are there before the first line runs, and one abrupt end ends them all.
 */

import type { FunctionDeclaration, Statement, VariableDeclaration } from "acorn"
import type { Compiler, StatementCode } from "./compiler.ts"
import { namesIn } from "./destructuring.ts"
import type { Environment } from "./evaluation.ts"
import { initializeVariable, UNSET, type VariableScope } from "./variables.ts"

/** Compiles statements whose `let`, `const` and functions belong to `scope`. */
export function compileStatements(
  compiler: Compiler,
  statements: readonly Statement[],
  scope: VariableScope,
): StatementCode {
  const unset = declareLexical(statements, scope)
  const declarations = statements.filter((statement) => statement.type === "FunctionDeclaration")
  for (const node of declarations) scope.declare(node.id.name, "function")
  const functions = declarations.map((node) => hoistFunction(compiler, node, scope))
  const codes = statements.map((statement) => compiler.statement(statement, scope))
  return (env, run) => {
    for (const slot of unset) env[slot] = UNSET
    for (const { store, code } of functions) store(env, run, code(env, run))
    for (const code of codes) {
      const completion = code(env, run)
      if (completion !== undefined) return completion
    }
    return undefined
  }
}

function hoistFunction(compiler: Compiler, node: FunctionDeclaration, scope: VariableScope) {
  const found = scope.find(node.id.name)
  if (found === null) throw new Error("A function was hoisted that was not declared.")
  return { store: initializeVariable(found), code: compiler.function(node, scope, node.id.name) }
}

function declareLexical(statements: readonly Statement[], scope: VariableScope): number[] {
  const slots: number[] = []
  for (const statement of statements) {
    if (statement.type !== "VariableDeclaration" || statement.kind === "var") continue
    slots.push(...declareNames(statement, scope))
  }
  return slots
}

/** Makes the variables of one declaration, and gives their slots. */
export function declareNames(node: VariableDeclaration, scope: VariableScope): number[] {
  const kind = node.kind === "var" ? "var" : node.kind === "const" ? "const" : "let"
  return node.declarations.flatMap(({ id }) => namesIn(id)).map((name) => scope.declare(name, kind).slot)
}

/** True where the statements make names of their own that functions might hold on to. */
export function hasLexical(statements: readonly Statement[]): boolean {
  return statements.some(
    (statement) =>
      statement.type === "FunctionDeclaration" ||
      (statement.type === "VariableDeclaration" && statement.kind !== "var"),
  )
}

/** Makes the variables of every `var` in a function's statements, however deep, but not in functions inside of it. */
export function declareVars(statements: readonly (Statement | null | undefined)[], scope: VariableScope): void {
  for (const statement of statements) {
    if (statement === null || statement === undefined) continue
    if (statement.type === "VariableDeclaration") {
      if (statement.kind === "var") declareNames(statement, scope)
    } else declareVars(innerStatements(statement), scope)
  }
}

function innerStatements(node: Statement): (Statement | null | undefined)[] {
  switch (node.type) {
    case "BlockStatement":
      return node.body
    case "IfStatement":
      return [node.consequent, node.alternate]
    case "ForStatement":
      return [node.init?.type === "VariableDeclaration" ? node.init : null, node.body]
    case "ForInStatement":
    case "ForOfStatement":
      return [node.left.type === "VariableDeclaration" ? node.left : null, node.body]
    case "WhileStatement":
    case "DoWhileStatement":
      return [node.body]
    case "TryStatement":
      return [node.block, node.handler?.body, node.finalizer]
    case "SwitchStatement":
      return node.cases.flatMap(({ consequent }) => consequent)
    default:
      return []
  }
}

/** An environment for a scope of its own inside of `outer`. */
export function innerEnvironment(outer: Environment, scope: VariableScope): Environment {
  const env: Environment = [outer]
  for (let slot = 1; slot < scope.frame.slots; slot++) env.push(undefined)
  return env
}
