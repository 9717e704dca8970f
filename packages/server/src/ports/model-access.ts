/** Whose key pays for the model calls of an organization, as the runtime asks. Implemented by services. */
import type { Id } from "@brevet/core/ids"

/** Whose key a call is made with, or why there may be none. */
export type ModelKey =
  | { readonly use: "server" }
  | { readonly use: "own"; readonly apiKey: string }
  /** `inactive`: the organization switched the provider off. `unreadable`: its key was sealed with another secret key. */
  | { readonly use: "none"; readonly reason: "inactive" | "unreadable" }

/** For whom a call is made. `generation` is the one under which the run was made; null where that is not known. */
export type ModelCaller = { readonly organizationId: Id<"organization">; readonly generation: number | null }

/** Finds keys. */
export interface ModelAccess {
  keyFor(caller: ModelCaller, model: string): Promise<ModelKey>
}
