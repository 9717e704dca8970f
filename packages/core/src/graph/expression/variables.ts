/**
 * Where the variables of an expression live. Names are resolved when an expression is compiled, so that reading one is an
 * index into an array.
 *
 *     env of the callback [ | , item, index]
 *                          |
 *                          v
 *     env of the function [ | , total]        slot 0 is the environment around
 *                          v
 *     env of the expression [undefined]
 *
 * A function has one environment for each call. A block has one of its own only if functions in it may hold on to its
 * variables; else its variables live in that of the function.
 */

import type { Code, Environment, Evaluation } from "./evaluation.ts"
import { ErrorValue, Thrown, typeError } from "./values.ts"

/** How a variable came to be. `let` and `const` can not be read before their line was reached. */
export type VariableKind = "parameter" | "var" | "function" | "let" | "const"

/** A variable, at a place in its environment. */
export type Variable = { readonly name: string; readonly slot: number; readonly kind: VariableKind }

/** A variable as seen from somewhere: so many environments further out. */
export type FoundVariable = { readonly variable: Variable; readonly hops: number }

/** What stands in the place of a `let` or `const` until its line is reached. Never leaves an environment. */
export const UNSET: unique symbol = Symbol("unset")

/** The layout of one kind of environment. */
type Frame = { slots: number }

/** The names that are known at one place of an expression. */
export class VariableScope {
  readonly outer: VariableScope | null
  readonly frame: Frame
  private readonly variables = new Map<string, Variable>()

  /** `isOwn`: whether this scope gets an environment of its own. */
  constructor(outer: VariableScope | null, options: { isOwn: boolean }) {
    this.outer = outer
    this.frame = outer === null || options.isOwn ? { slots: 1 } : outer.frame
  }

  /** Makes a variable. A name that is there already keeps its place, as `var` wants it. */
  declare(name: string, kind: VariableKind): Variable {
    const known = this.variables.get(name)
    if (known !== undefined) return known
    const variable = { name, slot: this.frame.slots++, kind }
    this.variables.set(name, variable)
    return variable
  }

  /** The variable that a name means here, null where it is none. */
  find(name: string): FoundVariable | null {
    let hops = 0
    for (let scope: VariableScope | null = this; scope !== null; scope = scope.outer) {
      const variable = scope.variables.get(name)
      if (variable !== undefined) return { variable, hops }
      if (scope.outer !== null && scope.outer.frame !== scope.frame) hops++
    }
    return null
  }
}

function environmentAt(env: Environment, hops: number): Environment {
  let found = env
  // Slot 0 holds the environment around it, by the rule of this file.
  for (let hop = 0; hop < hops; hop++) found = found[0] as Environment
  return found
}

/** Reads a variable. */
export function readVariable({ variable, hops }: FoundVariable): Code {
  const { slot, kind, name } = variable
  if (kind === "let" || kind === "const") {
    return (env) => {
      const value = environmentAt(env, hops)[slot]
      if (value === UNSET) throw referenceError(`Cannot access '${name}' before initialization`)
      return value
    }
  }
  if (hops === 0) return (env) => env[slot]
  return (env) => environmentAt(env, hops)[slot]
}

/** Puts a value somewhere. */
export type Store = (env: Environment, run: Evaluation, value: unknown) => void

/** Assigns to a variable that exists. */
export function assignVariable({ variable, hops }: FoundVariable): Store {
  const { slot, kind, name } = variable
  if (kind === "const") {
    return () => {
      throw typeError(`Assignment to constant variable '${name}'`)
    }
  }
  return (env, _run, value) => {
    const target = environmentAt(env, hops)
    if (target[slot] === UNSET) throw referenceError(`Cannot access '${name}' before initialization`)
    target[slot] = value
  }
}

/** Gives a variable its first value. */
export function initializeVariable({ variable, hops }: FoundVariable): Store {
  const { slot } = variable
  return (env, _run, value) => {
    environmentAt(env, hops)[slot] = value
  }
}

/** A reference error as the language knows it. */
export function referenceError(message: string): Thrown {
  return new Thrown(new ErrorValue("ReferenceError", message))
}
