/** What the trouble of a statement means for whoever sent it. */
import pg from "pg"
import { isStoreAway } from "../store/postgres/sql.ts"

/**
 * `away`: the connection is lost, or no use any more (its server has become a standby): what became of the statement is
 * not known. `passing`: the statement was undone as a whole for a reason that passes (a deadlock, a full disk, a time
 * limit); the same may get through later. `fault`: it will never get through.
 */
export type Trouble = "away" | "passing" | "fault"

/** Tells which. Decided by the SQLSTATE alone. */
export function troubleOf(error: unknown): Trouble {
  // Made before anything was sent: a text that is too long to be built.
  if (error instanceof RangeError) return "fault"
  if (isStoreAway(error)) return "away"
  if (!(error instanceof pg.DatabaseError)) return "fault"
  if (error.code === "25006") return "away"
  return /^(40001|40P01|53|55P03|57014|58)/.test(error.code ?? "") ? "passing" : "fault"
}

/** True for the refusal of a second start with an idempotency key that another one has taken in the same instant. */
export function isKeyTaken(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "23505" && error.table === "idempotency_keys"
}

/** True where the statement waited for others that waited for it, and was the one to be undone. */
export function isLostRace(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^40(001|P01)$/.test(error.code ?? "")
}
