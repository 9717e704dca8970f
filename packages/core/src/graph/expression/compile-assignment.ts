/** What changes something: `=`, `+=`, `??=`, `++`, `delete`. */

import type {
  AssignmentExpression,
  Identifier,
  MemberExpression,
  Pattern,
  UnaryExpression,
  UpdateExpression,
} from "acorn"
import { keyCode, staticName } from "./compile-access.ts"
import type { Compiler } from "./compiler.ts"
import { toNumber } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Code, Environment, Evaluation } from "./evaluation.ts"
import { deleteMember, readComputed, writeMember } from "./members.ts"
import { BINARY_OPERATIONS } from "./operators.ts"
import { assignVariable, readVariable, referenceError, type VariableScope } from "./variables.ts"

/** `a = b` and the assignments that compute. */
export function compileAssignment(compiler: Compiler, node: AssignmentExpression, scope: VariableScope): Code {
  const name = node.left.type === "Identifier" ? node.left.name : ""
  const right = isFunction(node.right)
    ? compiler.function(node.right, scope, name)
    : compiler.expression(node.right, scope)
  if (node.operator === "=") {
    const store = compiler.pattern(node.left, scope, "assign")
    return (env, run) => {
      const value = right(env, run)
      store(env, run, value)
      return value
    }
  }
  const place = compilePlace(compiler, node.left, scope)
  const operator = node.operator.slice(0, -1)
  if (operator === "&&" || operator === "||" || operator === "??") return logicalAssignment(place, operator, right)
  const operation = BINARY_OPERATIONS.get(operator)
  if (operation === undefined) throw new ExpressionError(`An expression can not use "${node.operator}".`)
  return (env, run) => {
    const spot = place(env, run)
    const value = operation(run, spot.read(), right(env, run))
    spot.write(value)
    return value
  }
}

function isFunction(
  node: AssignmentExpression["right"],
): node is Extract<AssignmentExpression["right"], { type: "ArrowFunctionExpression" | "FunctionExpression" }> {
  return node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression"
}

function logicalAssignment(place: Place, operator: "&&" | "||" | "??", right: Code): Code {
  return (env, run) => {
    const spot = place(env, run)
    const value = spot.read()
    const keeps =
      operator === "&&" ? !value : operator === "||" ? Boolean(value) : value !== null && value !== undefined
    if (keeps) return value
    const next = right(env, run)
    spot.write(next)
    return next
  }
}

/** A variable or member, found once, that can be read and then written. */
type Spot = { read(): unknown; write(value: unknown): void }
type Place = (env: Environment, run: Evaluation) => Spot

function compilePlace(compiler: Compiler, node: Pattern, scope: VariableScope): Place {
  if (node.type === "Identifier") return variablePlace(node, scope)
  if (node.type === "MemberExpression") return memberPlace(compiler, node, scope)
  throw new ExpressionError("An expression can only compute and assign to a variable or a field.")
}

function variablePlace(node: Identifier, scope: VariableScope): Place {
  const found = scope.find(node.name)
  if (found === null) {
    return () => {
      throw referenceError(`${node.name} is not defined`)
    }
  }
  const read = readVariable(found)
  const write = assignVariable(found)
  return (env, run) => ({ read: () => read(env, run), write: (value) => write(env, run, value) })
}

function memberPlace(compiler: Compiler, node: MemberExpression, scope: VariableScope): Place {
  compiler.notes.tracksChanges = true
  const object = compiler.expression(node.object, scope)
  const name = staticName(node)
  const keyOf = name === null ? keyCode(compiler, node, scope) : () => name
  return (env, run) => {
    const target = object(env, run)
    const key = keyOf(env, run)
    return {
      read: () => readComputed(run, target, key),
      write: (value) => writeMember(run, target, { key, value }),
    }
  }
}

/** `i++`, `--i`. */
export function compileUpdate(compiler: Compiler, node: UpdateExpression, scope: VariableScope): Code {
  const place = compilePlace(compiler, node.argument as Pattern, scope)
  const step = node.operator === "++" ? 1 : -1
  return (env, run) => {
    const spot = place(env, run)
    const before = toNumber(run, spot.read())
    spot.write(before + step)
    return node.prefix ? before + step : before
  }
}

/** `delete a.b`: true for whatever is no member, as the language says. */
export function compileDelete(compiler: Compiler, node: UnaryExpression, scope: VariableScope): Code {
  const target = node.argument.type === "ChainExpression" ? node.argument.expression : node.argument
  if (target.type !== "MemberExpression") {
    const code = compiler.expression(node.argument, scope)
    return (env, run) => {
      code(env, run)
      return true
    }
  }
  compiler.notes.tracksChanges = true
  const object = compiler.expression(target.object, scope)
  const name = staticName(target)
  const key = name === null ? keyCode(compiler, target, scope) : () => name
  const isOptional = target.optional
  return (env, run) => {
    const owner = object(env, run)
    if (isOptional && (owner === null || owner === undefined)) return true
    return deleteMember(run, owner, key(env, run))
  }
}
