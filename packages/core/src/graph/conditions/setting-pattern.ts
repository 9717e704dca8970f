/** Regular expressions that stand in settings: whether a text matches, and what replaces what does; in linear time. */
import { Evaluation } from "../expression/evaluation.ts"
import { TEXT_PATTERN_METHODS } from "../expression/methods-pattern.ts"
import { type CompiledPattern, compilePattern, findMatch, PatternValue } from "../expression/pattern.ts"
import type { ExpressionScope } from "../expression/scope.ts"
import { Thrown } from "../expression/values.ts"
import { NodeFailure } from "../kinds/kind.ts"

const compiledMax = 200
const compiled = new Map<string, CompiledPattern>()

/** Matching reads nothing of a scope; an evaluation only counts the work here. */
const noScope = {} as ExpressionScope

/**
 * True if the text matches. A pattern is its source, or `/source/flags`. Throws NODE_SETTINGS_INVALID for bad syntax,
 * ExpressionError for what is refused or too much work.
 */
export function matchesPattern(text: string, pattern: string, options: { ignoreCase: boolean }): boolean {
  const evaluation = new Evaluation(noScope, { tracksChanges: false })
  return findMatch(evaluation, compile(pattern, options), { text, from: 0 }) !== null
}

/** The text with every match replaced; `$1` and the like stand for groups. Throws as `matchesPattern` does. */
export function replacePattern(
  text: string,
  pattern: string,
  options: { readonly replacement: string; readonly ignoreCase: boolean },
): string {
  const evaluation = new Evaluation(noScope, { tracksChanges: false })
  const compiled = new PatternValue(compile(pattern, { ...options, global: true }))
  const replaced = TEXT_PATTERN_METHODS.get("replaceAll")?.(evaluation, text, [compiled, options.replacement])
  return typeof replaced === "string" ? replaced : text
}

const slashed = /^\/(.*)\/([a-z]*)$/s

function compile(
  pattern: string,
  { ignoreCase, global = false }: { readonly ignoreCase: boolean; readonly global?: boolean },
): CompiledPattern {
  const key = `${ignoreCase ? "i" : "-"}${global ? "g" : "-"}${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  const [, source = pattern, given = ""] = slashed.exec(pattern) ?? []
  const added = `${ignoreCase ? "i" : ""}${global ? "g" : ""}`
  const flags = [...new Set(given + added)].join("")
  try {
    const made = compilePattern(source, flags)
    if (compiled.size >= compiledMax) compiled.clear()
    compiled.set(key, made)
    return made
  } catch (error) {
    if (!(error instanceof Thrown)) throw error
    const message = "The regular expression of the node is not well-formed; correct it."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message, { cause: error })
  }
}
