/** Credentials: one statement per function (an update is enclosed in a savepoint, since a unique index may refuse it). */
import { nameKeyOf } from "@brevet/core/contract/name-key"
import { idFrom, uuidOf } from "@brevet/core/ids"
import pg from "pg"
import type {
  CredentialChange,
  CredentialFilter,
  CredentialRecord,
  CredentialTable,
} from "../../../ports/credential-table.ts"
import { inSavepoint, type Sql } from "./sql.ts"

type Row = {
  id: string
  organization_id: string
  name: string
  type: string
  secret: Buffer
  allowed_hosts: string[] | null
  created_by: string | null
  revision: number
  created_at: number
  updated_at: number
}

function toRecord(row: Row): CredentialRecord {
  return {
    id: idFrom("credential", row.id),
    organizationId: idFrom("organization", row.organization_id),
    name: row.name,
    type: row.type,
    secret: row.secret,
    allowedHosts: row.allowed_hosts,
    createdBy: row.created_by === null ? null : idFrom("user", row.created_by),
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

const orNull = (row: Row | null): CredentialRecord | null => (row === null ? null : toRecord(row))

function assignments(change: CredentialChange): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (change.name !== undefined) pairs.push(["name", change.name], ["name_key", nameKeyOf(change.name)])
  if (change.secret !== undefined) pairs.push(["secret", Buffer.from(change.secret)])
  if (change.allowedHosts !== undefined) pairs.push(["allowed_hosts", change.allowedHosts])
  return pairs
}

/** SQLSTATE of a refused unique index; there is one of names here. */
const uniqueViolation = "23505"

/** An absent condition is a null parameter, so that one prepared statement serves every filter. */
const conditions = "organization_id = $1 AND ($2::text IS NULL OR type = $2) AND ($3::text IS NULL OR name_key = $3)"

function conditionValues({ organizationId, type, name }: CredentialFilter): unknown[] {
  return [uuidOf(organizationId), type ?? null, name === undefined ? null : nameKeyOf(name)]
}

/** The credentials' table over a pool or transaction. */
export function makeCredentialTable(sql: Sql): CredentialTable {
  return { ...makeReads(sql), ...makeWrites(sql) }
}

function makeReads(sql: Sql): Pick<CredentialTable, "find" | "hold" | "findByName" | "list"> {
  return {
    async find(organizationId, id) {
      return orNull(
        await sql.first<Row>({
          name: "credential-find",
          text: "SELECT * FROM credentials WHERE organization_id = $1 AND id = $2",
          values: [uuidOf(organizationId), uuidOf(id)],
        }),
      )
    },
    async hold(organizationId, id) {
      return orNull(
        await sql.first<Row>({
          text: "SELECT * FROM credentials WHERE organization_id = $1 AND id = $2 FOR UPDATE",
          values: [uuidOf(organizationId), uuidOf(id)],
        }),
      )
    },
    async findByName(organizationId, { type, name }) {
      return orNull(
        await sql.first<Row>({
          name: "credential-find-by-name",
          text: "SELECT * FROM credentials WHERE organization_id = $1 AND type = $2 AND name_key = $3",
          values: [uuidOf(organizationId), type, nameKeyOf(name)],
        }),
      )
    },
    async list(filter) {
      const values = conditionValues(filter)
      const rows = await sql.rows<Row>({
        name: "credential-list",
        text: `SELECT * FROM credentials WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5`,
        values: [...values, filter.limit, filter.offset],
      })
      const counted = await sql.first<{ total: number }>({
        name: "credential-count",
        text: `SELECT count(*) AS total FROM credentials WHERE ${conditions}`,
        values,
      })
      return { records: rows.map(toRecord), total: counted?.total ?? 0 }
    },
  }
}

function makeWrites(sql: Sql): Pick<CredentialTable, "create" | "update" | "remove"> {
  return {
    async create(credential) {
      return orNull(
        await sql.first<Row>({
          text: `INSERT INTO credentials
                   (id, organization_id, name, name_key, type, secret, allowed_hosts, created_by, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
                 ON CONFLICT (organization_id, type, name_key) DO NOTHING RETURNING *`,
          values: [
            uuidOf(credential.id),
            uuidOf(credential.organizationId),
            credential.name,
            nameKeyOf(credential.name),
            credential.type,
            Buffer.from(credential.secret),
            credential.allowedHosts,
            credential.createdBy === null ? null : uuidOf(credential.createdBy),
            new Date(credential.createdAtMs),
          ],
        }),
      )
    },
    async update(id, change, { atMs }) {
      const pairs = assignments(change)
      const sets = [
        ...pairs.map(([column], index) => `${column} = $${index + 3}`),
        "revision = revision + 1",
        "updated_at = $2",
      ]
      const update = {
        text: `UPDATE credentials SET ${sets.join(", ")} WHERE id = $1 RETURNING *`,
        values: [uuidOf(id), new Date(atMs), ...pairs.map(([, value]) => value)],
      }
      try {
        return orNull(await inSavepoint(sql, () => sql.first<Row>(update)))
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === uniqueViolation) return null
        throw error
      }
    },
    async remove(id) {
      await sql.rows({ text: "DELETE FROM credentials WHERE id = $1", values: [uuidOf(id)] })
    },
  }
}
