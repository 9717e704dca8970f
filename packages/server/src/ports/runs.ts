/** Runs as services see them: what starts, wakes and ends them. Implemented by the runtime. */
import type { CauseCode } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"

/** The runs of a workflow, an assistant or a thread. Exactly one field is given. */
export type RunFilter = {
  readonly workflowId?: Id<"workflow">
  readonly assistantId?: Id<"assistant">
  readonly threadId?: Id<"thread">
}

/** What services ask of the runtime. */
export interface Runs {
  /**
   * To be called after the transaction in which `store.runs.markCancelled` was called has committed: the owners of the
   * marked runs end them, keeping what was shown.
   */
  endMarked(ids: readonly Id<"run">[]): void
}
