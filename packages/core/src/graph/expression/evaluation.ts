/**
 * The state of one evaluation: what it may reach (the scope), what it has used (steps, text, stack) and which objects it
 * made itself. One is made for each evaluation and forgotten with it.
 *
 * Invariants: 1. Whatever could grow is counted here before it grows. 2. Only objects in `made` are ever written to;
 * where nothing is tracked nothing is writable, so that forgetting to track is safe. 3. What is counted depends on the
 * expression and its data alone, never on what an earlier evaluation left in a cache: the same run ends the same way.
 *
 * Texts that are joined with `+` share their parts in the engine and are copied together when somebody looks inside
 * them. `joined` holds how many such texts of each length were made and not yet looked into:
 *
 *     s = s + "x"      joined[length of s] += 1      costs nothing
 *     s.charAt(0)      joined[length of s] -= 1      costs the length of s, once
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

/** Shorter texts are cheaper to copy than to count. */
const JOINED_CHARS_MIN = 256

/** One evaluation. What its methods admit or count may throw `EXPRESSION_LIMIT`; nothing else comes out of it. */
export class Evaluation {
  readonly scope: ExpressionScope
  /** The value on its way out of the function in hand, while its statements unwind. */
  returned: unknown = undefined
  /** Height of the calls in progress, in nodes of the tree. */
  stackUnits = 0
  private readonly stepsAllowed: number
  private stepsLeft: number
  private charsLeft: number = EXPRESSION_LIMITS.madeCharsMax
  private readonly made: Set<unknown> | null
  private joined: Map<number, number> | null = null
  private prepared: Map<string, unknown> | null = null

  /** `tracksChanges`: whether the expression has any way to change an object, known when it is compiled. */
  constructor(scope: ExpressionScope, options: { tracksChanges: boolean }) {
    this.scope = scope
    this.made = options.tracksChanges ? new Set() : null
    this.stepsAllowed = Math.min(EXPRESSION_LIMITS.stepsMax, scope.work?.stepsLeft ?? EXPRESSION_LIMITS.stepsMax)
    this.stepsLeft = this.stepsAllowed
  }

  /** Counts work about to be done. Throws `EXPRESSION_LIMIT`. */
  charge(steps: number): void {
    this.stepsLeft -= steps
    if (!(this.stepsLeft >= 0))
      throw limitError("work", `${EXPRESSION_LIMITS.stepsMax} steps, fewer after much other work`)
  }

  /** Counts text about to be looked at from end to end. */
  chargeText(chars: number): void {
    if (chars >= CHARS_PER_STEP) this.charge(Math.floor(chars / CHARS_PER_STEP))
  }

  /** Admits a text of this length before it is made. */
  chargeNewText(chars: number): void {
    if (!(chars <= EXPRESSION_LIMITS.textCharsMax)) {
      throw limitError("a text that is too long", `${EXPRESSION_LIMITS.textCharsMax} characters`)
    }
    this.charsLeft -= chars
    if (!(this.charsLeft >= 0)) throw limitError("text", `${EXPRESSION_LIMITS.madeCharsMax} characters in all`)
    this.chargeText(chars)
  }

  /** Two texts as one. Costs nothing yet: who looks into the text pays for that. */
  join(left: string, right: string): string {
    const chars = left.length + right.length
    if (chars > EXPRESSION_LIMITS.textCharsMax) this.chargeNewText(chars)
    if (chars >= JOINED_CHARS_MIN && left !== "" && right !== "") {
      this.joined ??= new Map()
      this.joined.set(chars, (this.joined.get(chars) ?? 0) + 1)
    }
    return left + right
  }

  /** Counts a look at some characters of a text (not all of it), and gives the text back. */
  look(text: string): string {
    if (this.joined === null || text.length < JOINED_CHARS_MIN) return text
    const waiting = this.joined.get(text.length)
    if (waiting === undefined) return text
    if (waiting === 1) this.joined.delete(text.length)
    else this.joined.set(text.length, waiting - 1)
    this.chargeText(text.length)
    return text
  }

  /** Admits a list, map or set of this size before it is made. */
  chargeList(length: number): void {
    if (!(length <= EXPRESSION_LIMITS.listLengthMax)) {
      throw limitError("a list that is too long", `${EXPRESSION_LIMITS.listLengthMax} elements`)
    }
    this.charge(length)
  }

  /** Something that is costly to make (a pattern, a format), made once in an evaluation. `make` counts the cost. */
  once<T>(key: string, make: () => T): T {
    this.prepared ??= new Map()
    const known = this.prepared.get(key)
    this.charge(1)
    // The key names what was made, so that what is kept under it came from the same call.
    if (known !== undefined) return known as T
    const made = make()
    this.prepared.set(key, made)
    return made
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

  /** Whether changes are tracked at all; if not, nothing that is made needs to be marked. */
  get tracksChanges(): boolean {
    return this.made !== null
  }

  /** Calls what an expression handed in as a callback. */
  call(callee: unknown, args: readonly unknown[]): unknown {
    if (!(callee instanceof FunctionValue)) throw typeError("a callback is not a function")
    return callee.invoke(this, args)
  }

  /** Takes what was used from the budget that the scope shares with others. Called once, at the end. */
  settle(): void {
    const { work } = this.scope
    if (work !== undefined) work.stepsLeft -= this.stepsAllowed - Math.max(0, this.stepsLeft)
  }
}
