/**
 * A workflow as it is worked with: what `read` makes of any definition. Immutable.
 *
 *     definition (any JSON) --read--> Graph { nodes by ordinal, connections out and in, servants }
 *                                     + Finding[]
 *
 * `ordinal` is a node's place in `nodes`; everything that runs refers to nodes by it or by the unique `name`.
 */
import type { JsonObject } from "../json.ts"

/** Something worth saying about a user's definition. Data, never thrown. */
export type Finding = {
  readonly severity: "error" | "warning" | "info"
  /** Upper-case words, stable: `CONNECTION_TARGET_MISSING`. */
  readonly code: string
  /** One sentence that says what to do. */
  readonly message: string
  /** The node's name. */
  readonly node?: string
  /** A JSON path into the definition: `nodes[2].parameters.model`. */
  readonly path?: string
}

/** What happens when a node fails (n8n's words). */
export type OnError = "stopWorkflow" | "continueRegularOutput" | "continueErrorOutput"

/** A node. `kind` is the name of a known kind, or null where the type is unknown. */
export type GraphNode = {
  readonly ordinal: number
  readonly id: string | null
  readonly name: string
  readonly type: string
  readonly kind: string | null
  readonly typeVersion: number
  readonly position: { readonly x: number; readonly y: number }
  readonly parameters: JsonObject
  readonly disabled: boolean
  readonly onError: OnError
  /** Tries in all and the pause between them; one try where retryOnFail is off. n8n's bounds: 2–5 tries, 0–5000 ms. */
  readonly tries: { readonly max: number; readonly waitMs: number }
  readonly alwaysOutputData: boolean
  readonly executeOnce: boolean
  /** How many main outputs its kind gives it (1 where the kind is unknown); the error output comes after them. */
  readonly outputs: number
  readonly credentials: JsonObject
  /** The name that n8n gave to the address of a trigger; null: none. */
  readonly webhookId: string | null
  /** The node's JSON path in the definition. */
  readonly path: string
}

/** A main connection, by ordinals. */
export type Connection = {
  readonly from: number
  readonly output: number
  readonly to: number
  readonly input: number
}

/** A node that serves another one (`ai_languageModel`, `ai_tool`, …): not run by the plan, asked by the node it serves. */
export type Servant = {
  readonly type: string
  readonly node: number
  /** Which of the served node's inputs of that type it is at; a second model stands in where the first fails. */
  readonly input: number
}

/** The graph. The lists of connections and servants are indexed by ordinal. */
export type Graph = {
  readonly name: string | null
  readonly nodes: readonly GraphNode[]
  readonly ordinalByName: ReadonlyMap<string, number>
  /** Main connections that leave a node, by output, then in the order of the definition. */
  readonly outgoing: readonly (readonly Connection[])[]
  /** Main connections that enter a node. */
  readonly incoming: readonly (readonly Connection[])[]
  /** Who serves a node. */
  readonly servants: readonly (readonly Servant[])[]
  readonly settings: JsonObject
  readonly pinData: JsonObject
  readonly meta: JsonObject
  /** The definition says `active: true`. */
  readonly active: boolean
}

/** The node of that name; null if there is none. */
export function findNode(graph: Graph, name: string): GraphNode | null {
  const ordinal = graph.ordinalByName.get(name)
  return ordinal === undefined ? null : (graph.nodes[ordinal] ?? null)
}
