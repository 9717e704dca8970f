/**
 * The addresses that a workflow has while it is armed, told from its graph. A path that nobody could call is left out here;
 * the kind's own check says so.
 */
import type { JsonValue } from "../../json.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { formPathOf } from "./form-settings.ts"
import { readTriggerPath, type TriggerPath } from "./path.ts"
import { readMethods } from "./webhook-settings.ts"

/** Where an address stands: `/webhook/…` or `/form/…`. */
export type TriggerDoor = "webhook" | "form"

/** One address of a node. A form has `*` as its method: it is shown and sent at the same address. */
export type TriggerAddress = {
  readonly door: TriggerDoor
  readonly method: string
  readonly path: TriggerPath
  /** The node's name. */
  readonly node: string
}

/** The addresses of all enabled triggers that have some, in the order of the definition. */
export function addressesOf(graph: Graph): readonly TriggerAddress[] {
  return graph.nodes.flatMap((node) => (node.disabled ? [] : addressesOfNode(node)))
}

function addressesOfNode(node: GraphNode): readonly TriggerAddress[] {
  if (node.kind === "formTrigger") {
    const paths = pathsOf(node, formPathOf(node))
    return paths.map((path): TriggerAddress => ({ door: "form", method: "*", path, node: node.name }))
  }
  if (node.kind !== "webhook") return []
  const methods = readMethods(node)
  return pathsOf(node, node.parameters.path).flatMap((path) =>
    methods.map((method): TriggerAddress => ({ door: "webhook", method, path, node: node.name })),
  )
}

/**
 * The paths of a node: what it says, else the name that n8n gave to its address. A path with parameters is there below that
 * name as well, since that is where n8n has it.
 */
export function pathsOf({ webhookId }: GraphNode, said: JsonValue | undefined): readonly TriggerPath[] {
  const isSaid = typeof said === "string" && said.trim() !== ""
  if (isSaid && said.startsWith("=")) return []
  const own = isSaid ? readTriggerPath(said) : webhookId === null ? null : readTriggerPath(webhookId)
  if (own === null) return []
  const below = own.parameters === 0 || webhookId === null ? null : readTriggerPath(`${webhookId}/${own.path}`)
  return below === null ? [own] : [own, below]
}
