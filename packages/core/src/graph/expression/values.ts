/**
 * The values of the interpreter that are no plain data. Texts, numbers, truth values, null, undefined, lists, plain
 * objects, dates, maps and sets are their native selves; everything with behaviour is a `SpecialValue`.
 *
 * Invariants: 1. A function of an expression is never a native function, so that no native method can be handed one and
 * no expression can hold a native one. 2. A member is read from what a class answers in `read`, never from a prototype.
 */

import type { Evaluation } from "./evaluation.ts"

/** The arguments of a call, and what it gives. */
export type Invoke = (run: Evaluation, args: readonly unknown[]) => unknown

/** A value with behaviour. Written as JSON it vanishes unless a class says otherwise. */
export abstract class SpecialValue {
  /** The member called `key`, undefined where there is none. */
  abstract read(run: Evaluation, key: string): unknown

  /** The value as text, as in a template. */
  text(_run: Evaluation): string {
    return "[object Object]"
  }

  /** The value as a number. */
  number(): number {
    return Number.NaN
  }

  /** What operators see: the number where one is wanted and there is one, else the text. */
  primitive(run: Evaluation, wanted: "number" | "any"): string | number {
    const number = wanted === "number" ? this.number() : Number.NaN
    return Number.isNaN(number) ? this.text(run) : number
  }

  toJSON(): unknown {
    return undefined
  }

  /** What leaves the expression where the value is all of it; inside of lists and objects it is `toJSON`. */
  result(): unknown {
    return this.toJSON()
  }
}

/** What a function has beside its call. */
export type FunctionParts = {
  readonly members?: ReadonlyMap<string, unknown>
  /** Answers `new F(…)`. */
  readonly construct?: Invoke
  /** Answers `value instanceof F`. */
  readonly isInstance?: (value: unknown) => boolean
}

/** A function: written in an expression, or one of ours. */
export class FunctionValue extends SpecialValue {
  readonly name: string
  readonly invoke: Invoke
  readonly parts: FunctionParts

  constructor(name: string, invoke: Invoke, parts: FunctionParts = {}) {
    super()
    this.name = name
    this.invoke = invoke
    this.parts = parts
  }

  read(_run: Evaluation, key: string): unknown {
    return this.parts.members?.get(key) ?? (key === "name" ? this.name : undefined)
  }

  override text(): string {
    return `function ${this.name}() { … }`
  }
}

/** An object of ours whose members are computed when they are read: `Math`, `$input`, `$('Node')`. */
export class HostObject extends SpecialValue {
  readonly label: string
  readonly member: (key: string, run: Evaluation) => unknown

  constructor(label: string, member: (key: string, run: Evaluation) => unknown) {
    super()
    this.label = label
    this.member = member
  }

  read(run: Evaluation, key: string): unknown {
    return this.member(key, run)
  }

  override toJSON(): unknown {
    return {}
  }
}

/** An error that an expression made or met; only `try … catch` inside the expression can see it. */
export class ErrorValue extends SpecialValue {
  readonly kind: string
  readonly message: string

  constructor(kind: string, message: string) {
    super()
    this.kind = kind
    this.message = message
  }

  read(_run: Evaluation, key: string): unknown {
    if (key === "message") return this.message
    if (key === "name") return this.kind
    if (key === "stack") return this.text()
    if (key === "toString") return new FunctionValue("toString", () => this.text())
    return undefined
  }

  override text(): string {
    return this.message === "" ? this.kind : `${this.kind}: ${this.message}`
  }

  override toJSON(): unknown {
    return {}
  }
}

/**
 * What the interpreter throws for errors of the language itself (a type error, `throw`): an expression may catch it;
 * uncaught it makes the whole expression null. Not an `Error`, since a stack trace would cost more than the evaluation.
 */
export class Thrown {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** A type error as the language knows it. */
export function typeError(message: string): Thrown {
  return new Thrown(new ErrorValue("TypeError", message))
}

/** A range error as the language knows it (an impossible length, digit count or date). */
export function rangeError(message: string): Thrown {
  return new Thrown(new ErrorValue("RangeError", message))
}

/** Runs a native call that may refuse its arguments; what it throws becomes an error of the language. */
export function guarded<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new Thrown(new ErrorValue(error.name, error.message))
  }
}

/** An object with fields: no list, no date, nothing with behaviour. */
export type FieldObject = Record<string, unknown>

/** True for objects whose members are their own fields. */
export function isFieldObject(value: unknown): value is FieldObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof SpecialValue) &&
    !(value instanceof Date) &&
    !(value instanceof Map) &&
    !(value instanceof Set)
  )
}

/** Names that no spelling reaches: they lead from data to prototypes and to the native function compiler. */
const FORBIDDEN = new Set([
  "constructor",
  "prototype",
  "__proto__",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__",
])

/** True for names of members that are refused in any spelling. */
export function isForbiddenName(name: string): boolean {
  return FORBIDDEN.has(name)
}
