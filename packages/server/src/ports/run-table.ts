/** Stored runs as services read and mark them. Under way, only the owner writes them (see `adapters/owner`). */
import type { CauseCode } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { RunFilter } from "./runs.ts"

/** The functions of the runs' table. */
export interface RunTable {
  /** Marks every run that is queued, running or waiting for its end with that cause; gives their ids. */
  markCancelled(filter: RunFilter, cause: CauseCode): Promise<Id<"run">[]>
}
