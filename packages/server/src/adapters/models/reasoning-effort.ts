/** The words for how much a model is to think before it answers. */

/** The levels that providers know. */
export type Effort = "minimal" | "low" | "medium" | "high"

const efforts: { readonly [word: string]: Effort | undefined } = {
  minimal: "minimal",
  low: "low",
  medium: "medium",
  high: "high",
  maximum: "high",
  max: "high",
  xhigh: "high",
}

/** The level for a word of a workflow or a request; null for `off`, `none`, no word and unknown ones: nothing is sent then. */
export function effortOf(word: string | undefined): Effort | null {
  return (word === undefined ? undefined : efforts[word.toLowerCase()]) ?? null
}
