/**
 * What promotion finds about a version (the HTTP contract, §3.2). JSON as it stands, keys in the order of the contract; it
 * is stored with the version and shown as it is. Nodes are named by their names; only `id` is what `primary_node_id` takes.
 */
import type { ErrorCode } from "../errors.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import type { Finding } from "./graph.ts"

/** A node as promotion names it: `id` is its id, or its unique name where it has none. */
export type ReportNode = { readonly id: string; readonly name: string; readonly type: string }

/** A node that can lead. Where there are candidates, one is suggested. */
export type ReportCandidate = ReportNode & { readonly suggested: boolean }

/**
 * A setting that the assistant takes over, by its name on the wire, and where it comes from. `tools` is shown only: tools
 * stay with the node.
 */
export type ReportSetting = {
  readonly field: string
  readonly value: JsonValue
  readonly from: { readonly node: string; readonly path: string }
}

/** An input beside the chat message. */
export type ReportInput = { readonly name: string; readonly type: string | null; readonly required: boolean }

/** How a chat message enters, and which inputs it may bring. `message` null: there is nowhere to start. */
export type ReportEntry = {
  readonly message: { readonly node: string; readonly field: string } | null
  readonly per_turn: readonly ReportInput[]
  readonly per_thread: readonly ReportInput[]
}

/** What is the answer. `node` null: several nodes can end a run, they are in `ends`; `field` null: the items decide. */
export type ReportAnswer = {
  readonly node: string | null
  readonly field: string | null
  readonly ends: readonly { readonly node: string; readonly field: string | null }[]
}

/** Why a version cannot be promoted. */
export type ReportError = {
  readonly code: ErrorCode
  readonly message: string
  readonly details: JsonObject
}

/** The report. `error` is there exactly where it is not promotable. */
export type PromotionReport = {
  readonly promotable: boolean
  readonly error?: ReportError
  readonly primary_node: ReportNode | null
  readonly candidates: readonly ReportCandidate[]
  readonly settings: readonly ReportSetting[]
  readonly input: ReportEntry
  readonly output: ReportAnswer
  /** Nodes at which a run may wait for a person. */
  readonly pauses: readonly string[]
  /** Nodes whose text is shown while it is made. */
  readonly streams: readonly string[]
  /** Nodes that fail when they are reached, since their kind is not run here. */
  readonly unknown_kinds: readonly string[]
  readonly findings: readonly Finding[]
}
