/** Values that are written out: texts, numbers, regular expressions, templates, lists and objects. */

import type { ArrayExpression, Expression, Literal, ObjectExpression, Property, TemplateLiteral } from "acorn"
import { compileElements } from "./compile-access.ts"
import type { Compiler } from "./compiler.ts"
import { fieldNames, fieldValue, putField, toKey, toText } from "./convert.ts"
import { literalName } from "./destructuring.ts"
import { ExpressionError } from "./errors.ts"
import type { Code, Environment, Evaluation } from "./evaluation.ts"
import { forbiddenName } from "./operators.ts"
import { compilePattern, PatternValue } from "./pattern.ts"
import { ErrorValue, type FieldObject, isFieldObject, Thrown } from "./values.ts"
import type { VariableScope } from "./variables.ts"

/** `1`, `"a"`, `null`, `/a+/g`. */
export function compileLiteral(compiler: Compiler, node: Literal): Code {
  if (node.regex !== undefined) return regularExpression(compiler, node.regex)
  if (node.bigint !== undefined || typeof node.value === "bigint") {
    throw new ExpressionError("An expression can not use big integers (10n). Use a number, or do it in a Code node.")
  }
  const value: unknown = node.value
  return () => value
}

function regularExpression(compiler: Compiler, regex: { pattern: string; flags: string }): Code {
  const pattern = readPattern(regex)
  compiler.notes.patternSize += pattern.size
  // Each evaluation has its own position in it.
  return () => new PatternValue(pattern)
}

function readPattern(regex: { pattern: string; flags: string }) {
  try {
    return compilePattern(regex.pattern, regex.flags)
  } catch (error) {
    if (!(error instanceof Thrown)) throw error
    const what = error.value instanceof ErrorValue ? error.value.message : "invalid"
    throw new ExpressionError(`The expression has a regular expression that is not valid: ${what}.`)
  }
}

/** `` `a ${b}` ``. */
export function compileTemplateLiteral(compiler: Compiler, node: TemplateLiteral, scope: VariableScope): Code {
  const texts = node.quasis.map((quasi) => quasi.value.cooked ?? "")
  const values = node.expressions.map((expression) => compiler.expression(expression, scope))
  return (env, run) => {
    let text = texts[0] ?? ""
    for (const [index, value] of values.entries()) {
      text = run.join(run.join(text, toText(run, value(env, run))), texts[index + 1] ?? "")
    }
    return text
  }
}

/** `[a, ...b]`. */
export function compileList(compiler: Compiler, node: ArrayExpression, scope: VariableScope): Code {
  const elements = compileElements(compiler, node.elements, scope)
  return (env, run) => run.own(elements(env, run))
}

/** Puts one part of an object in braces into it. */
type Put = (env: Environment, run: Evaluation, target: FieldObject) => void

/** `{a, b: 1, [c]: 2, ...d}`. */
export function compileObject(compiler: Compiler, node: ObjectExpression, scope: VariableScope): Code {
  const puts = node.properties.map((part) =>
    part.type === "SpreadElement" ? spread(compiler, part.argument, scope) : field(compiler, part, scope),
  )
  return (env, run) => {
    const target: FieldObject = {}
    for (const put of puts) put(env, run, target)
    return run.own(target)
  }
}

function spread(compiler: Compiler, node: Expression, scope: VariableScope): Put {
  const code = compiler.expression(node, scope)
  return (env, run, target) => {
    const value = code(env, run)
    const hasFields = typeof value === "string" || Array.isArray(value) || isFieldObject(value)
    if (!hasFields) return
    for (const name of fieldNames(run, value)) putField(target, name, fieldValue(value, name))
  }
}

function field(compiler: Compiler, part: Property, scope: VariableScope): Put {
  if (part.kind !== "init") throw new ExpressionError("An expression can not use getters and setters.")
  const isFunction = part.value.type === "ArrowFunctionExpression" || part.value.type === "FunctionExpression"
  if (!part.computed) {
    const name = part.key.type === "Identifier" ? part.key.name : literalName(part.key)
    if (name === "__proto__") throw forbiddenName(name)
    const value = isFunction
      ? compiler.function(part.value as FunctionPart, scope, name)
      : compiler.expression(part.value, scope)
    return (env, run, target) => {
      target[name] = value(env, run)
    }
  }
  const key = compiler.expression(part.key, scope)
  const value = compiler.expression(part.value, scope)
  return (env, run, target) => putField(target, toKey(run, key(env, run)), value(env, run))
}

type FunctionPart = Extract<Expression, { type: "ArrowFunctionExpression" | "FunctionExpression" }>
