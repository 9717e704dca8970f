/**
 * Whether a step has certainly run when another one does. A value of a step that may have been left out is read with a
 * guard: the other systems give nothing for it, and here an expression that names a node which did not run fails.
 *
 * It errs on one side: a step that is not found to be certain may still be; then its guard is there for nothing.
 *
 *     start ──> if ─┬─> a ──> b ─┐         certain at b: start, if, a
 *                   └─> c ───────┴─> d     certain at d: start, if
 */
import type { Flow } from "./flow.ts"

/** Tells what is certain, and in which order steps run. */
export type Certainty = {
  isCertain(key: string, at: string): boolean
  /** The place of a step in the order of the flow; those on and behind a cycle are the last. */
  rank(key: string): number
}

/** What is certain in a flow. `branches` says of a step that it may leave out what follows it. */
export function certaintyOf(flow: Flow, branches: (key: string) => boolean): Certainty {
  const conditional = behind(flow, branches)
  const ranks = ranksOf(flow)
  const order = makeOrder(flow)
  return {
    rank: (key) => ranks.get(key) ?? Number.POSITIVE_INFINITY,
    isCertain(key, at) {
      const [before, after] = [ranks.get(key), ranks.get(at)]
      const isEarlier = before !== undefined && after !== undefined && before < after
      return (isEarlier && !conditional.has(key)) || order.isAbove(key, at)
    },
  }
}

/** Places in an order in which every step comes after its predecessors; steps on and behind a cycle have none. */
function ranksOf(flow: Flow): ReadonlyMap<string, number> {
  const waiting = new Map<string, number>()
  const next = (key: string): readonly string[] => [
    ...(flow.leaving.get(key) ?? []).map(({ to }) => to),
    ...(flow.inside.get(key) ?? []).map((step) => step.key),
  ]
  for (const { key } of flow.steps) for (const to of next(key)) waiting.set(to, (waiting.get(to) ?? 0) + 1)
  const ready = flow.steps.filter(({ key }) => !waiting.has(key)).map(({ key }) => key)
  const ranks = new Map<string, number>()
  for (let at = 0; at < ready.length; at += 1) {
    const key = ready[at] ?? ""
    ranks.set(key, at)
    for (const to of next(key)) {
      const left = (waiting.get(to) ?? 0) - 1
      waiting.set(to, left)
      if (left === 0) ready.push(to)
    }
  }
  return ranks
}

/** Every step that follows a branching one, and what lies inside of it. */
function behind(flow: Flow, branches: (key: string) => boolean): ReadonlySet<string> {
  const found = new Set<string>()
  const stack = flow.steps.filter(({ key }) => branches(key)).map(({ key }) => key)
  const seen = new Set(stack)
  for (let key = stack.pop(); key !== undefined; key = stack.pop()) {
    const next = [
      ...(flow.leaving.get(key) ?? []).map(({ to }) => to),
      ...(found.has(key) ? (flow.inside.get(key) ?? []).map((step) => step.key) : []),
    ]
    for (const other of next) {
      if (found.has(other)) continue
      found.add(other)
      if (seen.has(other)) continue
      seen.add(other)
      stack.push(other)
    }
  }
  return found
}

/** Steps with one predecessor hang below it; whatever is above a step has run before it. Told by times of a walk. */
function makeOrder(flow: Flow): { isAbove(key: string, below: string): boolean } {
  const children = new Map<string, string[]>()
  const roots: string[] = []
  for (const { key, parent } of flow.steps) {
    const before = new Set((flow.arriving.get(key) ?? []).map(({ from }) => from))
    // What begins inside of a step hangs below that step.
    const [only] = before.size === 0 && parent !== null ? [parent] : before
    if (only === undefined || before.size > 1 || only === key) roots.push(key)
    else {
      const list = children.get(only)
      if (list === undefined) children.set(only, [key])
      else list.push(key)
    }
  }
  const entered = new Map<string, number>()
  const left = new Map<string, number>()
  let time = 0
  for (const root of roots) {
    const frames = [{ key: root, next: 0 }]
    entered.set(root, time++)
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const child = children.get(frame.key)?.[frame.next]
      frame.next += 1
      if (child === undefined) {
        left.set(frame.key, time++)
        frames.pop()
      } else if (!entered.has(child)) {
        entered.set(child, time++)
        frames.push({ key: child, next: 0 })
      }
    }
  }
  return {
    isAbove(key, below) {
      const [from, to, at] = [entered.get(key), left.get(key), entered.get(below)]
      return from !== undefined && to !== undefined && at !== undefined && from < at && at < to
    },
  }
}
