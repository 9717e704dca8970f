/** Marks of idempotent requests: one statement per function. */
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { IdempotencyRecord, IdempotencyScope, IdempotencyTable } from "../../../ports/idempotency-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  body_hash: Buffer
  status: number | null
  headers: string | null
  answer: string | null
  run_id: string | null
  response_id: string | null
  secret_id: string | null
  created_at: number
}

function toRecord(row: Row): IdempotencyRecord {
  return {
    bodyHash: row.body_hash.toString("hex"),
    answer:
      row.status === null
        ? null
        : {
            status: row.status,
            headers: JSON.parse(row.headers ?? "{}") as Record<string, string>,
            body: row.answer,
          },
    secretId: row.secret_id,
    runId: row.run_id === null ? null : idFrom("run", row.run_id),
    responseId: row.response_id === null ? null : idFrom("response", row.response_id),
    createdAtMs: row.created_at,
  }
}

const scopeValues = ({ organizationId, key, method, path }: IdempotencyScope): unknown[] => [
  uuidOf(organizationId),
  key,
  method,
  path,
]
const scopeCondition = "organization_id = $1 AND key = $2 AND method = $3 AND path = $4"

/** The marks' table over a pool or transaction. */
export function makeIdempotencyTable(sql: Sql): IdempotencyTable {
  return {
    async find(scope) {
      const row = await sql.first<Row>({
        name: "idempotency-find",
        text: `SELECT body_hash, status, headers, answer, run_id, response_id, secret_id, created_at
               FROM idempotency_keys WHERE ${scopeCondition}`,
        values: scopeValues(scope),
      })
      return row === null ? null : toRecord(row)
    },
    async hold({ organizationId, key, method, path }) {
      const row = await sql.first<{ held: boolean }>({
        name: "idempotency-hold",
        text: "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held",
        values: [`${organizationId} ${method} ${path} ${key}`],
      })
      return row?.held === true
    },
    async create(scope, mark) {
      const { answer, secretId } = mark
      const rows = await sql.rows({
        name: "idempotency-create",
        text: `INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, status, headers, answer,
                 secret_id, created_at, run_id, response_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING 1`,
        values: [
          ...scopeValues(scope),
          Buffer.from(mark.bodyHash, "hex"),
          answer?.status ?? null,
          answer === null ? null : JSON.stringify(answer.headers),
          answer?.body ?? null,
          secretId,
          new Date(mark.createdAtMs),
          mark.run === undefined ? null : uuidOf(mark.run.runId),
          mark.run === undefined ? null : uuidOf(mark.run.responseId),
        ],
      })
      return rows.length > 0
    },
    async removeOld(scope, { beforeMs }) {
      await sql.rows({
        text: `DELETE FROM idempotency_keys WHERE ${scopeCondition} AND created_at < $5`,
        values: [...scopeValues(scope), new Date(beforeMs)],
      })
    },
    async removeOfRun(scope, runId) {
      await sql.rows({
        text: `DELETE FROM idempotency_keys WHERE ${scopeCondition} AND run_id = $5`,
        values: [...scopeValues(scope), uuidOf(runId)],
      })
    },
    async purge({ beforeMs, limit }) {
      const rows = await sql.rows({
        text: `DELETE FROM idempotency_keys WHERE ctid IN (
                 SELECT ctid FROM idempotency_keys WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1`,
        values: [new Date(beforeMs), limit],
      })
      return rows.length
    },
  }
}
