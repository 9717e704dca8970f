/** A turn as services know it: what a door was asked for, checked and free of its wire form. */
import type { ModelSettings } from "@brevet/core/graph/model-settings"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"

/** One message of the request. */
export type TurnMessage = { readonly role: "user" | "assistant" | "system"; readonly text: string }

/** Where in its thread a turn stands, if not at the end. At most one field is given. */
export type TurnPlace =
  | { readonly edits: Id<"message"> }
  | { readonly follows: Id<"message"> }
  | { readonly contextThrough: Id<"response"> }

/** What a turn is asked with. */
export type TurnRequest = {
  /** In order; the last is the user's. */
  readonly inputs: readonly TurnMessage[]
  readonly threadId: string | null
  readonly assistantId: string | null
  /** The caller's own word for a new thread's workflow. */
  readonly workflowTag: string | null
  /** Values that lie over everything else; literal. */
  readonly settings: ModelSettings
  readonly metadata: JsonObject
  /** False hides a new thread from lists; null: as the assistant says. */
  readonly store: boolean | null
  readonly outputMode: "text" | "plain" | "structured" | null
  readonly place: TurnPlace | null
  /** A digest of who asks and what: two requests with the same one are the same request, sent twice (hex). Null: no matter. */
  readonly digest: string | null
}
