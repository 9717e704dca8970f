/** Whether a text matches a regular expression that stands in a setting; in linear time, as in expressions. */
import { Evaluation } from "../expression/evaluation.ts"
import { type CompiledPattern, compilePattern, findMatch } from "../expression/pattern.ts"
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

const slashed = /^\/(.*)\/([a-z]*)$/s

function compile(pattern: string, { ignoreCase }: { ignoreCase: boolean }): CompiledPattern {
  const key = `${ignoreCase ? "i" : "-"}${pattern}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  const [, source = pattern, given = ""] = slashed.exec(pattern) ?? []
  const flags = ignoreCase && !given.includes("i") ? `${given}i` : given
  try {
    const made = compilePattern(source, flags)
    if (compiled.size >= compiledMax) compiled.clear()
    compiled.set(key, made)
    return made
  } catch (error) {
    if (!(error instanceof Thrown)) throw error
    const message = "The regular expression of a condition is not well-formed; correct it."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message, { cause: error })
  }
}
