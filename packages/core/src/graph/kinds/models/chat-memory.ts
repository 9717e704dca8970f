/**
 * Chat memories: nodes that keep what a model was asked and what it answered, by session. All of n8n's are kept by the
 * server itself, whatever service they name. Pure: which session, and how much of it.
 */

import { ExpressionError } from "../../expression/errors.ts"
import { quote } from "../../findings.ts"
import type { Graph, GraphNode } from "../../graph.ts"
import { asNumber, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure, type ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"

/** The session of an item, and how many of its turns are given to a model. */
export type MemoryPlan = { readonly sessionKey: string; readonly turnsMax: number }

const memories: readonly (readonly [kind: string, title: string])[] = [
  ["memoryBufferWindow", "Simple memory"],
  ["memoryPostgresChat", "Postgres chat memory"],
  ["memoryRedisChat", "Redis chat memory"],
  ["memoryMongoDbChat", "MongoDB chat memory"],
  ["memoryXata", "Xata chat memory"],
  ["memoryMotorhead", "Motorhead chat memory"],
  ["memoryZep", "Zep chat memory"],
]

/** The kinds. */
export const memoryKinds: readonly ServantKind[] = memories.map(([name, title]) => ({
  name,
  types: [`@n8n/n8n-nodes-langchain.${name}`],
  title,
  help: "Keeps the conversation of the node that it is connected to, by session; kept by the server itself.",
  group: "model",
  effect: "serves",
  inputs: () => noPorts,
  outputs: () => noPorts,
  check: (node) =>
    name === "memoryBufferWindow"
      ? []
      : [
          {
            severity: "info",
            code: "MEMORY_KEPT_HERE",
            message: `Expect ${quote(node.name)} to begin empty: its conversations are kept by this server, and not where it says.`,
            node: node.name,
            path: node.path,
          },
        ],
}))

/** Documented default. */
const turnsDefault = 5
/** More turns than that are given to no model (ours). */
const turnsMost = 500
const keyCharsMax = 500

/** The session of an item. Throws NODE_SETTINGS_INVALID where there is none, and ExpressionError. */
export function prepareMemory(context: KindContext, graph: Graph, itemIndex: number): MemoryPlan {
  const { node } = context
  const key = usesInput(node) ? sessionOfInput(context, graph, itemIndex) : ownKey(context, itemIndex)
  if (key === "" || key.length > keyCharsMax) {
    const message = `The memory ${quote(node.name)} finds no session for item ${itemIndex}: give the item a sessionId, or the node a key.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const turns = asNumber(context.parameter("contextWindowLength", itemIndex)) ?? turnsDefault
  return { sessionKey: key, turnsMax: Math.min(turnsMost, Math.max(0, Math.trunc(turns))) }
}

/** Older versions have a key alone, which is an expression by default from 1.1 on (documented). */
function usesInput({ kind, typeVersion, parameters }: GraphNode): boolean {
  if (parameters.sessionIdType !== undefined) return parameters.sessionIdType !== "customKey"
  if (parameters.sessionKey !== undefined) return false
  return typeVersion >= 1.1 || kind !== "memoryBufferWindow"
}

function ownKey(context: KindContext, itemIndex: number): string {
  return asText(context.parameter("sessionKey", itemIndex) ?? "chat_history") ?? ""
}

/** The item's `sessionId`; where it has none, that with which the chat began. */
function sessionOfInput(context: KindContext, graph: Graph, itemIndex: number): string {
  const own = asText(context.inputs[0]?.[itemIndex]?.json.sessionId) ?? ""
  if (own !== "") return own
  const trigger = graph.nodes.find(({ kind, disabled }) => kind === "chatTrigger" && !disabled)
  if (trigger === undefined) return ""
  try {
    return asText(context.scope(itemIndex).node(trigger.name).first()?.json.sessionId) ?? ""
  } catch (error) {
    // The chat did not begin this run.
    if (error instanceof ExpressionError) return ""
    throw error
  }
}
