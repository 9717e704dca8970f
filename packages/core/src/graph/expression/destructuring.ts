/** Patterns on the left of `=`, in parameters and in `for … of`: names, places, `{a, b: c = 1, ...rest}`, `[x, , y]`. */

import type { ArrayPattern, AssignmentPattern, Identifier, MemberExpression, ObjectPattern, Pattern } from "acorn"
import { keyCode, staticName } from "./compile-access.ts"
import type { Compiler, PatternUse } from "./compiler.ts"
import { fieldNames, fieldValue, putField, toElements, toKey } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Environment, Evaluation } from "./evaluation.ts"
import { admitName, readMember, writeMember } from "./members.ts"
import { typeError } from "./values.ts"
import { assignVariable, initializeVariable, referenceError, type Store, type VariableScope } from "./variables.ts"

/** Where a pattern stands. With "declare" its names exist in the scope already. */
export type PatternPlace = { readonly scope: VariableScope; readonly use: PatternUse }

/** Puts a value into all that a pattern names. */
export function compilePattern(compiler: Compiler, node: Pattern, place: PatternPlace): Store {
  switch (node.type) {
    case "Identifier":
      return nameStore(node, place)
    case "MemberExpression":
      return memberStore(compiler, node, place)
    case "ObjectPattern":
      return objectStore(compiler, node, place)
    case "ArrayPattern":
      return listStore(compiler, node, place)
    case "AssignmentPattern":
      return defaultStore(compiler, node, place)
    case "RestElement":
      return compilePattern(compiler, node.argument, place)
  }
}

/** The names that a pattern makes. */
export function namesIn(node: Pattern): string[] {
  switch (node.type) {
    case "Identifier":
      return [node.name]
    case "MemberExpression":
      return []
    case "ObjectPattern":
      return node.properties.flatMap((part) => namesIn(part.type === "RestElement" ? part.argument : part.value))
    case "ArrayPattern":
      return node.elements.flatMap((element) => (element === null ? [] : namesIn(element)))
    case "AssignmentPattern":
      return namesIn(node.left)
    case "RestElement":
      return namesIn(node.argument)
  }
}

function nameStore(node: Identifier, place: PatternPlace): Store {
  const found = place.scope.find(node.name)
  if (found !== null) return place.use === "declare" ? initializeVariable(found) : assignVariable(found)
  return () => {
    throw referenceError(`${node.name} is not defined`)
  }
}

function memberStore(compiler: Compiler, node: MemberExpression, place: PatternPlace): Store {
  compiler.notes.tracksChanges = true
  const object = compiler.expression(node.object, place.scope)
  const name = staticName(node)
  const key = name === null ? keyCode(compiler, node, place.scope) : () => name
  return (env, run, value) => writeMember(run, object(env, run), { key: key(env, run), value })
}

type FieldStore = { readonly key: (env: Environment, run: Evaluation) => string; readonly store: Store }

function objectStore(compiler: Compiler, node: ObjectPattern, place: PatternPlace): Store {
  const fields: FieldStore[] = []
  let rest: Store | null = null
  for (const part of node.properties) {
    if (part.type === "RestElement") rest = compilePattern(compiler, part.argument, place)
    else {
      const store = compilePattern(compiler, part.value, place)
      fields.push({ key: patternKey(compiler, part, place), store })
    }
  }
  return (env, run, value) => {
    if (value === null || value === undefined) throw typeError(`Cannot destructure '${value}'`)
    const taken = new Set<string>()
    for (const { key, store } of fields) {
      const name = key(env, run)
      if (rest !== null) taken.add(name)
      store(env, run, readMember(run, value, name))
    }
    rest?.(env, run, restFields(run, value, taken))
  }
}

function patternKey(
  compiler: Compiler,
  part: Extract<ObjectPattern["properties"][number], { type: "Property" }>,
  place: PatternPlace,
): FieldStore["key"] {
  if (!part.computed) {
    const name = admitName(part.key.type === "Identifier" ? part.key.name : literalName(part.key))
    return () => name
  }
  const code = compiler.expression(part.key, place.scope)
  return (env, run) => admitName(toKey(run, code(env, run)))
}

/** The name that a literal key spells. */
export function literalName(key: { type: string; value?: unknown }): string {
  if (typeof key.value === "string" || typeof key.value === "number") return String(key.value)
  throw new ExpressionError("An expression can only use names, texts and numbers as keys of an object.")
}

function restFields(run: Evaluation, value: unknown, taken: ReadonlySet<string>): Record<string, unknown> {
  const rest: Record<string, unknown> = {}
  for (const name of fieldNames(run, value)) if (!taken.has(name)) putField(rest, name, fieldValue(value, name))
  return run.own(rest)
}

function listStore(compiler: Compiler, node: ArrayPattern, place: PatternPlace): Store {
  const stores = node.elements.map((element) => (element === null ? null : compilePattern(compiler, element, place)))
  const last = node.elements.at(-1)
  const hasRest = last?.type === "RestElement"
  return (env, run, value) => {
    const elements = toElements(run, value)
    for (const [index, store] of stores.entries()) {
      const isRest = hasRest && index === stores.length - 1
      store?.(env, run, isRest ? run.own(elements.slice(index)) : elements[index])
    }
  }
}

function defaultStore(compiler: Compiler, node: AssignmentPattern, place: PatternPlace): Store {
  const store = compilePattern(compiler, node.left, place)
  const fallback = compiler.expression(node.right, place.scope)
  return (env, run, value) => store(env, run, value === undefined ? fallback(env, run) : value)
}
