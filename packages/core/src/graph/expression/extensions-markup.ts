/** What the language adds to texts with marks in them (documented): removing HTML tags and Markdown. */

import type { Evaluation } from "./evaluation.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { TEXT_PATTERN_METHODS } from "./methods-pattern.ts"
import { type CompiledPattern, compilePattern, PatternValue } from "./pattern.ts"

/** Marks of Markdown and what is left of each, in the order in which they are taken away. */
const MARKS: readonly (readonly [source: string, flags: string, left: string])[] = [
  ["```[^\\n]*\\n?", "g", ""],
  ["`([^`]*)`", "g", "$1"],
  ["!\\[([^\\]]*)\\]\\([^)]*\\)", "g", "$1"],
  ["\\[([^\\]]*)\\]\\([^)]*\\)", "g", "$1"],
  ["^[ \\t]*(?:[-*_][ \\t]*){3,}$", "gm", ""],
  ["^[ \\t]*#{1,6}[ \\t]+", "gm", ""],
  ["^[ \\t]*>[ \\t]?", "gm", ""],
  ["^[ \\t]*(?:[-*+]|\\d+\\.)[ \\t]+", "gm", ""],
  ["\\*\\*([^*]+)\\*\\*", "g", "$1"],
  ["__([^_]+)__", "g", "$1"],
  ["\\*([^*\\n]+)\\*", "g", "$1"],
  ["\\b_([^_\\n]+)_\\b", "g", "$1"],
  ["~~([^~]+)~~", "g", "$1"],
]

let compiled: readonly { readonly pattern: CompiledPattern; readonly left: string }[] | null = null

function removeMarkdown(run: Evaluation, text: string): unknown {
  compiled ??= MARKS.map(([source, flags, left]) => ({ pattern: compilePattern(source, flags), left }))
  const replace = TEXT_PATTERN_METHODS.get("replace")
  let rest = removeTags(run, text)
  for (const { pattern, left } of compiled) {
    // The table's method gives a text for a text.
    rest = replace?.(run, rest, [new PatternValue(pattern), left]) as string
  }
  return rest
}

/** Takes `<…>` out; a `<` that nothing closes stays. Goes over the text once. */
function removeTags(run: Evaluation, text: string): string {
  run.chargeNewText(text.length)
  const parts: string[] = []
  let from = 0
  for (let open = text.indexOf("<"); open >= 0; open = text.indexOf("<", from)) {
    const close = text.indexOf(">", open)
    if (close < 0) break
    run.charge(1)
    parts.push(text.slice(from, open))
    from = close + 1
  }
  parts.push(text.slice(from))
  return parts.join("")
}

/** Marks in texts. */
export const MARKUP_EXTENSIONS: MethodTable<string> = methodTable<string>({ removeMarkdown, removeTags })
