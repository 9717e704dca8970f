/** What working on runs needs: the ports of the runtime, and its bounds. */
import type { PlanLimits } from "@brevet/core/graph/plan"
import type { IdSource } from "@brevet/core/ids"
import type { Logger } from "pino"
import type { BinaryTable } from "../ports/binary-table.ts"
import type { Clock } from "../ports/context.ts"
import type { CredentialAccess } from "../ports/credential-access.ts"
import type { ErrorRuns } from "../ports/error-runs.ts"
import type { HistoryTable } from "../ports/history.ts"
import type { ModelAccess } from "../ports/model-access.ts"
import type { Models } from "../ports/models.ts"
import type { Performers } from "./perform.ts"

/** The bounds of a run, each a setting with a code of its own (R7). */
export type RunBounds = PlanLimits & {
  /** Bytes of all events of a run; counted in characters of their JSON. */
  readonly stateBytesMax: number
  /** Bytes of all files of a run. */
  readonly fileBytesMax: number
  /** How deeply runs may call one another. */
  readonly depthMax: number
  /** Tokens that the models of one run may take and give. */
  readonly tokensMax: number
  /** How long a run may work. */
  readonly workMsMax: number
}

/** The ports and bounds, the same for all runs. */
export type Workshop = {
  readonly models: Models
  readonly access: ModelAccess
  readonly credentials: CredentialAccess
  readonly history: HistoryTable
  readonly binaries: BinaryTable
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Logger
  readonly bounds: RunBounds
  readonly performers: Performers
  readonly errors: ErrorRuns
}
