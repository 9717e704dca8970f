/**
 * Notices of runs that fail and whose failure starts another run. A notice is kept before the failure is, and removed once
 * the other run is stored, so that a crash between the two loses nothing.
 */
import type { Id } from "@brevet/core/ids"

/** A notice. `errorRunId`: the run that was to be started for it last; null: none was. */
export type ErrorNotice = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  readonly errorRunId: Id<"run"> | null
}

/** The functions of the notices' table. */
export interface ErrorNoticeTable {
  /** Keeps a notice; one that is there already stays as it is. */
  add(notice: Pick<ErrorNotice, "runId" | "organizationId">, options: { readonly atMs: number }): Promise<void>
  /**
   * Says which run is started for a notice, if it still says what the caller believes: of several that want to start one,
   * one may.
   */
  claim(notice: ErrorNotice, options: { readonly errorRunId: Id<"run">; readonly atMs: number }): Promise<boolean>
  remove(runId: Id<"run">): Promise<void>
  /** Notices that nobody has touched since then, the oldest first. */
  listStale(options: { readonly beforeMs: number; readonly limit: number }): Promise<readonly ErrorNotice[]>
}
