/** Calls of workflows by nodes of workflows, as the runtime asks for them. Implemented by services. */
import type { CauseCode } from "@brevet/core/errors"
import type { Item } from "@brevet/core/graph/items"
import type { WorkflowTarget } from "@brevet/core/graph/kinds/execute-workflow"
import type { Id } from "@brevet/core/ids"
import type { CallRefused } from "./assistant-calls.ts"

/** A call. `runId` is that of the run that it makes, so that the same call made twice makes one run. */
export type WorkflowCall = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly target: WorkflowTarget
  readonly items: readonly Item[]
  readonly mode: "production" | "manual"
  readonly traceId: string
  /** The run that calls, and how deeply the called one lies. */
  readonly parent: { readonly runId: Id<"run">; readonly depth: number }
}

/** Makes calls. */
export interface WorkflowCalls {
  /** Starts the run of a call, unless it is there already; gives back why it cannot be made, or null. */
  start(call: WorkflowCall): Promise<CallRefused | null>
  /** Ends the run of a call whose caller ends before its time, and waits a while for that. Harmless where it is over. */
  end(runId: Id<"run">, cause: CauseCode): Promise<void>
}
