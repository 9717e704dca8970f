/** Calls of assistants by nodes of workflows, as the runtime asks for them. Implemented by services. */
import type { CauseCode } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"

/** A call. `runId` is that of the run that it makes, so that the same call made twice makes one run. */
export type AssistantCall = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly assistantId: string
  readonly message: string
  readonly traceId: string
  readonly parent: {
    readonly runId: Id<"run">
    /** Null: the calling run belongs to no conversation. */
    readonly threadId: Id<"thread"> | null
    readonly node: string
    readonly depth: number
  }
}

/** Why a call cannot be made: the assistant is not there, not active, or its thread is busy. */
export type CallRefused = { readonly code: CauseCode; readonly message: string }

/** Makes calls. */
export interface AssistantCalls {
  /** Starts the run of a call, unless it is there already; gives back why it cannot be made, or null. */
  start(call: AssistantCall): Promise<CallRefused | null>
  /** Ends the run of a call whose caller ends before its time, and waits a while for that. Harmless where it is over. */
  end(runId: Id<"run">, cause: CauseCode): Promise<void>
}
