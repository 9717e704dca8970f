/** The data that flows between nodes: lists of items, one list per output. Never altered once made. */
import type { JsonObject } from "../json.ts"

/**
 * Where an item came from: the item's place in the list of an input (0 where absent) of the node that made it.
 * `iteration`: in which execution of that node the input was; the one that made the item where absent (a loop hands out
 * later what it got at its beginning).
 */
export type PairedItem = { readonly item: number; readonly input?: number; readonly iteration?: number }

/** One item. `pairedItem` is its lineage; `$('Node').item` follows it back. */
export type Item = {
  readonly json: JsonObject
  readonly binary?: JsonObject
  readonly pairedItem?: PairedItem | readonly PairedItem[]
}

/** A node's result: one list of items per output. */
export type Outputs = readonly (readonly Item[])[]
