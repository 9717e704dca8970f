/**
 * Regular expressions over the linear-time engine, with the behaviour of JavaScript's. The native engine only checks the
 * syntax of a source; it never sees a text.
 *
 * Linear time is linear in the text times the size of the pattern, and a search for all matches may read the rest of the
 * text for each of them. So the engine is handed a metered text: every character that it looks at is counted as work.
 */

import { RE2JS } from "re2js"
import { ExpressionError, limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { translatePattern } from "./pattern-translate.ts"
import { findText } from "./text-search.ts"
import { ErrorValue, SpecialValue, Thrown } from "./values.ts"

/** A pattern ready to match; holds no position and may be shared. */
export type CompiledPattern = {
  readonly source: string
  readonly flags: string
  readonly engine: RE2JS
  readonly groupNumbers: ReadonlyMap<string, number>
  readonly groupCount: number
  /** About the number of instructions of its program. */
  readonly size: number
  /** Steps for one character that the engine looks at. */
  readonly stepsPerChar: number
}

/** One match: `groups[0]` is all of it; a group that took no part is undefined. */
export type PatternMatch = { readonly start: number; readonly end: number; readonly groups: (string | undefined)[] }

/** Compiles a source and flags. Throws an error of the language for bad syntax, `ExpressionError` for what is refused. */
export function compilePattern(source: string, flags: string): CompiledPattern {
  if (source.length > EXPRESSION_LIMITS.patternCharsMax) {
    throw limitError("a regular expression that is too long", `${EXPRESSION_LIMITS.patternCharsMax} characters`)
  }
  if (/[vd]/.test(flags)) {
    throw new ExpressionError(`The regular expression flags "${flags}" are not supported. Use only g, i, m, s, u, y.`)
  }
  const shown = checkSyntax(source, flags)
  const { source: translated, groupNumbers, groupCount, size } = translatePattern(source, flags)
  const engineFlags = (flags.includes("i") ? RE2JS.CASE_INSENSITIVE : 0) | (flags.includes("m") ? RE2JS.MULTILINE : 0)
  try {
    const engine = RE2JS.compile(translated, engineFlags)
    const stepsPerChar = 1 + Math.floor((size * (1 + groupCount / GROUPS_PER_STEP)) / INSTRUCTIONS_PER_STEP)
    return { source: shown, flags, engine, groupNumbers, groupCount, size, stepsPerChar }
  } catch (error) {
    throw new ExpressionError("The regular expression can not be used here. Write it more simply.", { cause: error })
  }
}

/** Instructions of a pattern that the engine can try on a character in one step, and groups that it copies with each. */
const INSTRUCTIONS_PER_STEP = 8
const GROUPS_PER_STEP = 8

/** Patterns made while expressions run, by flags and source; forgotten all at once when they become too many. */
const kept = new Map<string, CompiledPattern>()
const KEPT_SIZE_MAX = 50_000
let keptSize = 0

/** A pattern from texts that an expression computed. What is charged does not depend on what was kept. */
export function preparePattern(run: Evaluation, source: string, flags: string): CompiledPattern {
  run.charge(LOOK_UP_STEPS)
  run.chargeText(source.length)
  const key = `pattern ${flags}/${source}`
  return run.once(key, () => {
    const known = kept.get(key)
    const pattern = known ?? compilePattern(source, flags)
    run.charge(COMPILE_STEPS + pattern.size * COMPILE_STEPS_PER_INSTRUCTION)
    if (known === undefined) keep(key, pattern)
    return pattern
  })
}

function keep(key: string, pattern: CompiledPattern): void {
  if (keptSize + pattern.size > KEPT_SIZE_MAX) {
    kept.clear()
    keptSize = 0
  }
  kept.set(key, pattern)
  keptSize += pattern.size
}

const LOOK_UP_STEPS = 50
const COMPILE_STEPS = 2_000
const COMPILE_STEPS_PER_INSTRUCTION = 50

function checkSyntax(source: string, flags: string): string {
  try {
    return new RegExp(source, flags).source
  } catch (error) {
    throw new Thrown(new ErrorValue("SyntaxError", error instanceof Error ? error.message : "invalid pattern"))
  }
}

/** A regular expression in an expression: a pattern, and the position that `g` and `y` keep. */
export class PatternValue extends SpecialValue {
  readonly compiled: CompiledPattern
  lastIndex = 0

  constructor(compiled: CompiledPattern) {
    super()
    this.compiled = compiled
  }

  has(flag: string): boolean {
    return this.compiled.flags.includes(flag)
  }

  read(_run: Evaluation, key: string): unknown {
    if (key === "source") return this.compiled.source
    if (key === "flags") return this.compiled.flags
    if (key === "lastIndex") return this.lastIndex
    const flag = FLAG_NAMES.get(key)
    return flag === undefined ? undefined : this.has(flag)
  }

  override text(): string {
    return `/${this.compiled.source}/${this.compiled.flags}`
  }

  override toJSON(): unknown {
    return {}
  }
}

const FLAG_NAMES = new Map([
  ["global", "g"],
  ["ignoreCase", "i"],
  ["multiline", "m"],
  ["dotAll", "s"],
  ["unicode", "u"],
  ["sticky", "y"],
])

/** The first match at or after `from`, null where there is none. Takes no notice of `lastIndex` and flags. */
export function findMatch(
  run: Evaluation,
  pattern: CompiledPattern,
  subject: { text: string; from: number },
): PatternMatch | null {
  const { text, from } = subject
  if (from > text.length) return null
  run.charge(CALL_STEPS)
  run.look(text)
  const metered = new MeteredText(text, run, pattern.stepsPerChar)
  const answer = pattern.engine.re2().matchWithGroup(metered, from, text.length, 0, pattern.groupCount + 1)
  const [found, bounds] = answer as [boolean, readonly number[] | null]
  if (!found || bounds === null) return null
  const groups: (string | undefined)[] = []
  for (let group = 0; group <= pattern.groupCount; group++) {
    const start = bounds[group * 2] ?? -1
    groups.push(start < 0 ? undefined : text.slice(start, bounds[group * 2 + 1]))
  }
  return { start: bounds[0] ?? 0, end: bounds[1] ?? 0, groups }
}

/** The match that `exec` finds: honours and moves `lastIndex` where the flags say so. */
export function execPattern(run: Evaluation, pattern: PatternValue, text: string): PatternMatch | null {
  const keepsPlace = pattern.has("g") || pattern.has("y")
  const from = keepsPlace ? Math.max(0, pattern.lastIndex) : 0
  const match = findMatch(run, pattern.compiled, { text, from })
  const isGood = match !== null && (!pattern.has("y") || match.start === from)
  if (keepsPlace) pattern.lastIndex = isGood ? match.end : 0
  return isGood ? match : null
}

/** Every match from the start of the text, as `g` means it: after an empty match the search moves on by one. */
export function allMatches(run: Evaluation, pattern: PatternValue, text: string): PatternMatch[] {
  const matches: PatternMatch[] = []
  let from = 0
  while (from <= text.length) {
    const match = findMatch(run, pattern.compiled, { text, from })
    if (match === null || (pattern.has("y") && match.start !== from)) break
    matches.push(match)
    run.charge(match.groups.length)
    from = match.end > match.start ? match.end : match.end + 1
  }
  return matches
}

/** What a match looks like to an expression: a list of the groups with `index`, `input` and `groups`. */
export class MatchValue extends Array<unknown> {
  index = 0
  input = ""
  groups: Record<string, unknown> | undefined = undefined

  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

/** The list that `match` and `exec` give. */
export function toMatchValue(
  run: Evaluation,
  pattern: CompiledPattern,
  found: { match: PatternMatch; text: string },
): MatchValue {
  const value = new MatchValue()
  for (const group of found.match.groups) value.push(group)
  value.index = found.match.start
  value.input = found.text
  value.groups = namedGroups(pattern, found.match)
  return run.own(value)
}

/** The named groups of a match; undefined where the pattern names none. */
export function namedGroups(pattern: CompiledPattern, match: PatternMatch): Record<string, unknown> | undefined {
  if (pattern.groupNumbers.size === 0) return undefined
  const groups: Record<string, unknown> = {}
  for (const [name, number] of pattern.groupNumbers) if (name !== "__proto__") groups[name] = match.groups[number]
  return groups
}

/** Steps of one call of the engine beside the characters: it clears its tables. */
const CALL_STEPS = 20

/** A text that counts how often it is looked at. It calls itself a string, which is what the engine asks. */
class MeteredText {
  readonly length: number
  private readonly text: string
  private readonly run: Evaluation
  private readonly stepsPerChar: number

  constructor(text: string, run: Evaluation, stepsPerChar: number) {
    this.text = text
    this.length = text.length
    this.run = run
    this.stepsPerChar = stepsPerChar
  }

  get [Symbol.toStringTag](): string {
    return "String"
  }

  charCodeAt(at: number): number {
    this.run.charge(this.stepsPerChar)
    return this.text.charCodeAt(at)
  }

  codePointAt(at: number): number | undefined {
    this.run.charge(this.stepsPerChar)
    return this.text.codePointAt(at)
  }

  indexOf(part: string, from: number): number {
    return findText(this.run, this.text, { part, from })
  }

  substring(start: number, end: number): string {
    return this.text.substring(start, end)
  }

  toString(): string {
    return this.text
  }
}
