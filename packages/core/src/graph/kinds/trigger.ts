/** What the triggers share: a run that starts at one gives out the items that it was started with. */
import { quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { PureKind } from "./kind.ts"
import { noPorts, onePort } from "./ports.ts"

/** What differs between triggers. `armed: false`: it starts no runs by itself in this version. */
export type TriggerFacts = Pick<PureKind, "name" | "types" | "title" | "help"> & { readonly armed: boolean }

/** The kind of a trigger. */
export function makeTrigger({ armed, ...facts }: TriggerFacts): PureKind {
  return {
    ...facts,
    group: "trigger",
    effect: "none",
    inputs: () => noPorts,
    outputs: () => onePort,
    check: (node) => (armed ? [] : [notArmed(node)]),
    run: ({ inputs }) => ({ outputs: [inputs[0] ?? []] }),
  }
}

function notArmed(node: GraphNode): Finding {
  const message = `Start runs of ${quote(node.name)} by a chat message or an execute call: this version does not start them by itself.`
  return { severity: "info", code: "TRIGGER_NOT_ARMED", message, node: node.name, path: node.path }
}
