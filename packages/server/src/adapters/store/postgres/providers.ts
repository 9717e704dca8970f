/** Providers' model keys: one statement per function. */
import { type Id, idFrom, uuidOf } from "@brevet/core/ids"
import type { ProviderChange, ProviderRecord, ProviderTable } from "../../../ports/provider-table.ts"
import type { Sql } from "./sql.ts"

type Row = {
  organization_id: string
  provider: string
  is_active: boolean
  secret: Buffer | null
  provider_org_id: string | null
  provider_project_id: string | null
  created_at: number
  updated_at: number
}

function toRecord(row: Row): ProviderRecord {
  return {
    organizationId: idFrom("organization", row.organization_id),
    provider: row.provider,
    isActive: row.is_active,
    secret: row.secret,
    providerOrganizationId: row.provider_org_id,
    providerProjectId: row.provider_project_id,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  }
}

function assignments(change: ProviderChange): [column: string, value: unknown][] {
  const pairs: [string, unknown][] = []
  if (change.isActive !== undefined) pairs.push(["is_active", change.isActive])
  if (change.secret !== undefined) pairs.push(["secret", change.secret === null ? null : Buffer.from(change.secret)])
  if (change.providerOrganizationId !== undefined) pairs.push(["provider_org_id", change.providerOrganizationId])
  if (change.providerProjectId !== undefined) pairs.push(["provider_project_id", change.providerProjectId])
  return pairs
}

async function save(
  sql: Sql,
  key: { readonly organizationId: Id<"organization">; readonly provider: string },
  pairs: readonly [string, unknown][],
): Promise<ProviderRecord> {
  const columns = ["organization_id", "provider", "created_at", ...pairs.map(([column]) => column)]
  const values = [uuidOf(key.organizationId), key.provider, pairs.at(-1)?.[1], ...pairs.map(([, value]) => value)]
  const row = await sql.first<Row>({
    text: `INSERT INTO provider_keys (${columns.join(", ")}) VALUES (${columns.map((_, i) => `$${i + 1}`).join(", ")})
           ON CONFLICT (organization_id, provider)
           DO UPDATE SET ${pairs.map(([column]) => `${column} = excluded.${column}`).join(", ")} RETURNING *`,
    values,
  })
  if (row === null) throw new Error("an upsert gave no row")
  return toRecord(row)
}

/** The providers' table over a pool or transaction. */
export function makeProviderTable(sql: Sql): ProviderTable {
  return {
    async list(organizationId) {
      const rows = await sql.rows<Row>({
        name: "provider-list",
        text: "SELECT * FROM provider_keys WHERE organization_id = $1 ORDER BY provider",
        values: [uuidOf(organizationId)],
      })
      return rows.map(toRecord)
    },
    async find(organizationId, provider) {
      const row = await sql.first<Row>({
        name: "provider-find",
        text: "SELECT * FROM provider_keys WHERE organization_id = $1 AND provider = $2",
        values: [uuidOf(organizationId), provider],
      })
      return row === null ? null : toRecord(row)
    },
    save: (key, change, { atMs }) => save(sql, key, [...assignments(change), ["updated_at", new Date(atMs)]]),
  }
}
