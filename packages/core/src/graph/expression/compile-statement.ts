/** Statements inside functions, loops apart. */

import type { BlockStatement, CatchClause, IfStatement, Statement, SwitchStatement, TryStatement } from "acorn"
import { compileStatements, declareNames, hasLexical, innerEnvironment } from "./block.ts"
import { compileDoWhile, compileFor, compileForEach, compileWhile } from "./compile-loop.ts"
import { type Compiler, type StatementCode, sizeOf } from "./compiler.ts"
import { namesIn } from "./destructuring.ts"
import { ExpressionError } from "./errors.ts"
import { strictEquals } from "./operators.ts"
import { Thrown } from "./values.ts"
import { VariableScope } from "./variables.ts"

/** Compiles one statement. Throws `ExpressionError` for what expressions do not have. */
export function compileStatement(compiler: Compiler, node: Statement, scope: VariableScope): StatementCode {
  switch (node.type) {
    case "ExpressionStatement":
      return compileEffect(compiler, node, scope)
    case "VariableDeclaration":
      return compileDeclaration(compiler, node, scope)
    case "ReturnStatement":
      return compileReturn(compiler, node, scope)
    case "ThrowStatement":
      return compileThrow(compiler, node, scope)
    case "BlockStatement":
      return compileBlock(compiler, node, scope)
    case "IfStatement":
      return compileIf(compiler, node, scope)
    case "ForStatement":
      return compileFor(compiler, node, scope)
    case "ForOfStatement":
    case "ForInStatement":
      return compileForEach(compiler, node, scope)
    case "WhileStatement":
      return compileWhile(compiler, node, scope)
    case "DoWhileStatement":
      return compileDoWhile(compiler, node, scope)
    case "SwitchStatement":
      return compileSwitch(compiler, node, scope)
    case "TryStatement":
      return compileTry(compiler, node, scope)
    case "BreakStatement":
    case "ContinueStatement":
      return compileJump(node)
    case "EmptyStatement":
    case "FunctionDeclaration":
      return () => undefined
    default:
      throw new ExpressionError(`An expression can not use this statement (${node.type}). Do it in a Code node.`)
  }
}

type Of<Type extends Statement["type"]> = Extract<Statement, { type: Type }>

function compileEffect(compiler: Compiler, node: Of<"ExpressionStatement">, scope: VariableScope): StatementCode {
  const code = compiler.expression(node.expression, scope)
  return (env, run) => {
    code(env, run)
    return undefined
  }
}

function compileDeclaration(compiler: Compiler, node: Of<"VariableDeclaration">, scope: VariableScope): StatementCode {
  if (node.kind !== "var" && node.kind !== "let" && node.kind !== "const") {
    throw new ExpressionError("An expression can not use this kind of declaration. Use const or let.")
  }
  const steps = node.declarations.flatMap(({ id, init }) => {
    if (!init && node.kind === "var") return []
    const store = compiler.pattern(id, scope, "declare")
    if (!init) return [{ store, value: () => undefined }]
    const isFunction = init.type === "ArrowFunctionExpression" || init.type === "FunctionExpression"
    const name = id.type === "Identifier" ? id.name : ""
    const value = isFunction ? compiler.function(init, scope, name) : compiler.expression(init, scope)
    return [{ store, value }]
  })
  return (env, run) => {
    for (const { store, value } of steps) store(env, run, value(env, run))
    return undefined
  }
}

function compileReturn(compiler: Compiler, node: Of<"ReturnStatement">, scope: VariableScope): StatementCode {
  const value = node.argument ? compiler.expression(node.argument, scope) : () => undefined
  return (env, run) => {
    run.returned = value(env, run)
    return "return"
  }
}

function compileThrow(compiler: Compiler, node: Of<"ThrowStatement">, scope: VariableScope): StatementCode {
  const value = compiler.expression(node.argument, scope)
  return (env, run) => {
    throw new Thrown(value(env, run))
  }
}

function compileJump(node: Of<"BreakStatement"> | Of<"ContinueStatement">): StatementCode {
  if (node.label)
    throw new ExpressionError("An expression can not use labels. Put the loop into a function and return.")
  const completion = node.type === "BreakStatement" ? "break" : "continue"
  return () => completion
}

