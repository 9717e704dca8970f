/** Stored threads and messages. */

/** The functions of the threads' tables. */
export type ThreadTable = Record<never, never>
