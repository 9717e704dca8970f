/** Methods of texts and of regular expressions that match, search, split and replace. */

import { toInteger, toText } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import {
  allMatches,
  execPattern,
  findMatch,
  namedGroups,
  type PatternMatch,
  PatternValue,
  preparePattern,
  toMatchValue,
} from "./pattern.ts"
import { findText } from "./text-search.ts"
import { FunctionValue, typeError } from "./values.ts"

/** Methods of a regular expression. */
export const PATTERN_METHODS: MethodTable<PatternValue> = methodTable({
  test: (run, self, args) => execPattern(run, self, toText(run, args[0])) !== null,
  exec: (run, self, args) => {
    const text = toText(run, args[0])
    const match = execPattern(run, self, text)
    return match === null ? null : toMatchValue(run, self.compiled, { match, text })
  },
  toString: (_run: Evaluation, self: PatternValue) => self.text(),
})

/** Methods of a text that take a regular expression (or a text). */
export const TEXT_PATTERN_METHODS: MethodTable<string> = methodTable({
  match: matchText,
  matchAll: (run, self, args) => {
    const pattern = toPattern(run, args[0], "g")
    if (!pattern.has("g")) throw typeError("matchAll needs a regular expression with the flag g")
    const found = allMatches(run, pattern, self)
    return run.own(found.map((match) => toMatchValue(run, pattern.compiled, { match, text: self })))
  },
  search: (run, self, args) => {
    const pattern = toPattern(run, args[0], "")
    const match = findMatch(run, pattern.compiled, { text: self, from: 0 })
    return match === null || (pattern.has("y") && match.start !== 0) ? -1 : match.start
  },
  split: splitText,
  replace: (run, self, args) => replaceText(run, self, { args, all: false }),
  replaceAll: (run, self, args) => {
    if (args[0] instanceof PatternValue && !args[0].has("g")) {
      throw typeError("replaceAll needs a regular expression with the flag g")
    }
    return replaceText(run, self, { args, all: true })
  },
})

/** A regular expression from what an expression hands in: one as it is, anything else by its text. */
export function toPattern(run: Evaluation, value: unknown, flags: string): PatternValue {
  if (value instanceof PatternValue) return value
  return new PatternValue(preparePattern(run, value === undefined ? "(?:)" : toText(run, value), flags))
}

/** More parts than any list may have: what a split without a limit asks for. */
const PARTS_MAX = 2 ** 32 - 1

/** Steps of a part that is cut out, and of a match that is noted. */
const PART_STEPS = 2
const MATCH_STEPS = 8

function matchText(run: Evaluation, self: string, args: readonly unknown[]): unknown {
  const pattern = toPattern(run, args[0], "")
  if (!pattern.has("g")) {
    const match = execPattern(run, pattern, self)
    return match === null ? null : toMatchValue(run, pattern.compiled, { match, text: self })
  }
  const found = allMatches(run, pattern, self)
  return found.length === 0 ? null : run.own(found.map((match) => match.groups[0]))
}

function splitText(run: Evaluation, self: string, args: readonly unknown[]): unknown {
  const limit = args[1] === undefined ? PARTS_MAX : Math.max(0, Math.min(PARTS_MAX, toInteger(run, args[1])))
  run.chargeText(self.length)
  if (args[0] instanceof PatternValue) return run.own(splitByPattern(run, self, args[0]).slice(0, limit))
  if (args[0] === undefined) return run.own([self])
  const separator = toText(run, args[0])
  return run.own(separator === "" ? splitUnits(run, self, limit) : splitByText(run, self, { separator, limit }))
}

function splitUnits(run: Evaluation, text: string, limit: number): string[] {
  run.chargeList(Math.min(text.length, limit))
  return run.look(text).split("", limit)
}

function splitByText(run: Evaluation, text: string, how: { separator: string; limit: number }): string[] {
  const parts: string[] = []
  let from = 0
  while (parts.length < how.limit) {
    const at = findText(run, text, { part: how.separator, from })
    if (parts.length >= EXPRESSION_LIMITS.listLengthMax) run.chargeList(parts.length + 1)
    run.charge(PART_STEPS)
    parts.push(text.slice(from, at < 0 ? text.length : at))
    if (at < 0) break
    from = at + how.separator.length
  }
  return parts
}

