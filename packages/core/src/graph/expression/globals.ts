/** Every name that an expression knows. What is not in these tables does not exist: no global of the process is. */

import type { Evaluation } from "./evaluation.ts"
import { constantGlobals, type GlobalTable } from "./global-table.ts"
import { CHOICE_GLOBALS } from "./globals-choices.ts"
import { DATA_GLOBALS } from "./globals-data.ts"
import { JSON_OBJECT } from "./globals-json.ts"
import { NUMBER_GLOBALS } from "./globals-numbers.ts"
import { OBJECT_GLOBALS } from "./globals-objects.ts"
import { TEXT_GLOBALS } from "./globals-texts.ts"
import { TIME_GLOBALS } from "./globals-times.ts"

const GLOBALS: GlobalTable = new Map([
  ...constantGlobals({ JSON: JSON_OBJECT }),
  ...NUMBER_GLOBALS,
  ...OBJECT_GLOBALS,
  ...TEXT_GLOBALS,
  ...CHOICE_GLOBALS,
  ...TIME_GLOBALS,
  ...DATA_GLOBALS,
])

/** What a name means in an evaluation; undefined where it means nothing. */
export function findGlobal(name: string): ((run: Evaluation) => unknown) | undefined {
  return GLOBALS.get(name)
}

/** True for names that mean something. */
export function hasGlobal(name: string): boolean {
  return GLOBALS.has(name)
}
