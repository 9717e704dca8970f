/** The log of runs: rows of `events`, one per append, whose bodies are JSON arrays of events. */
import { numbersOf, type RunEvent } from "@brevet/core/graph/events"
import { uuidOf } from "@brevet/core/ids"
import type { NumberedEvent, RunLog, RunStanding } from "../../../ports/run-log.ts"
import type { Sql } from "./sql.ts"

/** The log over a pool. */
export function makeRunLog(sql: Sql): RunLog {
  return {
    async read(runId, after, limit) {
      const rows = await sql.rows<{ seq: number; body: string }>({
        name: "read-log",
        text: "SELECT seq, body FROM events WHERE run_id = $1 AND seq + n > $2::bigint + 1 ORDER BY seq LIMIT $3",
        values: [uuidOf(runId), after, limit],
      })
      return rows.flatMap(numberedEvents)
    },
    standing(runId) {
      return sql.first<RunStanding>({
        name: "read-standing",
        text: `SELECT status, seq AS "savedNumber" FROM runs WHERE id = $1`,
        values: [uuidOf(runId)],
      })
    },
  }
}

/** The events of one append with their numbers. */
export function numberedEvents(row: { readonly seq: number; readonly body: string }): NumberedEvent[] {
  let number = row.seq
  return (JSON.parse(row.body) as RunEvent[]).map((event) => {
    const numbered = { number, event }
    number += numbersOf(event)
    return numbered
  })
}
