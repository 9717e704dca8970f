/** The messages before a place of a thread, as model calls get them: one statement per function. */
import type { HistoryMessage, Summary } from "@brevet/core/graph/conversation"
import { uuidOf } from "@brevet/core/ids"
import { isJsonObject, type JsonValue } from "@brevet/core/json"
import type { HistoryTable } from "../../../ports/history.ts"
import type { Sql } from "./sql.ts"

type HistoryRow = {
  readonly turn: number | null
  readonly role: HistoryMessage["role"]
  readonly content: string
  readonly summary: string | null
}

/** The history over a pool. A turn with a failed answer is left out whole. */
export function makeHistoryTable(sql: Sql): HistoryTable {
  return {
    async read({ threadId, turn, ordinal }) {
      const rows = await sql.rows<HistoryRow>({
        name: "read-history",
        text: `SELECT m.turn, m.role, m.content, t.summary FROM threads t
               LEFT JOIN messages m ON m.thread_id = t.id AND m.deleted_at IS NULL AND (m.turn, m.ordinal) < ($2, $3)
                 AND NOT EXISTS (SELECT FROM messages f WHERE f.thread_id = t.id AND f.turn = m.turn
                   AND f.is_failed AND f.deleted_at IS NULL)
               WHERE t.id = $1 ORDER BY m.turn, m.ordinal`,
        values: [uuidOf(threadId), turn, ordinal],
      })
      return { messages: rows.flatMap(toMessage), summary: parseSummary(rows[0]?.summary ?? null) }
    },
    async saveSummary(threadId, summary) {
      await sql.rows({
        text: `UPDATE threads SET summary = $2 WHERE id = $1
                 AND COALESCE((summary::json ->> 'throughTurn')::int, 0) < $3`,
        values: [uuidOf(threadId), JSON.stringify(summary), summary.throughTurn],
      })
    },
  }
}

function toMessage({ turn, role, content }: HistoryRow): HistoryMessage[] {
  if (turn === null) return []
  return [{ turn, role, text: textOfContent(JSON.parse(content) as JsonValue) }]
}

/** The text of a stored content: itself, or its parts joined by line breaks. */
function textOfContent(content: JsonValue): string {
  if (typeof content === "string") return content
  if (Array.isArray(content)) return content.map((part) => textOfContent(part as JsonValue)).join("\n")
  if (isJsonObject(content) && typeof content.text === "string") return content.text
  return JSON.stringify(content)
}

function parseSummary(text: string | null): Summary | null {
  return text === null ? null : (JSON.parse(text) as Summary)
}
