/** Why work for a run is broken off: the reasons of a segment's signal. Whoever works for the run gets one of them thrown. */
import type { CauseCode } from "@brevet/core/errors"
import type { Failure } from "@brevet/core/graph/events"

/** Somebody wants the run to end. What was shown stays, unless the cause takes the turn back. */
export class RunCancelled extends Error {
  override readonly name = "RunCancelled"
  readonly cancelCause: CauseCode

  constructor(cause: CauseCode) {
    super("the run was cancelled")
    this.cancelCause = cause
  }
}

/** The run has worked for longer than it may. */
export class RunTimedOut extends Error {
  override readonly name = "RunTimedOut"
}

/** A bound of the run was passed: it fails with this. */
export class RunBoundPassed extends Error {
  override readonly name = "RunBoundPassed"
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

/** This process ends; whoever claims the run goes on with it. */
export class RunHandedOver extends Error {
  override readonly name = "RunHandedOver"
}
