/** Organizations and their people: one statement per function. */
import { idFrom, uuidOf } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type {
  OrganizationFields,
  OrganizationRecord,
  OrganizationTable,
  UserRecord,
} from "../../../ports/organization-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  id: string
  name: string
  description: string | null
  profile: string
  owner_id: string
  is_active: boolean
  revision: number
  created_at: number
  updated_at: number
}

type UserRow = { id: string; organization_id: string; name: string; email: string; created_at: number }

function toRecord(row: Row | null): OrganizationRecord | null {
  if (row === null) return null
  return {
    id: idFrom("organization", row.id),
    name: row.name,
    description: row.description,
    profile: JSON.parse(row.profile) as JsonObject,
    ownerId: idFrom("user", row.owner_id),
    isActive: row.is_active,
    revision: row.revision,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

function toUser(row: UserRow): UserRecord {
  return {
    id: idFrom("user", row.id),
    organizationId: idFrom("organization", row.organization_id),
    name: row.name,
    email: row.email,
    createdAtMs: row.created_at,
  }
}

function assignments(fields: Partial<OrganizationFields>): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (fields.name !== undefined) pairs.push(["name", fields.name])
  if (fields.description !== undefined) pairs.push(["description", fields.description])
  if (fields.isActive !== undefined) pairs.push(["is_active", fields.isActive])
  if (fields.profile !== undefined) pairs.push(["profile", JSON.stringify(fields.profile)])
  return pairs
}

/** The organizations' table over a pool or transaction. */
export function makeOrganizationTable(sql: Sql): OrganizationTable {
  const findText = "SELECT * FROM organizations WHERE id = $1"
  return {
    async create({ id, name, description, owner, createdAtMs }) {
      const at = new Date(createdAtMs)
      await sql.rows({
        text: `WITH made AS (
                 INSERT INTO organizations (id, name, description, owner_id, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $5) RETURNING id)
               INSERT INTO users (id, organization_id, name, email, created_at) SELECT $4, made.id, $6, $7, $5 FROM made`,
        values: [uuidOf(id), name, description ?? null, uuidOf(owner.id), at, owner.name, owner.email],
      })
    },
    findFirst: async () =>
      toRecord(await sql.first<Row>({ text: "SELECT * FROM organizations ORDER BY created_at, id LIMIT 1" })),
    find: async (id) =>
      toRecord(await sql.first<Row>({ name: "organization-find", text: findText, values: [uuidOf(id)] })),
    async findGeneration(id) {
      const row = await sql.first<{ generation: number }>({
        name: "find-generation",
        text: "SELECT generation FROM organizations WHERE id = $1",
        values: [uuidOf(id)],
      })
      return row?.generation ?? null
    },
    findForUpdate: async (id) =>
      toRecord(await sql.first<Row>({ text: `${findText} FOR UPDATE`, values: [uuidOf(id)] })),
    async update(id, fields, { atMs }) {
      const pairs: [string, unknown][] = [...assignments(fields), ["updated_at", new Date(atMs)]]
      const sets = pairs.map(([column], index) => `${column} = $${index + 2}`)
      return toRecord(
        await sql.first<Row>({
          text: `UPDATE organizations SET ${[...sets, "revision = revision + 1"].join(", ")} WHERE id = $1 RETURNING *`,
          values: [uuidOf(id), ...pairs.map(([, value]) => value)],
        }),
      )
    },
    async findUser(id) {
      const row = await sql.first<UserRow>({
        name: "user-find",
        text: "SELECT * FROM users WHERE id = $1",
        values: [uuidOf(id)],
      })
      return row === null ? null : toUser(row)
    },
    async listUsers(organizationId) {
      const rows = await sql.rows<UserRow>({
        text: "SELECT * FROM users WHERE organization_id = $1 ORDER BY created_at, id",
        values: [uuidOf(organizationId)],
      })
      return rows.map(toUser)
    },
  }
}
