/**
 * Members, calls, optional chains and `new`.
 *
 * In an optional chain every link may answer `SHORT`, which says that the chain ended early at a `?.`; the end of the
 * chain turns it into undefined. Outside of a chain no link can answer that, so that nothing has to ask.
 */

import type { CallExpression, ChainExpression, MemberExpression, NewExpression, SpreadElement } from "acorn"
import type { AnyExpression, Compiler } from "./compiler.ts"
import { toElements, toKey } from "./convert.ts"
import { ExpressionError } from "./errors.ts"
import type { Code, Environment, Evaluation } from "./evaluation.ts"
import { admitName, CHANGING_METHODS, callMember, hasCallable, readComputed, readMember } from "./members.ts"
import { FunctionValue, typeError } from "./values.ts"
import type { VariableScope } from "./variables.ts"

/** The answer of a link whose chain ended early. */
const SHORT: unique symbol = Symbol("short")

/** The arguments of a call, evaluated. */
type ArgumentsCode = (env: Environment, run: Evaluation) => readonly unknown[]

/** Where a link stands: inside a chain it has to look out for `SHORT`. */
type Place = { readonly scope: VariableScope; readonly inChain: boolean }

/** `a.b`, `a["b"]`, `a[i]` outside of a chain. */
export function compileMember(compiler: Compiler, node: MemberExpression, scope: VariableScope): Code {
  return memberLink(compiler, node, { scope, inChain: false })
}

/** `f(x)`, `a.b(x)` outside of a chain. */
export function compileCall(compiler: Compiler, node: CallExpression, scope: VariableScope): Code {
  return callLink(compiler, node, { scope, inChain: false })
}

/** A whole chain with `?.` in it. */
export function compileChain(compiler: Compiler, node: ChainExpression, scope: VariableScope): Code {
  const links = link(compiler, node.expression, { scope, inChain: true })
  return (env, run) => {
    const value = links(env, run)
    return value === SHORT ? undefined : value
  }
}

function link(compiler: Compiler, node: AnyExpression, place: Place): Code {
  if (place.inChain && node.type === "MemberExpression") return memberLink(compiler, node, place)
  if (place.inChain && node.type === "CallExpression") return callLink(compiler, node, place)
  return compiler.expression(node, place.scope)
}

/** The object of a link, which answers `SHORT` where the chain ends before the link. */
function linkObject(compiler: Compiler, node: MemberExpression, place: Place): Code {
  const object = link(compiler, node.object, place)
  if (!node.optional) return object
  return (env, run) => object(env, run) ?? SHORT
}

/** The name in `a.name` and `a["name"]`; null where it is computed. Throws for names that are refused. */
export function staticName(node: MemberExpression): string | null {
  const { property } = node
  if (property.type === "PrivateIdentifier") throw new ExpressionError("An expression can not use private names (#x).")
  if (!node.computed && property.type === "Identifier") return admitName(property.name)
  return property.type === "Literal" && typeof property.value === "string" ? admitName(property.value) : null
}

/** The key of a computed member. */
export function keyCode(compiler: Compiler, node: MemberExpression, scope: VariableScope): Code {
  const { property } = node
  if (property.type === "PrivateIdentifier") throw new ExpressionError("An expression can not use private names (#x).")
  return compiler.expression(property, scope)
}

function memberLink(compiler: Compiler, node: MemberExpression, place: Place): Code {
  noteNodeMember(compiler, node)
  const object = linkObject(compiler, node, place)
  const name = staticName(node)
  if (name !== null) {
    if (!place.inChain) return (env, run) => readMember(run, object(env, run), name)
    return (env, run) => {
      const target = object(env, run)
      return target === SHORT ? SHORT : readMember(run, target, name)
    }
  }
  const key = keyCode(compiler, node, place.scope)
  return (env, run) => {
    const target = object(env, run)
    return target === SHORT ? SHORT : readComputed(run, target, key(env, run))
  }
}

function callLink(compiler: Compiler, node: CallExpression, place: Place): Code {
  const { callee } = node
  const args = compileArguments(compiler, node.arguments, place.scope)
  if (callee.type === "MemberExpression") return methodCall(compiler, { node, callee, args }, place)
  noteNodeCall(compiler, node)
  const target = link(compiler, callee, place)
  const name = callee.type === "Identifier" ? callee.name : "the value"
  return (env, run) => {
    const called = target(env, run)
    if (called instanceof FunctionValue) return called.invoke(run, args(env, run))
    if (called === SHORT || (node.optional && (called === null || called === undefined))) return SHORT
    throw typeError(`${name} is not a function`)
  }
}

