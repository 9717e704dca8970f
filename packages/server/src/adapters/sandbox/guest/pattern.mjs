/** Matches of one regular expression: the engine's own, under the host's clock. */
import { stringify } from "./host.mjs"
import { describeError } from "./results.mjs"

/** The matches of a request, or why there are none, as JSON text of a `PatternOutcome`. */
export function matchPattern({ source, flags, text, from, matchesMax }) {
  try {
    const expression = new RegExp(source, flags)
    const isRepeated = expression.global || expression.sticky
    expression.lastIndex = isRepeated ? from : 0
    const matches = []
    while (matches.length < matchesMax) {
      const match = expression.exec(text)
      if (match === null) break
      matches.push({ index: match.index, groups: orNull([...match]), named: namedGroups(match.groups) })
      if (!expression.global) break
      if (match[0] === "") expression.lastIndex += text.codePointAt(match.index) > 0xffff && expression.unicode ? 2 : 1
    }
    return stringify({ status: "completed", matches })
  } catch (error) {
    return stringify({ status: "failed", failure: describeError(error) })
  }
}

function orNull(groups) {
  return groups.map((group) => group ?? null)
}

function namedGroups(groups) {
  if (groups === undefined) return null
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, group ?? null]))
}
