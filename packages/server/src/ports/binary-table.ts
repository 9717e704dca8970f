/**
 * Files that runs work with: their bytes, kept apart from the events of runs, which hold references to them (the graph's
 * `binary.ts`). Content is kept once for each organization, however many runs refer to it; a run reads only the files that
 * it has. Keeping the same bytes again is harmless, so that a step may do it twice.
 */
import type { BinaryFacts } from "@brevet/core/graph/binary"
import type { Id } from "@brevet/core/ids"

/** Whose file it is. */
export type BinaryScope = { readonly organizationId: Id<"organization">; readonly runId: Id<"run"> }

/** A file that a run has. */
export type BinaryRecord = BinaryFacts & { readonly id: string; readonly bytes: number; readonly keptAtMs: number }

/** A file to be kept. */
export type NewBinary = BinaryFacts & { readonly content: Uint8Array }

/** The functions of the files' tables. */
export interface BinaryTable {
  /**
   * Keeps a file for a run, which need not be stored yet. Null where the run would then have more than so many bytes; then
   * nothing is kept. A file that the run has already keeps its first name and type.
   */
  keep(
    scope: BinaryScope,
    file: NewBinary,
    options: { readonly runBytesMax: number; readonly atMs: number },
  ): Promise<BinaryRecord | null>
  /** The file of that id; null where the run has none. */
  find(scope: BinaryScope, id: string): Promise<BinaryRecord | null>
  /** The bytes of a file, whole; null where the run has none of that id. */
  read(scope: BinaryScope, id: string): Promise<Buffer | null>
  /** The files of a run, in the order in which they were kept. */
  list(scope: BinaryScope): Promise<readonly BinaryRecord[]>
  /** Lets a run have the files of another one, for runs that are given items of it. */
  share(scope: BinaryScope, options: { readonly with: Id<"run">; readonly atMs: number }): Promise<void>
  /** Takes the files from runs whose events are removed. The bytes go with the next purge. */
  drop(runIds: readonly Id<"run">[]): Promise<void>
  /** Removes, at most so many at a time, bytes that no run has, and files of runs that never were; both older than that. */
  purge(options: { readonly beforeMs: number; readonly limit: number }): Promise<number>
}
