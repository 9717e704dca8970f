/**
 * Files of runs over Postgres. `binaries` holds each content of an organization once, under its SHA-256; `run_binaries`
 * says which runs have it. Content is stored neither inline nor compressed, so that a part of it can be read by itself.
 *
 *     keep ── the content is new ──> row of binaries ──┬─> row of run_binaries
 *          └─ it is there already ── its time moves ───┘
 *     drop ── a run has it no more ──> loose ── no run has it, and its time is long ago ── purge ──> removed
 *
 * A purge that meets a keeping of the same content waits for it and then finds its time moved, so that it stays.
 */
import { createHash } from "node:crypto"
import { uuidOf } from "@brevet/core/ids"
import type { BinaryRecord, BinaryScope, BinaryTable, NewBinary } from "../../../ports/binary-table.ts"
import { plain, type Sql } from "./sql.ts"

type Row = { hash: string; size: number; mime_type: string; file_name: string | null; kept_at: number }

const idPrefix = "bin_"
const columns = "encode(r.hash, 'hex') AS hash, b.size, r.mime_type, r.file_name, r.kept_at"
const joined = "run_binaries r JOIN binaries b ON b.organization_id = r.organization_id AND b.hash = r.hash"

/** Bytes that are read at a time: the driver holds twice as many characters. */
const pieceBytes = 4 * 1024 * 1024

function toRecord(row: Row): BinaryRecord {
  return {
    id: idPrefix + row.hash,
    bytes: row.size,
    mimeType: row.mime_type,
    fileName: row.file_name,
    keptAtMs: row.kept_at,
  }
}

function hashOf(id: string): Buffer {
  return Buffer.from(id.slice(idPrefix.length), "hex")
}

function keyOf({ organizationId, runId }: BinaryScope, id: string): unknown[] {
  return [uuidOf(organizationId), uuidOf(runId), hashOf(id)]
}

