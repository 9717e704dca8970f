/** The log of runs: rows of `events`, one per append, whose bodies are JSON arrays of events. */

import type { CauseCode } from "@brevet/core/errors"
import { numbersOf, type RunEvent } from "@brevet/core/graph/events"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { NumberedEvent, RunLog, RunStanding } from "../../../ports/run-log.ts"
import type { EndedRun, RunOutcome } from "../../../ports/runs.ts"
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
    async ended(runId) {
      const row = await sql.first<EndedRow>({
        name: "read-ended",
        text: "SELECT status, usage, result FROM runs WHERE id = $1 AND finished_at IS NOT NULL",
        values: [uuidOf(runId)],
      })
      return row === null ? null : toEndedRun(row)
    },
    async outcome({ runId, responseId }) {
      const row = await sql.first<OutcomeRow>({
        name: "read-outcome",
        text: `SELECT r.status, r.usage, r.result, s.usage AS rest_usage, s.result AS rest_result
               FROM runs r LEFT JOIN responses s ON s.id = $2 WHERE r.id = $1`,
        values: [uuidOf(runId), responseId === null ? null : uuidOf(responseId)],
      })
      return row === null ? null : toOutcome(row, responseId)
    },
    async marks(ids) {
      const rows = await sql.rows<{ id: string; cancel_mark: CauseCode }>({
        text: "SELECT id, cancel_mark FROM runs WHERE id = ANY($1) AND cancel_mark IS NOT NULL",
        values: [ids.map(uuidOf)],
      })
      return rows.map((row) => ({ runId: idFrom("run", row.id), cause: row.cancel_mark }))
    },
  }
}

type EndedRow = { readonly status: EndedRun["status"]; readonly usage: string; readonly result: string }

/** How a run ended, from its row. */
function toEndedRun({ status, usage, result }: EndedRow): EndedRun {
  return { status, usage: JSON.parse(usage) as EndedRun["usage"], result: JSON.parse(result) as EndedRun["result"] }
}

type OutcomeRow = {
  readonly status: RunStanding["status"]
  readonly usage: string | null
  readonly result: string | null
  readonly rest_usage: string | null
  readonly rest_result: string | null
}

/** A response that ended with a question says so itself; the last one ended with its run. */
function toOutcome(row: OutcomeRow, responseId: string | null): RunOutcome | null {
  const { status, rest_usage: restUsage, rest_result: restResult } = row
  if (restUsage !== null && restResult !== null) return outcomeOf("waiting", restUsage, restResult)
  const isOver = status === "completed" || status === "failed" || status === "cancelled"
  const isAtRest = status === "waiting" && responseId === null
  if (row.usage === null || row.result === null || !(isOver || isAtRest)) return null
  return outcomeOf(status, row.usage, row.result)
}

function outcomeOf(status: RunOutcome["status"], usage: string, result: string): RunOutcome {
  const parts = { usage: JSON.parse(usage), result: JSON.parse(result) } as Pick<RunOutcome, "usage" | "result">
  return { status, ...parts }
}

/** The events of one append with their numbers. */
function numberedEvents(row: { readonly seq: number; readonly body: string }): NumberedEvent[] {
  let number = row.seq
  return (JSON.parse(row.body) as RunEvent[]).map((event) => {
    const numbered = { number, event }
    number += numbersOf(event)
    return numbered
  })
}
