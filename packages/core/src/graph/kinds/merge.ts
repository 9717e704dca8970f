/**
 * Joins branches. It waits until each connected input has data or can no longer get any (the planner's work). Only the
 * mode `append` is run in this version: the items of all inputs, one after the other.
 */
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber, asText } from "../value-types.ts"
import { type KindContext, NodeFailure, type Port, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const merge: PureKind = {
  name: "merge",
  types: ["n8n-nodes-base.merge"],
  title: "Merge",
  help: "Waits for its branches and joins their items.",
  group: "data",
  effect: "none",
  inputs,
  outputs: () => onePort,
  check,
  run: (context) => ({ outputs: [append(context)] }),
}

/** Inputs that a node may have (documented: 2–10, since version 3). */
const inputsMax = 10

function inputs(node: GraphNode): readonly Port[] {
  const wanted = node.typeVersion >= 3 ? asNumber(node.parameters.numberInputs) : undefined
  const count = Math.min(inputsMax, Math.max(2, Math.trunc(wanted ?? 2)))
  return Array.from({ length: count }, (_, index) => ({ name: `input ${index + 1}` }))
}

function append(context: KindContext): readonly Item[] {
  const mode = context.parameter("mode", 0) ?? "append"
  if (mode !== "append") {
    const message = `The Merge node has the mode ${quote(asText(mode) ?? "")}; only append is run here. Change its mode.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  return context.inputs.flatMap((items, input) =>
    items.map((item, index): Item => ({ ...item, pairedItem: { item: index, input } })),
  )
}

function check(node: GraphNode): Finding[] {
  const mode = node.parameters.mode ?? "append"
  if (mode === "append") return []
  const message = `Set the mode of ${quote(node.name)} to append, or join the data in another way: other modes are not run in this version.`
  const path = pathTo(pathTo(node.path, "parameters"), "mode")
  return [{ severity: "error", code: "SETTING_UNSUPPORTED", message, node: node.name, path }]
}
