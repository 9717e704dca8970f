/** What the triggers share: a run that starts at one gives out the items that it was started with. */
import { pathTo, quote } from "../findings.ts"
import type { Finding, Graph, GraphNode } from "../graph.ts"
import type { PureKind } from "./kind.ts"
import { noPorts, onePort } from "./ports.ts"

/** What differs between triggers. `armed: false`: it starts no runs by itself in this version. */
export type TriggerFacts = Pick<PureKind, "name" | "types" | "title" | "help"> & {
  readonly armed: boolean
  /** Own outputs; one where absent. */
  readonly outputs?: PureKind["outputs"]
  readonly check?: (node: GraphNode, graph: Graph) => readonly Finding[]
}

/** The kind of a trigger. */
export function makeTrigger({ armed, outputs = () => onePort, check = () => [], ...facts }: TriggerFacts): PureKind {
  return {
    ...facts,
    group: "trigger",
    effect: "none",
    inputs: () => noPorts,
    outputs,
    check: (node, graph) => (armed ? check(node, graph) : [notArmed(node)]),
    run: ({ inputs, startOutput }) => ({
      outputs: [...Array.from({ length: startOutput }, () => []), inputs[0] ?? []],
    }),
  }
}

function notArmed(node: GraphNode): Finding {
  const message = `Start runs of ${quote(node.name)} by a chat message or an execute call: this version does not start them by itself.`
  return { severity: "info", code: "TRIGGER_NOT_ARMED", message, node: node.name, path: node.path }
}

/** The finding about a node to whose address no request can come. */
export function noAddress(node: GraphNode): Finding {
  const message = `Give ${quote(node.name)} a path of plain steps such as orders/:id: no request can come to it as it is.`
  const path = pathTo(pathTo(node.path, "parameters"), "path")
  return { severity: "warning", code: "TRIGGER_PATH_MISSING", message, node: node.name, path }
}