/** Keeps content and link; null where the run would have too much, counted with its other files. */
async function keep(
  sql: Sql,
  scope: BinaryScope,
  { file, runBytesMax, atMs }: { readonly file: NewBinary; readonly runBytesMax: number; readonly atMs: number },
): Promise<BinaryRecord | null> {
  const hash = createHash("sha256").update(file.content).digest()
  const organizationId = uuidOf(scope.organizationId)
  const at = new Date(atMs)
  const known = await sql.first({
    name: "binary-touch",
    text: "UPDATE binaries SET used_at = GREATEST(used_at, $3) WHERE organization_id = $1 AND hash = $2 RETURNING 1",
    values: [organizationId, hash, at],
  })
  if (known === null) {
    await sql.rows({
      name: "binary-add",
      text: `INSERT INTO binaries (organization_id, hash, size, content, used_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (organization_id, hash) DO UPDATE SET used_at = GREATEST(binaries.used_at, excluded.used_at)`,
      values: [
        organizationId,
        hash,
        file.content.byteLength,
        Buffer.from(file.content.buffer, file.content.byteOffset, file.content.byteLength),
        at,
      ],
    })
  }
  await sql.rows({
    name: "binary-link",
    text: `INSERT INTO run_binaries (run_id, organization_id, hash, mime_type, file_name, kept_at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    values: [uuidOf(scope.runId), organizationId, hash, plain(file.mimeType), plainOrNull(file.fileName), at],
  })
  const total = await sql.first<{ bytes: number }>({
    name: "binary-total",
    text: `SELECT sum(b.size)::bigint AS bytes FROM ${joined} WHERE r.run_id = $1`,
    values: [uuidOf(scope.runId)],
  })
  if ((total?.bytes ?? 0) > runBytesMax) return null
  return find(sql, scope, idPrefix + hash.toString("hex"))
}

/** Thrown to undo a keeping. */
class TooMuch extends Error {}

async function find(sql: Sql, scope: BinaryScope, id: string): Promise<BinaryRecord | null> {
  const row = await sql.first<Row>({
    name: "binary-find",
    text: `SELECT ${columns} FROM ${joined} WHERE r.organization_id = $1 AND r.run_id = $2 AND r.hash = $3`,
    values: keyOf(scope, id),
  })
  return row === null ? null : toRecord(row)
}

async function read(sql: Sql, scope: BinaryScope, id: string): Promise<Buffer | null> {
  const found = await find(sql, scope, id)
  if (found === null) return null
  const pieces: Buffer[] = []
  for (let from = 0; from < found.bytes; from += pieceBytes) {
    const row = await sql.first<{ piece: Buffer }>({
      name: "binary-piece",
      text: `SELECT substring(b.content FROM $4 FOR $5) AS piece FROM ${joined}
             WHERE r.organization_id = $1 AND r.run_id = $2 AND r.hash = $3`,
      values: [...keyOf(scope, id), from + 1, pieceBytes],
    })
    // Taken from the run in the middle of the reading: what is left is not the file.
    if (row === null) return null
    pieces.push(row.piece)
  }
  return Buffer.concat(pieces)
}

/** Takes files from runs. Their content may be nobody's now: that is for the purge to see. */
function dropText(condition: string): string {
  return `WITH gone AS (DELETE FROM run_binaries WHERE ${condition} RETURNING organization_id, hash)
    UPDATE binaries b SET loose = true FROM (SELECT DISTINCT organization_id, hash FROM gone) g
    WHERE b.organization_id = g.organization_id AND b.hash = g.hash RETURNING 1`
}

/** How far back files are looked for whose run never came to be (milliseconds). */
const orphansMs = 24 * 60 * 60 * 1_000

async function purge(
  sql: Sql,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<number> {
  await sql.rows({
    name: "binary-drop-orphans",
    text: dropText(`(run_id, hash) IN (SELECT r.run_id, r.hash FROM run_binaries r
      WHERE r.kept_at BETWEEN $1 AND $2 AND NOT EXISTS (SELECT FROM runs WHERE runs.id = r.run_id) LIMIT $3)`),
    values: [new Date(beforeMs - orphansMs), new Date(beforeMs), limit],
  })
  const linked = "EXISTS (SELECT FROM run_binaries r WHERE r.organization_id = b.organization_id AND r.hash = b.hash)"
  await sql.rows({
    name: "binary-tighten",
    text: `UPDATE binaries SET loose = false WHERE loose AND (organization_id, hash) IN (
             SELECT b.organization_id, b.hash FROM binaries b WHERE b.loose AND ${linked} LIMIT $1)`,
    values: [limit],
  })
  // The time is judged again once the row is locked: what is being kept meanwhile stays.
  const removed = await sql.rows({
    name: "binary-purge",
    text: `DELETE FROM binaries WHERE loose AND used_at < $1 AND (organization_id, hash) IN (
             SELECT b.organization_id, b.hash FROM binaries b
             WHERE b.loose AND b.used_at < $1 AND NOT ${linked} LIMIT $2) RETURNING 1`,
    values: [new Date(beforeMs), limit],
  })
  return removed.length
}

function plainOrNull(text: string | null): string | null {
  return text === null ? null : plain(text)
}

/** How a table runs several statements as one: a transaction of its own over the pool, a savepoint within one. */
type Together = <Result>(steps: (sql: Sql) => Promise<Result>) => Promise<Result>

/** The table over a pool or transaction. */
export function makeBinaryTable(sql: Sql, together: Together): BinaryTable {
  return {
    async keep(scope, file, options) {
      try {
        return await together(async (inner) => {
          const kept = await keep(inner, scope, { file, ...options })
          if (kept === null) throw new TooMuch()
          return kept
        })
      } catch (error) {
        if (error instanceof TooMuch) return null
        throw error
      }
    },
    find: (scope, id) => find(sql, scope, id),
    read: (scope, id) => read(sql, scope, id),
    async list({ organizationId, runId }) {
      const rows = await sql.rows<Row>({
        name: "binary-list",
        text: `SELECT ${columns} FROM ${joined} WHERE r.organization_id = $1 AND r.run_id = $2 ORDER BY r.kept_at, r.hash`,
        values: [uuidOf(organizationId), uuidOf(runId)],
      })
      return rows.map(toRecord)
    },
    async share({ organizationId, runId }, { with: other, atMs }) {
      await sql.rows({
        name: "binary-share",
        text: `INSERT INTO run_binaries (run_id, organization_id, hash, mime_type, file_name, kept_at)
               SELECT $3, organization_id, hash, mime_type, file_name, $4 FROM run_binaries
               WHERE organization_id = $1 AND run_id = $2 ON CONFLICT DO NOTHING`,
        values: [uuidOf(organizationId), uuidOf(runId), uuidOf(other), new Date(atMs)],
      })
    },
    async drop(runIds) {
      await sql.rows({
        name: "binary-drop",
        text: dropText("run_id = ANY($1)"),
        values: [runIds.map(uuidOf)],
      })
    },
    purge: (options) => purge(sql, options),
  }
}
