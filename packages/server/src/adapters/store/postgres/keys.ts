/** API keys: one statement per function. */
import type { Scope } from "@brevet/core/contract/route"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { KeyFields, KeyHolder, KeyRecord, KeyTable } from "../../../ports/key-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  user_id: string
  prefix: string
  name: string
  scopes: Scope[]
  is_active: boolean
  is_paused: boolean
  usage_limit_chf: number | null
  metadata: string
  revision: number
  created_at: number
  last_used_at: number | null
  expires_at: number | null
}

type HolderRow = Row & { hash: Buffer; user_name: string; user_email: string; generation: number }

/** Any number that nothing else locks. */
const firstStartLock = 3_141_592_653

const columns = `id, organization_id, user_id, prefix, name, scopes, is_active, is_paused, usage_limit_chf, metadata,
  revision, created_at, last_used_at, expires_at`

function toRecord(row: Row): KeyRecord {
  return {
    id: idFrom("apiKey", row.id),
    organizationId: idFrom("organization", row.organization_id),
    userId: idFrom("user", row.user_id),
    prefix: row.prefix,
    name: row.name,
    scopes: row.scopes,
    isActive: row.is_active,
    isPaused: row.is_paused,
    usageLimitChf: row.usage_limit_chf,
    metadata: JSON.parse(row.metadata) as JsonObject,
    revision: row.revision,
    createdAtMs: row.created_at,
    lastUsedAtMs: row.last_used_at,
    expiresAtMs: row.expires_at,
  }
}

function toHolder(row: HolderRow): KeyHolder {
  const { hash, user_name: userName, user_email: userEmail, generation } = row
  return { ...toRecord(row), hash, userName, userEmail, generation }
}

const timestamp = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))

function assignments(fields: Partial<KeyFields>): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (fields.name !== undefined) pairs.push(["name", fields.name])
  if (fields.scopes !== undefined) pairs.push(["scopes", fields.scopes])
  if (fields.isActive !== undefined) pairs.push(["is_active", fields.isActive])
  if (fields.isPaused !== undefined) pairs.push(["is_paused", fields.isPaused])
  if (fields.usageLimitChf !== undefined) pairs.push(["usage_limit_chf", fields.usageLimitChf])
  if (fields.metadata !== undefined) pairs.push(["metadata", JSON.stringify(fields.metadata)])
  if (fields.expiresAtMs !== undefined) pairs.push(["expires_at", timestamp(fields.expiresAtMs)])
  return pairs
}

/** The keys' table over a pool or transaction. */
export function makeKeyTable(sql: Sql): KeyTable {
  return { ...makeReads(sql), ...makeWrites(sql) }
}

/** What asks, and changes nothing. */
function makeReads(sql: Sql): Pick<KeyTable, "findByHash" | "find" | "list" | "hasOtherFullKey"> {
  return {
    async findByHash(hash) {
      const row = await sql.first<HolderRow>({
        name: "key-find-by-hash",
        text: `SELECT k.*, u.name AS user_name, u.email AS user_email, o.generation
               FROM api_keys k JOIN users u ON u.id = k.user_id JOIN organizations o ON o.id = k.organization_id
               WHERE k.hash = $1 AND k.deleted_at IS NULL`,
        values: [Buffer.from(hash)],
      })
      return row === null ? null : toHolder(row)
    },
    async find(organizationId, id) {
      const row = await sql.first<Row>({
        text: `SELECT ${columns} FROM api_keys WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL`,
        values: [uuidOf(organizationId), uuidOf(id)],
      })
      return row === null ? null : toRecord(row)
    },
    async list(organizationId, { limit, offset }) {
      const rows = await sql.rows<Row>({
        text: `SELECT ${columns} FROM api_keys WHERE organization_id = $1 AND deleted_at IS NULL
               ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3`,
        values: [uuidOf(organizationId), limit, offset],
      })
      const counted = await sql.first<{ total: number }>({
        text: "SELECT count(*) AS total FROM api_keys WHERE organization_id = $1 AND deleted_at IS NULL",
        values: [uuidOf(organizationId)],
      })
      return { records: rows.map(toRecord), total: counted?.total ?? 0 }
    },
    async hasOtherFullKey(organizationId, id, { atMs }) {
      const rows = await sql.rows({
        text: `SELECT 1 FROM api_keys WHERE organization_id = $1 AND id <> $2 AND deleted_at IS NULL AND is_active
                 AND NOT is_paused AND (expires_at IS NULL OR expires_at > $3) AND '*' = ANY (scopes) LIMIT 1`,
        values: [uuidOf(organizationId), uuidOf(id), new Date(atMs)],
      })
      return rows.length > 0
    },
  }
}

/** What changes rows, or holds others back. */
function makeWrites(sql: Sql): Pick<KeyTable, "create" | "update" | "softDelete" | "touch" | "holdFirstStart"> {
  return {
    async create(key) {
      const rows = await sql.rows<Row>({
        text: `INSERT INTO api_keys (id, organization_id, user_id, hash, prefix, name, scopes, is_active, is_paused,
                 usage_limit_chf, metadata, created_at, expires_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING ${columns}`,
        values: [
          uuidOf(key.id),
          uuidOf(key.organizationId),
          uuidOf(key.userId),
          Buffer.from(key.hash),
          key.prefix,
          key.name,
          key.scopes,
          key.isActive,
          key.isPaused,
          key.usageLimitChf,
          JSON.stringify(key.metadata),
          new Date(key.createdAtMs),
          timestamp(key.expiresAtMs),
        ],
      })
      const [row] = rows
      if (row === undefined) throw new Error("a key was not stored")
      return toRecord(row)
    },
    async update(id, fields) {
      const pairs = assignments(fields)
      const sets = [...pairs.map(([column], index) => `${column} = $${index + 2}`), "revision = revision + 1"]
      const row = await sql.first<Row>({
        text: `UPDATE api_keys SET ${sets.join(", ")} WHERE id = $1 AND deleted_at IS NULL RETURNING ${columns}`,
        values: [uuidOf(id), ...pairs.map(([, value]) => value)],
      })
      return row === null ? null : toRecord(row)
    },
    async softDelete(id, { atMs }) {
      const rows = await sql.rows({
        text: `UPDATE api_keys SET deleted_at = $2, revision = revision + 1
               WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
        values: [uuidOf(id), new Date(atMs)],
      })
      return rows.length > 0
    },
    async touch(id, { atMs }) {
      // Several processes may note the same use; the latest stands, and none of them makes a row move back.
      await sql.rows({
        name: "key-touch",
        text: "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        values: [uuidOf(id), new Date(atMs)],
      })
    },
    async holdFirstStart() {
      await sql.rows({ text: "SELECT pg_advisory_xact_lock($1)", values: [firstStartLock] })
    },
  }
}
