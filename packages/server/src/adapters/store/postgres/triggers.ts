/** The addresses of triggers: one statement per function. */
import type { TriggerDoor } from "@brevet/core/graph/triggers/addresses"
import { idFrom, uuidOf } from "@brevet/core/ids"
import type {
  AddressConflict,
  AddressOwner,
  AddressRecord,
  Listening,
  NewAddress,
  TriggerTable,
} from "../../../ports/trigger-table.ts"
import type { Sql } from "./sql.ts"

type OwnerRow = { organization_id: string; workflow_id: string }
type Row = OwnerRow & { method: string; path: string; node: number; version: number; generation: number }
type Kept = { door: TriggerDoor; method: string; shape: string }

/** Addresses that one request may mean, at most: those with parameters all fit in steps alone. */
const foundMax = 1_000

function toRecord(row: Row): AddressRecord {
  const { method, path, node, version, generation } = row
  return { ...toOwner(row), method, path, node, version, generation }
}

function toOwner({ organization_id, workflow_id }: OwnerRow): Omit<AddressOwner, "version"> {
  return { organizationId: idFrom("organization", organization_id), workflowId: idFrom("workflow", workflow_id) }
}

const keyOf = ({ door, method, shape }: Kept): string => `${door} ${method} ${shape}`

function rowOf({ door, method, path, node }: NewAddress) {
  return {
    door,
    method,
    node,
    shape: path.shape,
    path: path.path,
    steps: path.steps.length,
    parameters: path.parameters,
  }
}

/** Who has an address that could not be taken. */
async function findOwner(
  sql: Sql,
  address: NewAddress,
  { isTest }: { isTest: boolean },
): Promise<AddressConflict | null> {
  const row = await sql.first<OwnerRow>({
    name: "trigger-owner",
    text: `SELECT organization_id, workflow_id FROM trigger_addresses
           WHERE is_test = $1 AND door = $2 AND shape = $3 AND method = $4`,
    values: [isTest, address.door, address.path.shape, address.method],
  })
  return row === null ? null : { method: address.method, path: address.path.path, owner: toOwner(row) }
}

/** See `TriggerTable.replace`. */
async function replace(
  sql: Sql,
  owner: AddressOwner,
  { addresses, listening }: { readonly addresses: readonly NewAddress[]; readonly listening: Listening | null },
): Promise<AddressConflict | null> {
  const { organizationId, workflowId, version } = owner
  const isTest = listening !== null
  await sql.rows({
    name: "trigger-replace-clear",
    text: `DELETE FROM trigger_addresses WHERE is_test = $1 AND (workflow_id = $2 OR expires_at <= $3)`,
    values: [isTest, uuidOf(workflowId), listening === null ? null : new Date(listening.nowMs)],
  })
  // In one order everywhere, so that two that want the same addresses do not wait for each other in a circle.
  const sorted = addresses.toSorted((one, other) => (keyOf(rowOf(one)) < keyOf(rowOf(other)) ? -1 : 1))
  const kept = await sql.rows<Kept>({
    name: "trigger-replace-add",
    text: `INSERT INTO trigger_addresses (is_test, door, method, shape, path, steps, parameters, organization_id,
             workflow_id, version, node, expires_at)
           SELECT $1::boolean, door, method, shape, path, steps, parameters, $2::uuid, $3::uuid, $4::int, node,
             $5::timestamptz
           FROM json_to_recordset($6::json) AS v(door text, method text, shape text, path text, steps int,
             parameters int, node int)
           ON CONFLICT DO NOTHING RETURNING door, method, shape`,
    values: [
      isTest,
      uuidOf(organizationId),
      uuidOf(workflowId),
      version,
      listening === null ? null : new Date(listening.untilMs),
      JSON.stringify(sorted.map(rowOf)),
    ],
  })
  const taken = new Set(kept.map(keyOf))
  // Each kept one counts once: a second node at the same address is a conflict of the workflow with itself.
  const lost = sorted.find((address) => !taken.delete(keyOf(rowOf(address))))
  if (lost === undefined) return null
  // Whoever had it may have let it go since: then it can be taken.
  return (await findOwner(sql, lost, { isTest })) ?? replace(sql, owner, { addresses, listening })
}

/** The addresses' table over a pool or transaction. */
export function makeTriggerTable(sql: Sql): TriggerTable {
  return {
    replace: (owner, addresses, { listening }) => replace(sql, owner, { addresses, listening }),
    async clear(workflowId) {
      await sql.rows({
        name: "trigger-clear",
        text: "DELETE FROM trigger_addresses WHERE workflow_id = $1",
        values: [uuidOf(workflowId)],
      })
    },
    async clearListening(workflowId) {
      const rows = await sql.rows({
        name: "trigger-clear-listening",
        text: "DELETE FROM trigger_addresses WHERE workflow_id = $1 AND is_test RETURNING 1",
        values: [uuidOf(workflowId)],
      })
      return rows.length > 0
    },
    async findListening(workflowId, { nowMs }) {
      const row = await sql.first<{ expires_at: number }>({
        name: "trigger-listening",
        text: `SELECT expires_at FROM trigger_addresses WHERE workflow_id = $1 AND is_test AND expires_at > $2 LIMIT 1`,
        values: [uuidOf(workflowId), new Date(nowMs)],
      })
      return row?.expires_at ?? null
    },
    async find({ isTest, door, steps, shape, nowMs }) {
      const rows = await sql.rows<Row>({
        name: "trigger-find",
        text: `SELECT a.organization_id, a.workflow_id, a.version, a.method, a.path, a.node, o.generation
               FROM trigger_addresses a JOIN organizations o ON o.id = a.organization_id
               WHERE a.is_test = $1 AND a.door = $2 AND (a.shape = $3 OR (a.parameters > 0 AND a.steps = $4))
                 AND (a.expires_at IS NULL OR a.expires_at > $5) LIMIT ${foundMax}`,
        values: [isTest, door, shape, steps, new Date(nowMs)],
      })
      return rows.map(toRecord)
    },
  }
}
