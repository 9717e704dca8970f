/**
 * The versions of called assistants, which are fixed together with the version that a conversation is pinned to (the
 * workflow language, §6 "References"). Assistants that a node names by an expression are not known before they are called;
 * their versions are fixed at their first call.
 */
import type { Graph } from "@brevet/core/graph/graph"
import { literalAssistantOf } from "@brevet/core/graph/kinds/assistant"
import { type Id, isId } from "@brevet/core/ids"
import type { GraphSource } from "../ports/graph-source.ts"
import type { FactScope, OrganizationFacts } from "./organization-facts.ts"

/** A version of a workflow. */
export type FixedVersion = { readonly workflowId: Id<"workflow">; readonly version: number }

/** Fixed versions by the id of the assistant; null: it had no workflow. */
export type TurnPins = { readonly [assistantId: string]: FixedVersion | null }

/** Assistants that are followed at most, so that a great net of them costs no more than a look. */
const pinsMax = 200

const literals = new WeakMap<Graph, readonly string[]>()

/** The versions of all assistants that a graph calls, and of those that they call. Null: it calls none. */
export async function fixVersions(
  ports: { readonly facts: OrganizationFacts; readonly graphs: GraphSource },
  scope: FactScope,
  graph: Graph,
): Promise<TurnPins | null> {
  const pins: Record<string, FixedVersion | null> = {}
  const open = [...calledBy(graph)]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (Object.hasOwn(pins, id) || !isId("assistant", id) || Object.keys(pins).length >= pinsMax) continue
    const assistant = await ports.facts.assistant(scope, id)
    const workflowId = assistant?.record.workflowId ?? null
    const newThread = assistant?.newThread ?? null
    pins[id] = workflowId === null || newThread === null ? null : { workflowId, version: newThread.version }
    if (workflowId === null || newThread === null) continue
    open.push(...calledBy(await ports.graphs.load(workflowId, newThread.version)))
  }
  return Object.keys(pins).length === 0 ? null : pins
}

/** The assistants that a graph's nodes name by their ids. */
function calledBy(graph: Graph): readonly string[] {
  const known = literals.get(graph)
  if (known !== undefined) return known
  const ids = graph.nodes.flatMap((node) => {
    const id = node.kind === "assistant" && !node.disabled ? literalAssistantOf(node) : null
    return id === null ? [] : [id]
  })
  literals.set(graph, ids)
  return ids
}

/** Stored pins, read. */
export function parsePins(text: string | null): TurnPins | null {
  return text === null ? null : (JSON.parse(text) as TurnPins)
}
