/** Functions: parameters, the environment of a call, and what a call costs. */

import type { Pattern } from "acorn"
import { compileStatements, declareVars, innerEnvironment } from "./block.ts"
import { type Compiler, type FunctionNode, sizeOf } from "./compiler.ts"
import { compilePattern, namesIn } from "./destructuring.ts"
import { ExpressionError } from "./errors.ts"
import type { Code, Environment, Evaluation } from "./evaluation.ts"
import { FunctionValue } from "./values.ts"
import { UNSET, VariableScope } from "./variables.ts"

/** Puts the arguments of a call into the environment of the call. */
type Bind = (env: Environment, run: Evaluation, args: readonly unknown[]) => void

/** A function value. `name` is what it is assigned to, for messages. */
export function compileFunction(compiler: Compiler, node: FunctionNode, place: FunctionPlace): Code {
  if (node.async) throw new ExpressionError("An expression can not wait (async, await). Do it in a Code node.")
  if (node.generator) throw new ExpressionError("An expression can not use generators (function*).")
  const scope = new VariableScope(place.scope, { isOwn: true })
  const name = node.id?.name ?? place.name
  const bind = compileParameters(compiler, node.params, scope)
  const own = node.type === "FunctionExpression" && node.id ? scope.declare(node.id.name, "function") : null
  const body = compileBody(compiler, node, scope)
  const { nodes, height } = sizeOf(compiler, node)
  return (outer) => {
    const value: FunctionValue = new FunctionValue(name, (run, args) => {
      run.charge(nodes)
      run.enter(height)
      const env = innerEnvironment(outer, scope)
      if (own !== null) env[own.slot] = value
      bind(env, run, args)
      const result = body(env, run)
      run.leave(height)
      return result
    })
    return value
  }
}

/** Where a function stands. */
export type FunctionPlace = { readonly scope: VariableScope; readonly name: string }

function compileParameters(compiler: Compiler, params: readonly Pattern[], scope: VariableScope): Bind {
  const isSimple = params.every((param) => param.type === "Identifier")
  // With defaults among them, a parameter can not be read by those before it.
  const slots = params.flatMap(namesIn).map((name) => scope.declare(name, isSimple ? "parameter" : "let").slot)
  if (isSimple) {
    return (env, _run, args) => {
      for (let index = 0; index < slots.length; index++) env[slots[index] ?? 0] = args[index]
    }
  }
  const stores = params.map((param) => ({
    isRest: param.type === "RestElement",
    store: compilePattern(compiler, param, { scope, use: "declare" }),
  }))
  return (env, run, args) => {
    for (const slot of slots) env[slot] = UNSET
    for (const [index, { isRest, store }] of stores.entries()) {
      if (isRest) run.charge(args.length)
      store(env, run, isRest ? run.own(args.slice(index)) : args[index])
    }
  }
}

function compileBody(compiler: Compiler, node: FunctionNode, scope: VariableScope): Code {
  if (node.body.type !== "BlockStatement") return compiler.expression(node.body, scope)
  const { body } = node.body
  declareVars(body, scope)
  const statements = compileStatements(compiler, body, scope)
  return (env, run) => {
    if (statements(env, run) !== "return") return undefined
    const value = run.returned
    run.returned = undefined
    return value
  }
}
