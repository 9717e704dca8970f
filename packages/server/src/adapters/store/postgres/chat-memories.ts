/** What memory nodes keep, over Postgres: a row for each turn of a session. */
import { type Id, uuidOf } from "@brevet/core/ids"
import type { ChatMemoryTable, MemorySession } from "../../../ports/chat-memory-table.ts"
import { plain, type Sql } from "./sql.ts"

/** Makes the table. */
export function makeChatMemoryTable(sql: Sql): ChatMemoryTable {
  return {
    async read(session, { turnsMax, exceptPlace }) {
      const rows = await sql.rows<{ question: string; answer: string }>({
        name: "chat-memory-read",
        text: `SELECT question, answer FROM (
                 SELECT id, question, answer FROM chat_memory_turns
                 WHERE organization_id = $1 AND workflow_id = $2 AND session_key = $3 AND place <> $4
                 ORDER BY id DESC LIMIT $5
               ) newest ORDER BY id`,
        values: [...keyOf(session), exceptPlace, turnsMax],
      })
      return rows.map(({ question, answer }) => ({ question, answer }))
    },
    async add(session, { question, answer, place, atMs }) {
      await sql.rows({
        name: "chat-memory-add",
        text: `INSERT INTO chat_memory_turns (organization_id, workflow_id, session_key, place, question, answer, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (place) DO NOTHING`,
        values: [...keyOf(session), place, plain(question), plain(answer), new Date(atMs)],
      })
    },
  }
}

/** Stands for the workflow of a definition that is stored nowhere. */
const noWorkflow = "00000000-0000-0000-0000-000000000000"

function keyOf({ organizationId, workflowId, sessionKey }: MemorySession): unknown[] {
  return [
    uuidOf(organizationId),
    workflowId === null ? noWorkflow : uuidOf(workflowId as Id<"workflow">),
    plain(sessionKey),
  ]
}
