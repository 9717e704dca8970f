/**
 * Finding a text in a text, in time that grows with the longer of them only. The platform's own search is fast for short
 * texts, but one that is sought and long can cost its length for every place where it might begin.
 */

import type { Evaluation } from "./evaluation.ts"

/** Up to here the platform's search is used: its worst case is about as good as ours. */
const NATIVE_CHARS_MAX = 256

/** The same for the search from the end, which the platform does without any skill. */
const NATIVE_LAST_CHARS_MAX = 8

/** Characters that our own search handles in one step. */
const CHARS_PER_STEP = 4

/** Where `part` begins in `text` at or after `from`, -1 where it does not. Counts the text that is looked at. */
export function findText(run: Evaluation, text: string, sought: { part: string; from: number }): number {
  const { part } = sought
  const from = Math.max(0, sought.from)
  if (part.length > NATIVE_CHARS_MAX) return findLong(run, text, { part, from, to: text.length, wanted: "first" })
  const found = run.look(text).indexOf(part, from)
  run.chargeText(Math.max(0, found < 0 ? text.length - from : found - from))
  return found
}

/** Where `part` begins last in `text`, at or before `from`; -1 where it does not. */
export function findLastText(run: Evaluation, text: string, sought: { part: string; from: number }): number {
  const { part } = sought
  const last = Math.min(Math.max(0, sought.from), text.length - part.length)
  if (last < 0) return -1
  if (part.length > NATIVE_LAST_CHARS_MAX) {
    return findLong(run, text, { part, from: 0, to: last + part.length, wanted: "last" })
  }
  run.chargeText(text.length)
  return run.look(text).lastIndexOf(part, last)
}

type LongSearch = {
  readonly part: string
  readonly from: number
  readonly to: number
  readonly wanted: "first" | "last"
}

/**
 * Knuth, Morris and Pratt's search. `borders[i]` is the length of the longest beginning of the part that also ends its
 * first i + 1 characters: where the search goes on after a character that does not fit.
 *
 *     part     a b a b c
 *     borders  0 0 1 2 0
 */
function findLong(run: Evaluation, text: string, search: LongSearch): number {
  const { part, from, to, wanted } = search
  if (part.length > to - from) return -1
  run.charge(Math.ceil((to - from + 2 * part.length) / CHARS_PER_STEP))
  const borders = bordersOf(part)
  let found = -1
  let fitting = 0
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    while (fitting > 0 && part.charCodeAt(fitting) !== code) fitting = borders[fitting - 1] ?? 0
    if (part.charCodeAt(fitting) === code) fitting++
    if (fitting < part.length) continue
    found = at - part.length + 1
    if (wanted === "first") return found
    fitting = borders[fitting - 1] ?? 0
  }
  return found
}

function bordersOf(part: string): Int32Array {
  const borders = new Int32Array(part.length)
  let length = 0
  for (let at = 1; at < part.length; at++) {
    const code = part.charCodeAt(at)
    while (length > 0 && part.charCodeAt(length) !== code) length = borders[length - 1] ?? 0
    if (part.charCodeAt(length) === code) length++
    borders[at] = length
  }
  return borders
}