function splitByPattern(run: Evaluation, text: string, pattern: PatternValue): (string | undefined)[] {
  if (text === "") return findMatch(run, pattern.compiled, { text, from: 0 }) === null ? [""] : []
  const parts: (string | undefined)[] = []
  let last = 0
  let from = 0
  while (from < text.length) {
    const match = findMatch(run, pattern.compiled, { text, from })
    if (match === null || match.start >= text.length) break
    if (match.end === last) {
      // An empty match where the part begins splits nothing.
      from = match.start + 1
      continue
    }
    parts.push(text.slice(last, match.start), ...match.groups.slice(1))
    run.charge(match.groups.length)
    last = match.end
    from = match.end
  }
  parts.push(text.slice(last))
  return parts
}

/** Replaces the first match or all, by a text with `$1` and the like, or by what a function gives. */
function replaceText(run: Evaluation, self: string, how: { args: readonly unknown[]; all: boolean }): string {
  const [target, replacement] = how.args
  run.chargeText(self.length)
  if (target instanceof PatternValue) {
    const matches = patternTargets(run, target, self)
    return assemble(run, self, { matches, replacement, pattern: target })
  }
  const wanted = toText(run, target)
  return assemble(run, self, { matches: textTargets(run, self, { wanted, all: how.all }), replacement, pattern: null })
}

function patternTargets(run: Evaluation, pattern: PatternValue, text: string): PatternMatch[] {
  if (pattern.has("g")) return allMatches(run, pattern, text)
  const match = execPattern(run, pattern, text)
  return match === null ? [] : [match]
}

function textTargets(run: Evaluation, text: string, how: { wanted: string; all: boolean }): PatternMatch[] {
  const matches: PatternMatch[] = []
  const { wanted } = how
  let from = 0
  while (from <= text.length) {
    const start = findText(run, text, { part: wanted, from })
    if (start < 0) break
    run.charge(MATCH_STEPS)
    matches.push({ start, end: start + wanted.length, groups: [wanted] })
    if (!how.all) break
    from = start + Math.max(1, wanted.length)
  }
  return matches
}

type Replacing = { matches: readonly PatternMatch[]; replacement: unknown; pattern: PatternValue | null }

function assemble(run: Evaluation, text: string, replacing: Replacing): string {
  const { matches, replacement, pattern } = replacing
  const template = replacement instanceof FunctionValue ? null : toText(run, replacement)
  const parts: string[] = []
  let chars = 0
  let last = 0
  for (const match of matches) {
    const by =
      template === null
        ? toText(run, run.call(replacement, replacerArguments(match, text, pattern)))
        : expandTemplate(run, template, { match, text, pattern })
    const before = text.slice(last, match.start)
    chars += before.length + by.length
    if (chars > EXPRESSION_LIMITS.textCharsMax) run.chargeNewText(chars)
    parts.push(before, by)
    last = match.end
  }
  parts.push(text.slice(last))
  run.chargeNewText(chars + text.length - last)
  return parts.join("")
}

function replacerArguments(match: PatternMatch, text: string, pattern: PatternValue | null): unknown[] {
  const names = pattern === null ? undefined : namedGroups(pattern.compiled, match)
  const args: unknown[] = [...match.groups, match.start, text]
  if (names !== undefined) args.push(names)
  return args
}

function expandTemplate(
  run: Evaluation,
  template: string,
  found: { match: PatternMatch; text: string; pattern: PatternValue | null },
): string {
  if (!template.includes("$")) return template
  const { match, text, pattern } = found
  const names = pattern === null ? undefined : namedGroups(pattern.compiled, match)
  run.chargeText(template.length)
  return template.replace(/\$(\$|&|`|'|\d{1,2}|<[^>]{0,100}>)/g, (whole, sign: string) => {
    const part = templatePart(sign, { match, text, names })
    if (part !== undefined) run.chargeNewText(part.length)
    return part ?? whole
  })
}

function templatePart(
  sign: string,
  found: { match: PatternMatch; text: string; names: Record<string, unknown> | undefined },
): string | undefined {
  const { match, text, names } = found
  if (sign === "$") return "$"
  if (sign === "&") return match.groups[0] ?? ""
  if (sign === "`") return text.slice(0, match.start)
  if (sign === "'") return text.slice(match.end)
  if (sign.startsWith("<")) return names === undefined ? undefined : namedPart(names, sign.slice(1, -1))
  const most = match.groups.length - 1
  const both = Number(sign)
  if (both >= 1 && both <= most) return match.groups[both] ?? ""
  const first = Number(sign[0])
  return sign.length === 2 && first >= 1 && first <= most ? `${match.groups[first] ?? ""}${sign[1]}` : undefined
}

function namedPart(names: Record<string, unknown>, name: string): string {
  return Object.hasOwn(names, name) ? String(names[name] ?? "") : ""
}