type MethodCall = {
  readonly node: CallExpression
  readonly callee: MemberExpression
  readonly args: ArgumentsCode
}

function methodCall(compiler: Compiler, call: MethodCall, place: Place): Code {
  const { callee, args } = call
  const object = linkObject(compiler, callee, place)
  const name = staticName(callee)
  if (name === null) return computedMethodCall(compiler, call, place)
  if (CHANGING_METHODS.has(name)) compiler.notes.tracksChanges = true
  if (!place.inChain) {
    return (env, run) => {
      const target = object(env, run)
      return callMember(run, target, { name, args: args(env, run) })
    }
  }
  const isOptional = call.node.optional
  return (env, run) => {
    const target = object(env, run)
    if (target === SHORT || (isOptional && !hasCallable(run, target, name))) return SHORT
    return callMember(run, target, { name, args: args(env, run) })
  }
}

function computedMethodCall(compiler: Compiler, call: MethodCall, place: Place): Code {
  const object = linkObject(compiler, call.callee, place)
  const key = keyCode(compiler, call.callee, place.scope)
  const { args } = call
  const isOptional = call.node.optional
  compiler.notes.tracksChanges = true
  return (env, run) => {
    const target = object(env, run)
    if (target === SHORT) return SHORT
    const name = admitName(toKey(run, key(env, run)))
    if (isOptional && !hasCallable(run, target, name)) return SHORT
    return callMember(run, target, { name, args: args(env, run) })
  }
}

function compileArguments(
  compiler: Compiler,
  nodes: readonly (AnyExpression | SpreadElement)[],
  scope: VariableScope,
): ArgumentsCode {
  if (nodes.some((node) => node.type === "SpreadElement")) return compileElements(compiler, nodes, scope)
  const codes = nodes.map((node) => compiler.expression(node as AnyExpression, scope))
  const [first, second] = codes
  if (first === undefined) return () => []
  if (second === undefined) return (env, run) => [first(env, run)]
  if (codes.length === 2) return (env, run) => [first(env, run), second(env, run)]
  return (env, run) => codes.map((code) => code(env, run))
}

/** Elements of a list or arguments of a call, with `...` in them. A place left out is undefined. */
export function compileElements(
  compiler: Compiler,
  nodes: readonly (AnyExpression | SpreadElement | null)[],
  scope: VariableScope,
): (env: Environment, run: Evaluation) => unknown[] {
  const parts = nodes.map((node) => {
    if (node === null) return { isSpread: false, code: () => undefined }
    if (node.type === "SpreadElement") return { isSpread: true, code: compiler.expression(node.argument, scope) }
    return { isSpread: false, code: compiler.expression(node, scope) }
  })
  return (env, run) => {
    const elements: unknown[] = []
    for (const { isSpread, code } of parts) {
      const value = code(env, run)
      if (!isSpread) elements.push(value)
      else {
        const added = toElements(run, value)
        run.chargeList(elements.length + added.length)
        for (const element of added) elements.push(element)
      }
    }
    return elements
  }
}

/** `new F(x)`: only our own classes can be made. */
export function compileNew(compiler: Compiler, node: NewExpression, scope: VariableScope): Code {
  const callee = compiler.expression(node.callee, scope)
  const args = compileArguments(compiler, node.arguments, scope)
  const name = node.callee.type === "Identifier" ? node.callee.name : "the value"
  return (env, run) => {
    const called = callee(env, run)
    if (!(called instanceof FunctionValue) || called.parts.construct === undefined) {
      throw typeError(`${name} is not a constructor`)
    }
    return called.parts.construct(run, args(env, run))
  }
}

/** Functions whose first argument names a node. */
const NODE_FUNCTIONS = new Set(["$", "$items"])

function noteNodeCall(compiler: Compiler, node: CallExpression): void {
  const [first] = node.arguments
  if (node.callee.type !== "Identifier" || !NODE_FUNCTIONS.has(node.callee.name) || first === undefined) return
  if (first.type === "Literal" && typeof first.value === "string") compiler.notes.nodeNames.add(first.value)
  if (first.type === "TemplateLiteral" && first.expressions.length === 0) {
    compiler.notes.nodeNames.add(first.quasis[0]?.value.cooked ?? "")
  }
}

function noteNodeMember(compiler: Compiler, node: MemberExpression): void {
  if (node.object.type !== "Identifier" || node.object.name !== "$node") return
  const name = staticName(node)
  if (name !== null) compiler.notes.nodeNames.add(name)
}
