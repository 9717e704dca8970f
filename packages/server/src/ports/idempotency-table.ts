/**
 * Stored marks of requests that came with an `Idempotency-Key`, one per organization, key, method and path. A mark holds
 * the first answer, or the run that gives it. Marks of runs are written by the owner's group statement.
 */
import type { Id } from "@brevet/core/ids"

/** What a mark is found by. `path` is the path of the request without its query. */
export type IdempotencyScope = {
  readonly organizationId: Id<"organization">
  readonly key: string
  readonly method: string
  readonly path: string
}

/** An answer that is kept. `headers` are those that belong to the answer itself; `body` is its text, null for none. */
export type KeptAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** A mark. Exactly one of `answer`, `secretId` and `runId` is set. */
export type IdempotencyRecord = {
  /** SHA-256 of the request's body and query, in hex. */
  readonly bodyHash: string
  readonly answer: KeptAnswer | null
  /** The answer showed a secret and was not kept; this is the id of what it made. */
  readonly secretId: string | null
  readonly runId: Id<"run"> | null
  readonly responseId: Id<"response"> | null
  readonly createdAtMs: number
}

/** What is stored of a call that ended in its transaction. */
export type NewIdempotencyMark = Pick<IdempotencyRecord, "bodyHash" | "answer" | "secretId" | "createdAtMs"> & {
  /** The run that goes on with what the call brought, and the response that it gives. */
  readonly run?: { readonly runId: Id<"run">; readonly responseId: Id<"response"> }
}

/** The functions of the marks' table. */
export interface IdempotencyTable {
  find(scope: IdempotencyScope): Promise<IdempotencyRecord | null>
  /** Holds the scope until the transaction ends; false where another transaction holds it now. Never waits. */
  hold(scope: IdempotencyScope): Promise<boolean>
  /** Stores a mark. False where there is one already. */
  create(scope: IdempotencyScope, mark: NewIdempotencyMark): Promise<boolean>
  /** Removes the mark of a scope if it is older than an instant. */
  removeOld(scope: IdempotencyScope, options: { readonly beforeMs: number }): Promise<void>
  /** Removes the mark of a scope if it is still that of a run. */
  removeOfRun(scope: IdempotencyScope, runId: Id<"run">): Promise<void>
  /** Removes at most `limit` marks that are older than an instant; gives how many. */
  purge(options: { readonly beforeMs: number; readonly limit: number }): Promise<number>
}
