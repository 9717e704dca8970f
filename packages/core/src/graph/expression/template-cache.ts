/**
 * Compiled templates by their text. A workflow's parameters are few and evaluated many times.
 *
 * Two generations: what is asked for lives in `young`; when that weighs half of what is allowed it becomes `old`, and what
 * was old and not asked for since is forgotten.
 */

import { ExpressionError } from "./errors.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { compileTemplate, type Template } from "./template.ts"

type Entry = Template | ExpressionError

const GENERATION_WEIGHT_MAX = EXPRESSION_LIMITS.cacheWeightMax / 2
const ERROR_WEIGHT = 300

let young = new Map<string, Entry>()
let old = new Map<string, Entry>()
let youngWeight = 0

/**
 * The template of a parameter's text, `=` included. `met` holds those of the execution under way, which are not forgotten
 * before it ends. Throws the same `ExpressionError` each time for one that is wrong.
 */
export function templateOf(text: string, met?: Map<string, Entry>): Template {
  const entry = met?.get(text) ?? look(text, met)
  if (entry instanceof ExpressionError) throw new ExpressionError(entry.message, { code: entry.code, cause: entry })
  return entry
}

function look(text: string, met: Map<string, Entry> | undefined): Entry {
  const known = young.get(text)
  const entry = known ?? old.get(text) ?? read(text)
  if (known === undefined) keep(text, entry)
  met?.set(text, entry)
  return entry
}

function read(text: string): Entry {
  try {
    return compileTemplate(text.slice(1))
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
}

function keep(text: string, entry: Entry): void {
  youngWeight += entry instanceof ExpressionError ? ERROR_WEIGHT + text.length : entry.weight
  young.set(text, entry)
  if (youngWeight <= GENERATION_WEIGHT_MAX) return
  old = young
  young = new Map()
  youngWeight = 0
}