function compileBlock(compiler: Compiler, node: BlockStatement, scope: VariableScope): StatementCode {
  const isOwn = hasLexical(node.body) && sizeOf(compiler, node).hasFunction
  const inner = new VariableScope(scope, { isOwn })
  const statements = compileStatements(compiler, node.body, inner)
  return isOwn ? (env, run) => statements(innerEnvironment(env, inner), run) : statements
}

function compileIf(compiler: Compiler, node: IfStatement, scope: VariableScope): StatementCode {
  const test = compiler.expression(node.test, scope)
  const consequent = compiler.statement(node.consequent, scope)
  const alternate = node.alternate ? compiler.statement(node.alternate, scope) : () => undefined
  return (env, run) => (test(env, run) ? consequent(env, run) : alternate(env, run))
}

function compileSwitch(compiler: Compiler, node: SwitchStatement, scope: VariableScope): StatementCode {
  const subject = compiler.expression(node.discriminant, scope)
  const lines = node.cases.flatMap(({ consequent }) => consequent)
  const isOwn = hasLexical(lines) && sizeOf(compiler, node).hasFunction
  const inner = new VariableScope(scope, { isOwn })
  for (const line of lines) if (line.type === "VariableDeclaration" && line.kind !== "var") declareNames(line, inner)
  const cases = node.cases.map(({ test, consequent }) => ({
    test: test ? compiler.expression(test, inner) : null,
    body: compileStatements(compiler, consequent, inner),
  }))
  const fallback = cases.findIndex(({ test }) => test === null)
  return (outer, run) => {
    const env = isOwn ? innerEnvironment(outer, inner) : outer
    const value = subject(env, run)
    const found = cases.findIndex(({ test }) => test !== null && strictEquals(run, test(env, run), value))
    const from = found < 0 ? fallback : found
    if (from < 0) return undefined
    for (const { body } of cases.slice(from)) {
      const completion = body(env, run)
      if (completion === "break") return undefined
      if (completion !== undefined) return completion
    }
    return undefined
  }
}

/** Steps of catching an error: the platform unwinds its stack, and may have written down where it was. */
const CATCH_STEPS = 100

function compileTry(compiler: Compiler, node: TryStatement, scope: VariableScope): StatementCode {
  const block = compiler.statement(node.block, scope)
  const caught = node.handler ? compileCatch(compiler, { block, handler: node.handler }, scope) : block
  if (!node.finalizer) return caught
  const finalizer = compiler.statement(node.finalizer, scope)
  return (env, run) => {
    let thrown: Thrown | null = null
    let completion: ReturnType<StatementCode>
    const { stackUnits } = run
    try {
      completion = caught(env, run)
    } catch (error) {
      // What ends the evaluation (a limit, a refusal) runs nothing more.
      if (!(error instanceof Thrown)) throw error
      run.charge(CATCH_STEPS)
      run.stackUnits = stackUnits
      thrown = error
    }
    const { returned } = run
    const last = finalizer(env, run)
    if (last !== undefined) return last
    if (thrown !== null) throw thrown
    run.returned = returned
    return completion
  }
}

function compileCatch(
  compiler: Compiler,
  parts: { block: StatementCode; handler: CatchClause },
  scope: VariableScope,
): StatementCode {
  const { block, handler } = parts
  const isOwn = sizeOf(compiler, handler).hasFunction
  const inner = new VariableScope(scope, { isOwn })
  for (const name of handler.param ? namesIn(handler.param) : []) inner.declare(name, "parameter")
  const store = handler.param ? compiler.pattern(handler.param, inner, "declare") : () => undefined
  const body = compiler.statement(handler.body, inner)
  return (outer, run) => {
    const { stackUnits } = run
    try {
      return block(outer, run)
    } catch (error) {
      if (!(error instanceof Thrown)) throw error
      run.charge(CATCH_STEPS)
      run.stackUnits = stackUnits
      const env = isOwn ? innerEnvironment(outer, inner) : outer
      store(env, run, error.value)
      return body(env, run)
    }
  }
}
