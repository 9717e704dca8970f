/** The table of the house's rules. Each stands in a file of its own in `rules/`. */
import type { Rule } from "./rule.ts"
import { cycles } from "./rules/cycles.ts"
import { direction } from "./rules/direction.ts"
import { effects } from "./rules/effects.ts"
import { defaultExports, docstrings } from "./rules/exports.ts"
import { fileNames } from "./rules/file-names.ts"
import { links } from "./rules/links.ts"
import { orphans } from "./rules/orphans.ts"
import { parameters } from "./rules/parameters.ts"
import { sizes } from "./rules/sizes.ts"
import { tests } from "./rules/tests.ts"
import { texts } from "./rules/texts.ts"
import { types } from "./rules/types.ts"
import { words } from "./rules/words.ts"

/** Every rule, in the order in which they are reported. */
export const rules: readonly Rule[] = [
  direction,
  cycles,
  sizes,
  fileNames,
  effects,
  defaultExports,
  docstrings,
  types,
  parameters,
  tests,
  orphans,
  texts,
  words,
  links,
]
