/**
 * A foreign workflow that is drawn as parts that serve each other: what leaves one part is a value for a field of another.
 * Some parts become nodes of the flow here (those that answer), some serve a node (models, memories, tools), some are only
 * values (prompts). Formats that are drawn as steps with arrows are in `flow.ts`.
 */
import type { Flow, Step } from "./flow.ts"
import { groupBy } from "./joins.ts"

/** A value that goes from a part to a field of another. `output` is its name there. */
export type Wire = { readonly from: string; readonly output: string; readonly to: string; readonly field: string }

/** Wires by where they begin and end. */
export type Wiring = {
  readonly wires: readonly Wire[]
  /** The wires into a field of a part. */
  into(key: string, field: string): readonly Wire[]
  /** The wires out of a part. */
  outOf(key: string): readonly Wire[]
  /** Every wire into a part. */
  allInto(key: string): readonly Wire[]
}

/** Wires between parts of a flow. */
export function makeWiring(wires: readonly Wire[]): Wiring {
  const byField = groupBy(wires, ({ to, field }) => JSON.stringify([to, field]))
  const byTarget = groupBy(wires, ({ to }) => to)
  const bySource = groupBy(wires, ({ from }) => from)
  return {
    wires,
    into: (key, field) => byField.get(JSON.stringify([key, field])) ?? [],
    outOf: (key) => bySource.get(key) ?? [],
    allInto: (key) => byTarget.get(key) ?? [],
  }
}

/** The parts that are nodes and whose values come to a part, through whatever lies between that is none. */
export function nodesBefore(
  flow: Flow,
  wiring: Wiring,
  { key, isNode }: { readonly key: string; isNode(step: Step): boolean },
): readonly string[] {
  const found = new Set<string>()
  const seen = new Set<string>([key])
  const stack = wiring.allInto(key).map(({ from }) => from)
  for (let from = stack.pop(); from !== undefined; from = stack.pop()) {
    if (seen.has(from)) continue
    seen.add(from)
    const step = flow.byKey.get(from)
    if (step === undefined) continue
    if (isNode(step)) found.add(from)
    else stack.push(...wiring.allInto(from).map((wire) => wire.from))
  }
  return [...found]
}
