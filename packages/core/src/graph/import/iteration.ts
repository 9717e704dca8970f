/**
 * Steps inside of a step that runs them once for each element of a list. Here that is a loop over items, with a node that
 * makes the items, one that keeps what each round gave, and one that makes a list of it.
 *
 *     ──> Each items ──> Each ─┬─ done ──> Each results ──>
 *           (code)      (loop) └─ loop ──> what lies inside ──> Each result ──┐
 *                         ^                                        (set)      │
 *                         └───────────────────────────────────────────────────┘
 */
import { nodeCode } from "./expression-text.ts"
import type { Step } from "./flow.ts"
import { codeNode, loopNode, setNode } from "./made-nodes.ts"
import { addBeside, addStep, type Doors, elementOf, type Making } from "./making.ts"

/** What an iteration says. */
export type IterationPlan = {
  /** The source of the list. */
  readonly list: string
  /** The source of what a round gives. */
  readonly result: string
  /** Lists that all rounds give become one. */
  readonly flattens: boolean
  /** The name of the node with the results, known before. */
  readonly results: string
  /** The steps inside of which nothing else inside leads to. */
  readonly first: readonly string[]
}

/** The doors of an iteration, once what lies inside of it has doors too. */
export function makeIteration(making: Making, step: Step, plan: IterationPlan): Doors {
  const { draft } = making
  const loop = addStep(making, step, loopNode())
  const itemsCode = `const list = ${plan.list}\n\nreturn (Array.isArray(list) ? list : []).map((item, index) => ({ json: { item, index } }))\n`
  const items = addBeside(making, step, {
    ...codeNode(itemsCode, { once: true }),
    wished: `${loop} items`,
    shift: [-200, 0],
  })
  draft.connect({ from: items, to: loop })
  draft.add({
    name: plan.results,
    position: [step.position[0] + 400, step.position[1]],
    ...codeNode(resultsCode(plan), { once: true }),
  })
  draft.connect({ from: loop, output: 0, to: plan.results })
  const why = "a list that is empty ends the branch here, and rounds run one after the other"
  const advice = "Check what follows for the case of an empty list."
  making.fidelity.changed(elementOf(step), "n8n-nodes-base.splitInBatches", { why, advice })
  return { entrance: items, exit: () => ({ node: plan.results, output: 0 }), exits: null }
}

function resultsCode({ flattens }: Pick<IterationPlan, "flattens">): string {
  const flat = "all.length > 0 && all.every(Array.isArray) ? all.flat() : all"
  const output = flattens ? flat : "all"
  return `const all = $input.all().map(({ json }) => json.output ?? null)\n\nreturn [{ json: { output: ${output} } }]\n`
}

/** Connects what lies inside of an iteration: its first steps with the loop, every loose end with the loop again. */
export function closeIteration(
  making: Making,
  step: Step,
  { plan, doors }: { readonly plan: IterationPlan; readonly doors: ReadonlyMap<string, Doors> },
): void {
  const { draft, flow } = making
  const loop = making.nameOf(step.key)
  if (loop === null) return
  const keep = addBeside(making, step, {
    ...setNode([["output", { code: plan.result }]]),
    wished: `${loop} result`,
    shift: [200, 200],
  })
  draft.connect({ from: keep, to: loop })
  for (const key of plan.first) {
    const entrance = doors.get(key)?.entrance ?? null
    if (entrance !== null) draft.connect({ from: loop, output: 1, to: entrance })
  }
  const inside = (flow.inside.get(step.key) ?? []).filter(({ key }) => doors.get(key)?.entrance != null)
  if (inside.length === 0) draft.connect({ from: loop, output: 1, to: keep })
  for (const { key } of inside) {
    for (const { node, output } of looseEnds(making, key, doors)) draft.connect({ from: node, output, to: keep })
  }
}

/** The exits of a step that no arrow to a step of ours leaves. */
function looseEnds(making: Making, key: string, doors: ReadonlyMap<string, Doors>) {
  const door = doors.get(key)
  if (door === undefined) return []
  const used = new Set(
    (making.flow.leaving.get(key) ?? []).filter(({ to }) => doors.get(to)?.entrance != null).map(({ exit }) => exit),
  )
  const exits = door.exits === null ? (used.size === 0 ? [""] : []) : door.exits.filter((exit) => !used.has(exit))
  return exits.flatMap((exit) => door.exit(exit) ?? [])
}

/** The source of the element of the round that is under way. */
export function elementCode(loop: string, field: "item" | "index"): string {
  return `${nodeCode(loop)}.first()?.json?.${field}`
}
