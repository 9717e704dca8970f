/**
 * The state of one evaluation: what it may reach (the scope), what it has used (steps, text, stack) and which objects it
 * made itself. One is made for each evaluation and forgotten with it.
 *
 * Invariants: 1. Whatever could grow is counted here before it grows. 2. Only objects in `made` are ever written to;
 * where nothing is tracked nothing is writable, so that forgetting to track is safe.
 */

import { limitError } from "./errors.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import type { ExpressionScope } from "./scope.ts"
import { FunctionValue, typeError } from "./values.ts"

/** Slot 0 is the environment around this one, the others are variables. */
export type Environment = unknown[]

/** A piece of an expression, ready to run. */
export type Code = (env: Environment, run: Evaluation) => unknown

/** Characters that a method looks at for one step. */
const CHARS_PER_STEP = 16

export class Evaluation {
  readonly scope: ExpressionScope
  /** The value on its way out of the function in hand, while its statements unwind. */
  returned: unknown = undefined
  /** Height of the calls in progress, in nodes of the tree. */
  stackUnits = 0
  private stepsLeft: number = EXPRESSION_LIMITS.stepsMax
  private charsLeft: number = EXPRESSION_LIMITS.madeCharsMax
  private readonly made: Set<unknown> | null

  /** `tracksChanges`: whether the expression has any way to change an object, known when it is compiled. */
  constructor(scope: ExpressionScope, options: { tracksChanges: boolean }) {
    this.scope = scope
    this.made = options.tracksChanges ? new Set() : null
  }

  /** Counts work about to be done. Throws `EXPRESSION_LIMIT`. */
  charge(steps: number): void {
    this.stepsLeft -= steps
    if (this.stepsLeft < 0) throw limitError("work", `${EXPRESSION_LIMITS.stepsMax} steps`)
  }

  /** Counts text about to be looked at. */
  chargeText(chars: number): void {
    if (chars >= CHARS_PER_STEP) this.charge(Math.floor(chars / CHARS_PER_STEP))
  }

  /** Admits a text of this length before it is made. */
  chargeNewText(chars: number): void {
    if (chars > EXPRESSION_LIMITS.textCharsMax) {
      throw limitError("a text that is too long", `${EXPRESSION_LIMITS.textCharsMax} characters`)
    }
    this.charsLeft -= chars
    if (this.charsLeft < 0) throw limitError("text", `${EXPRESSION_LIMITS.madeCharsMax} characters in all`)
    this.chargeText(chars)
  }

  /** Admits a list, map or set of this size before it is made. */
  chargeList(length: number): void {
    if (length > EXPRESSION_LIMITS.listLengthMax) {
      throw limitError("a list that is too long", `${EXPRESSION_LIMITS.listLengthMax} elements`)
    }
    this.charge(length)
  }

  /** Enters a call of a function with a body of this height. Every `enter` that returns is followed by a `leave`. */
  enter(units: number): void {
    this.stackUnits += units
    if (this.stackUnits > EXPRESSION_LIMITS.stackUnitsMax)
      throw limitError("calls inside calls", "too deep a recursion")
  }

  leave(units: number): void {
    this.stackUnits -= units
  }

  /** Marks an object as made here, and gives it back. */
  own<T>(value: T): T {
    this.made?.add(value)
    return value
  }

  /** True if the object was made in this evaluation and may be changed. */
  owns(value: unknown): boolean {
    return this.made?.has(value) === true
  }

  /** Calls what an expression handed in as a callback. */
  call(callee: unknown, args: readonly unknown[]): unknown {
    if (!(callee instanceof FunctionValue)) throw typeError("a callback is not a function")
    return callee.invoke(this, args)
  }
}
