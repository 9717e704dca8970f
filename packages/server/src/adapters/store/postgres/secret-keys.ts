/** The check value of the secret key, and everything that is sealed: one statement per function. */
import { idFrom } from "@brevet/core/ids"
import type { SealedValue, SecretKeyTable } from "../../../ports/secret-key-table.ts"
import { credentialSecretOwner, providerSecretOwner } from "../../../ports/secrets.ts"
import type { Sql } from "./sql.ts"

/** How long ago a process may have shown that it lives: some of its beats. */
const beatMsMax = 10_000

type CheckRow = { readonly value: Buffer }
type SealedRow = {
  readonly place: SealedValue["table"]
  readonly key: string
  readonly organization_id: string
  readonly secret: Buffer
}

function toSealed({ place, key, organization_id, secret }: SealedRow): SealedValue {
  const organizationId = idFrom("organization", organization_id)
  const name = key.slice(organization_id.length + 1)
  const owner =
    place === "credentials"
      ? credentialSecretOwner(organizationId, idFrom("credential", name))
      : providerSecretOwner(organizationId, name)
  return { table: place, key, owner, secret }
}

/** Sealed values of both tables under one key: organization and id, or organization and provider. */
const sealedRows = `
  SELECT 'credentials' AS place, organization_id || '/' || id AS key, organization_id, secret FROM credentials
  UNION ALL
  SELECT 'provider_keys', organization_id || '/' || provider, organization_id, secret
  FROM provider_keys WHERE secret IS NOT NULL`

/** The table over a pool or transaction. */
export function makeSecretKeyTable(sql: Sql): SecretKeyTable {
  return {
    async findCheck() {
      const row = await sql.first<CheckRow>({ text: "SELECT value FROM secret_key_checks" })
      return row?.value ?? null
    },
    async keepCheck(value) {
      // The update changes nothing: it holds the row and gives it back, whoever kept it.
      const row = await sql.first<CheckRow>({
        text: `INSERT INTO secret_key_checks AS kept (value) VALUES ($1)
               ON CONFLICT (single) DO UPDATE SET value = kept.value RETURNING value`,
        values: [Buffer.from(value)],
      })
      if (row === null) throw new Error("a check value was not kept")
      return row.value
    },
    async replaceCheck(value) {
      await sql.rows({ text: "UPDATE secret_key_checks SET value = $1", values: [Buffer.from(value)] })
    },
    async countProcesses() {
      const row = await sql.first<{ count: number }>({
        text: `SELECT count(*) AS count FROM processes
               WHERE dead_at IS NULL AND beat_at > now() - $1 * interval '1 millisecond'`,
        values: [beatMsMax],
      })
      return row?.count ?? 0
    },
    async listSealed(after, limit) {
      const rows = await sql.rows<SealedRow>({
        text: `SELECT * FROM (${sealedRows}) AS sealed
               WHERE $1::text IS NULL OR (place, key) > ($1, $2) ORDER BY place, key LIMIT $3`,
        values: [after?.table ?? null, after?.key ?? null, limit],
      })
      return rows.map(toSealed)
    },
    async reseal(value, secret) {
      const column = value.table === "credentials" ? "id::text" : "provider"
      await sql.rows({
        text: `UPDATE ${value.table} SET secret = $3
               WHERE organization_id || '/' || ${column} = $1 AND secret = $2`,
        values: [value.key, Buffer.from(value.secret), Buffer.from(secret)],
      })
    },
  }
}
