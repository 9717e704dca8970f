/**
 * Loops. Each turn is counted before it is taken. Where functions in a loop may hold on to its variables, each turn has
 * an environment of its own, as the language wants it.
 */

import type {
  DoWhileStatement,
  ForInStatement,
  ForOfStatement,
  ForStatement,
  VariableDeclaration,
  WhileStatement,
} from "acorn"
import { declareNames, innerEnvironment } from "./block.ts"
import { type Compiler, type StatementCode, sizeOf } from "./compiler.ts"
import { fieldNames, toElements } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Code, Evaluation } from "./evaluation.ts"
import { type Store, UNSET, VariableScope } from "./variables.ts"

/** `while (a) b`. */
export function compileWhile(compiler: Compiler, node: WhileStatement, scope: VariableScope): StatementCode {
  const test = compiler.expression(node.test, scope)
  const body = compiler.statement(node.body, scope)
  const { nodes } = sizeOf(compiler, node)
  return (env, run) => {
    for (;;) {
      run.charge(nodes)
      if (!test(env, run)) return undefined
      const completion = body(env, run)
      if (completion === "break") return undefined
      if (completion === "return") return completion
    }
  }
}

/** `do a while (b)`. */
export function compileDoWhile(compiler: Compiler, node: DoWhileStatement, scope: VariableScope): StatementCode {
  const test = compiler.expression(node.test, scope)
  const body = compiler.statement(node.body, scope)
  const { nodes } = sizeOf(compiler, node)
  return (env, run) => {
    do {
      run.charge(nodes)
      const completion = body(env, run)
      if (completion === "break") return undefined
      if (completion === "return") return completion
    } while (test(env, run))
    return undefined
  }
}

/** `for (let i = 0; i < n; i++) a`. */
export function compileFor(compiler: Compiler, node: ForStatement, outer: VariableScope): StatementCode {
  const isOwn = isLexical(node.init) && sizeOf(compiler, node).hasFunction
  const scope = new VariableScope(outer, { isOwn })
  const start = compileStart(compiler, node.init, scope)
  const test = node.test ? compiler.expression(node.test, scope) : () => true
  const update = node.update ? compiler.expression(node.update, scope) : () => undefined
  const body = compiler.statement(node.body, scope)
  const { nodes } = sizeOf(compiler, node)
  return (around, run) => {
    let env = isOwn ? innerEnvironment(around, scope) : around
    start(env, run)
    for (;;) {
      run.charge(nodes)
      if (!test(env, run)) return undefined
      const completion = body(env, run)
      if (completion === "break") return undefined
      if (completion === "return") return completion
      if (isOwn) env = [...env]
      update(env, run)
    }
  }
}

function compileStart(compiler: Compiler, init: ForStatement["init"], scope: VariableScope): Code {
  if (!init) return () => undefined
  if (init.type !== "VariableDeclaration") return compiler.expression(init, scope)
  if (init.kind !== "var") declareNames(init, scope)
  return compiler.statement(init, scope)
}

function isLexical(node: ForStatement["init"] | ForOfStatement["left"]): node is VariableDeclaration {
  return node?.type === "VariableDeclaration" && node.kind !== "var"
}

/** `for (const a of list) b` and `for (const name in object) b`. */
export function compileForEach(
  compiler: Compiler,
  node: ForOfStatement | ForInStatement,
  outer: VariableScope,
): StatementCode {
  if (node.type === "ForOfStatement" && node.await) throw new ExpressionError("An expression can not wait (for await).")
  const isOwn = isLexical(node.left) && sizeOf(compiler, node).hasFunction
  const scope = new VariableScope(outer, { isOwn })
  // The loop's own names are known where its list is computed, and can not be read there yet.
  const unset = isLexical(node.left) ? declareNames(node.left, scope) : []
  const subject = compiler.expression(node.right, scope)
  const store = compileTarget(compiler, node.left, scope)
  const body = compiler.statement(node.body, scope)
  const { nodes } = sizeOf(compiler, node)
  const elementsOf = node.type === "ForOfStatement" ? toElements : namesToVisit
  return (around, run) => {
    const head = isOwn ? innerEnvironment(around, scope) : around
    for (const slot of unset) head[slot] = UNSET
    const elements = elementsOf(run, subject(head, run))
    for (let index = 0; index < elements.length; index++) {
      run.charge(nodes)
      const env = isOwn ? innerEnvironment(around, scope) : around
      store(env, run, elements[index])
      const completion = body(env, run)
      if (completion === "break") return undefined
      if (completion === "return") return completion
    }
    return undefined
  }
}

function compileTarget(compiler: Compiler, left: ForOfStatement["left"], scope: VariableScope): Store {
  if (left.type !== "VariableDeclaration") return compiler.pattern(left, scope, "assign")
  const [declaration] = left.declarations
  if (declaration === undefined) throw new ExpressionError("The loop names no variable.")
  return compiler.pattern(declaration.id, scope, "declare")
}

function namesToVisit(run: Evaluation, value: unknown): readonly string[] {
  return value === null || value === undefined ? [] : fieldNames(run, value)
}
