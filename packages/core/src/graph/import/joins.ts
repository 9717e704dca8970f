/**
 * Where branches that run side by side come together again. Elsewhere a step with several predecessors waits for all of
 * them and runs once; here a node runs for whatever arrives. So a Merge is put before such a step, and the step sees only
 * the first of what the Merge gives: values of other steps are read by the steps' names, never from the item.
 *
 *     start ─┬─> a ─┐                        start ─┬─> a ──0─┐
 *            └─> b ─┴─> step                        └─> b ──1─┴─> Merge ──> step (once)
 *
 * Branches of which only one runs (behind an If) come together without that. Which is which is told by whether an output
 * leads to several nodes; where both are mixed a Merge too many does no harm. Connections that lead back are left alone.
 */
import type { DraftNode, Link } from "./draft.ts"

/** Nodes and connections by names; only `main` connections are looked at. */
type Drawn = { readonly nodes: readonly DraftNode[]; readonly links: readonly Required<Link>[] }

/** Inputs that a Merge has at most (documented). */
const mergeInputsMax = 10

/** The same graph with its parallel branches joined. */
export function joinBranches(drawn: Drawn, take: (wished: string) => { name: string; id: string }): Drawn {
  const flow = drawn.links.filter(({ type }) => type === "main")
  const leaving = groupBy(flow, ({ from }) => from)
  const side = sideBySide(flow, leaving)
  if (side.size === 0) return drawn
  const back = leadingBack(drawn, leaving)
  const arriving = groupBy(
    flow.filter((link) => side.has(link) && !back.has(link)),
    ({ to }) => to,
  )
  const nodes: DraftNode[] = []
  const moved = new Map<Required<Link>, Required<Link>>()
  const added: Required<Link>[] = []
  for (const node of drawn.nodes) {
    const links = arriving.get(node.name) ?? []
    if (links.length < 2 || waitsItself(node)) {
      nodes.push(node)
      continue
    }
    const { name, id } = take(`Before ${node.name}`)
    const inputs = Math.min(links.length, mergeInputsMax)
    nodes.push(mergeNode(node, { name, id, inputs }), { ...node, executeOnce: true })
    links.forEach((link, index) => {
      moved.set(link, { ...link, to: name, input: Math.min(index, inputs - 1) })
    })
    added.push({ from: name, output: 0, to: node.name, input: 0, type: "main" })
  }
  return { nodes, links: [...drawn.links.map((link) => moved.get(link) ?? link), ...added] }
}

function mergeNode(before: DraftNode, { name, id, inputs }: { name: string; id: string; inputs: number }): DraftNode {
  const [x, y] = before.position
  return {
    name,
    id,
    type: "n8n-nodes-base.merge",
    typeVersion: 3,
    position: [x - 100, y],
    parameters: { mode: "append", numberInputs: inputs },
  }
}

/** Kinds that say themselves what they do with several arrivals. */
function waitsItself({ type }: DraftNode): boolean {
  return type === "n8n-nodes-base.merge" || type === "n8n-nodes-base.splitInBatches"
}

/** The connections along which several may carry items in one run: what an output with several targets leads to. */
function sideBySide(
  flow: readonly Required<Link>[],
  leaving: ReadonlyMap<string, readonly Required<Link>[]>,
): ReadonlySet<Required<Link>> {
  const byOutput = groupBy(flow, ({ from, output }) => JSON.stringify([from, output]))
  const forked = [...byOutput.values()].filter((links) => new Set(links.map(({ to }) => to)).size > 1).flat()
  const found = new Set(forked)
  const seen = new Set<string>()
  const stack = forked.map(({ to }) => to)
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    for (const link of leaving.get(name) ?? []) {
      found.add(link)
      stack.push(link.to)
    }
  }
  return found
}

/** The connections that close a cycle, in a walk from the first nodes on. Without recursion. */
function leadingBack(
  { nodes }: Drawn,
  leaving: ReadonlyMap<string, readonly Required<Link>[]>,
): ReadonlySet<Required<Link>> {
  const back = new Set<Required<Link>>()
  const state = new Map<string, "open" | "done">()
  for (const { name } of nodes) {
    if (state.has(name)) continue
    const frames = [{ name, next: 0 }]
    state.set(name, "open")
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const link = leaving.get(frame.name)?.[frame.next]
      frame.next += 1
      if (link === undefined) {
        state.set(frame.name, "done")
        frames.pop()
      } else if (state.get(link.to) === "open") back.add(link)
      else if (!state.has(link.to)) {
        state.set(link.to, "open")
        frames.push({ name: link.to, next: 0 })
      }
    }
  }
  return back
}

/** Values by a key, in their order. */
export function groupBy<Value>(
  values: readonly Value[],
  keyOf: (value: Value) => string,
): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>()
  for (const value of values) {
    const key = keyOf(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [value])
    else group.push(value)
  }
  return groups
}
