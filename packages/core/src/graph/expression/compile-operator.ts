/** Operators: what computes a value from values and changes nothing. */

import type {
  BinaryExpression,
  ConditionalExpression,
  LogicalExpression,
  SequenceExpression,
  UnaryExpression,
} from "acorn"
import { compileDelete } from "./compile-assignment.ts"
import type { Compiler } from "./compiler.ts"
import { toNumber, typeName } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Code } from "./evaluation.ts"
import { hasGlobal } from "./globals.ts"
import { BINARY_OPERATIONS } from "./operators.ts"
import type { VariableScope } from "./variables.ts"

/** `a + b` and all others with two sides. */
export function compileBinary(compiler: Compiler, node: BinaryExpression, scope: VariableScope): Code {
  const operation = BINARY_OPERATIONS.get(node.operator)
  if (operation === undefined || node.left.type === "PrivateIdentifier") {
    throw new ExpressionError(`An expression can not use "${node.operator}" like this.`)
  }
  const left = compiler.expression(node.left, scope)
  const right = compiler.expression(node.right, scope)
  return (env, run) => operation(run, left(env, run), right(env, run))
}

/** `a && b`, `a || b`, `a ?? b`. */
export function compileLogical(compiler: Compiler, node: LogicalExpression, scope: VariableScope): Code {
  const left = compiler.expression(node.left, scope)
  const right = compiler.expression(node.right, scope)
  if (node.operator === "&&") return (env, run) => left(env, run) && right(env, run)
  if (node.operator === "||") return (env, run) => left(env, run) || right(env, run)
  return (env, run) => left(env, run) ?? right(env, run)
}

/** `a ? b : c`. */
export function compileConditional(compiler: Compiler, node: ConditionalExpression, scope: VariableScope): Code {
  const test = compiler.expression(node.test, scope)
  const consequent = compiler.expression(node.consequent, scope)
  const alternate = compiler.expression(node.alternate, scope)
  return (env, run) => (test(env, run) ? consequent(env, run) : alternate(env, run))
}

/** `a, b`: the last value. */
export function compileSequence(compiler: Compiler, node: SequenceExpression, scope: VariableScope): Code {
  const codes = node.expressions.map((expression) => compiler.expression(expression, scope))
  return (env, run) => {
    let value: unknown
    for (const code of codes) value = code(env, run)
    return value
  }
}

/** `-a`, `!a`, `typeof a` … */
export function compileUnary(compiler: Compiler, node: UnaryExpression, scope: VariableScope): Code {
  if (node.operator === "delete") return compileDelete(compiler, node, scope)
  const { argument } = node
  if (node.operator === "typeof" && argument.type === "Identifier") {
    // The one place where a name that is not defined is no error.
    if (scope.find(argument.name) === null && !hasGlobal(argument.name)) return () => "undefined"
  }
  const value = compiler.expression(argument, scope)
  switch (node.operator) {
    case "typeof":
      return (env, run) => typeName(value(env, run))
    case "!":
      return (env, run) => !value(env, run)
    case "-":
      return (env, run) => -toNumber(run, value(env, run))
    case "+":
      return (env, run) => toNumber(run, value(env, run))
    case "~":
      return (env, run) => ~toNumber(run, value(env, run))
    case "void":
      return (env, run) => {
        value(env, run)
        return undefined
      }
  }
}
