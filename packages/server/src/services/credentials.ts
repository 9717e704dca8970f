/**
 * Credentials: named secrets of the organization (the workflow language, §7). Their data is sealed when it comes in, opened
 * only for a request that a node sends, and never given back.
 */

import { invalidFields, Refusal } from "@brevet/core/errors"
import { checkCredentialData } from "@brevet/core/graph/credential-data"
import { findCredentialType } from "@brevet/core/graph/credential-types"
import type { Id } from "@brevet/core/ids"
import { type JsonObject, jsonEqual } from "@brevet/core/json"
import type { AuditChange } from "../ports/audit-table.ts"
import type { Context } from "../ports/context.ts"
import type { CredentialChange, CredentialRecord } from "../ports/credential-table.ts"
import { credentialSecretOwner, type Secrets } from "../ports/secrets.ts"
import type { Store } from "../ports/store.ts"
import { makeAuditRow } from "./audit.ts"
import { claimSecretKey } from "./secret-key.ts"

/** What seals and opens the data. */
export type CredentialPorts = { readonly secrets: Secrets }

/** A credential as it is shown. `isReadable`: this server has the key that sealed it. */
export type CredentialState = CredentialRecord & { readonly isReadable: boolean }

/** What creates one. */
export type CredentialCreation = {
  readonly name: string
  readonly type: string
  readonly data: JsonObject
  readonly allowedHosts: readonly string[] | null
}

/** What a change sets; what is absent stays. */
export type CredentialUpdate = {
  readonly name?: string | undefined
  readonly data?: JsonObject | undefined
  readonly allowedHosts?: readonly string[] | null | undefined
}

/** Which credential is changed; a revision that is given has to be its present one. */
export type CredentialTarget = { readonly credentialId: Id<"credential">; readonly ifRevision?: number | undefined }

/** Which credentials are listed. */
export type CredentialListFilter = {
  readonly type?: string | undefined
  readonly name?: string | undefined
  readonly limit: number
  readonly offset: number
}

/** The data of a credential; null where it was sealed with a key that this server does not have, or altered. */
export function openCredentialData({ secrets }: CredentialPorts, record: CredentialRecord): JsonObject | null {
  const text = secrets.open(record.secret, credentialSecretOwner(record.organizationId, record.id))
  return text === null ? null : (JSON.parse(text) as JsonObject)
}

function toState(ports: CredentialPorts, record: CredentialRecord): CredentialState {
  return { ...record, isReadable: openCredentialData(ports, record) !== null }
}

/** A page of the organization's credentials, newest first. */
export async function listCredentials(
  cx: Context,
  ports: CredentialPorts,
  { type, name, limit, offset }: CredentialListFilter,
): Promise<{ readonly records: readonly CredentialState[]; readonly total: number }> {
  const { organizationId } = cx.principal
  const given = { ...(type === undefined ? {} : { type }), ...(name === undefined ? {} : { name }) }
  const { records, total } = await cx.store.credentials.list({ organizationId, limit, offset, ...given })
  return { records: records.map((record) => toState(ports, record)), total }
}

/** A credential. Throws CREDENTIAL_NOT_FOUND. */
export async function getCredential(
  cx: Context,
  ports: CredentialPorts,
  credentialId: Id<"credential">,
): Promise<CredentialState> {
  const record = await cx.store.credentials.find(cx.principal.organizationId, credentialId)
  if (record === null) throw new Refusal("CREDENTIAL_NOT_FOUND")
  return toState(ports, record)
}

/**
 * Creates a credential. Throws VALIDATION_ERROR for data that does not fit the type, CREDENTIAL_NAME_CONFLICT, and
 * SERVICE_UNAVAILABLE where this process has not the store's secret key.
 */
export async function createCredential(
  cx: Context,
  ports: CredentialPorts,
  creation: CredentialCreation,
): Promise<CredentialState> {
  checkData(creation.type, creation.data)
  const { organizationId, userId } = cx.principal
  const { name, type, allowedHosts } = creation
  const id = cx.ids.next("credential")
  return cx.store.transaction(async (store) => {
    await claimSecretKey(store, ports.secrets)
    const secret = sealData(ports, { organizationId, id }, creation.data)
    const createdAtMs = cx.clock.nowMs()
    const row = { id, organizationId, name, type, secret, allowedHosts, createdBy: userId, createdAtMs }
    const record = await store.credentials.create(row)
    if (record === null) throw await nameConflict(cx, store, { type, name })
    const metadata = { type, allowed_hosts: allowedHosts === null ? null : [...allowedHosts] }
    await store.audit.append(makeAuditRow(cx, resourceOf(record), { action: "created", metadata }))
    return toState(ports, record)
  })
}

/**
 * Changes a credential; runs take the new data with their next request. Throws as `createCredential` does, and
 * CREDENTIAL_NOT_FOUND and VERSION_CONFLICT.
 */
export async function updateCredential(
  cx: Context,
  ports: CredentialPorts,
  { target, update }: { readonly target: CredentialTarget; readonly update: CredentialUpdate },
): Promise<CredentialState> {
  return cx.store.transaction(async (store) => {
    const before = await holdCredential(cx, store, target)
    const change = changeOf(ports, before, update)
    if (Object.keys(change).length === 0) return toState(ports, before)
    if (change.secret !== undefined) await claimSecretKey(store, ports.secrets)
    const after = await store.credentials.update(before.id, change, { atMs: cx.clock.nowMs() })
    if (after === null) throw await nameConflict(cx, store, { type: before.type, name: change.name ?? before.name })
    const changes = shownChanges(before, after, change)
    await store.audit.append(makeAuditRow(cx, resourceOf(after), { action: "updated", changes }))
    return toState(ports, after)
  })
}

/** Deletes a credential for good. Throws CREDENTIAL_NOT_FOUND and VERSION_CONFLICT. */
export async function deleteCredential(cx: Context, target: CredentialTarget): Promise<void> {
  await cx.store.transaction(async (store) => {
    const record = await holdCredential(cx, store, target)
    await store.credentials.remove(record.id)
    const metadata = { type: record.type }
    await store.audit.append(makeAuditRow(cx, resourceOf(record), { action: "deleted", metadata }))
  })
}

/** Throws VALIDATION_ERROR. The type is one that the door has let in. */
function checkData(type: string, data: JsonObject): void {
  const known = findCredentialType(type)
  if (known === null) throw invalidFields([{ field: "type", message: "is no type of credentials", code: "invalid" }])
  const faults = checkCredentialData(known, data)
  if (faults.length > 0) throw invalidFields(faults)
}

function sealData(
  { secrets }: CredentialPorts,
  { organizationId, id }: Pick<CredentialRecord, "organizationId" | "id">,
  data: JsonObject,
): Uint8Array {
  return secrets.seal(JSON.stringify(data), credentialSecretOwner(organizationId, id))
}

async function holdCredential(cx: Context, store: Store, target: CredentialTarget): Promise<CredentialRecord> {
  const record = await store.credentials.hold(cx.principal.organizationId, target.credentialId)
  if (record === null) throw new Refusal("CREDENTIAL_NOT_FOUND")
  if (target.ifRevision !== undefined && target.ifRevision !== record.revision) throw new Refusal("VERSION_CONFLICT")
  return record
}

/** What differs. Data that is the same stays as it was sealed, unless another key seals now. */
function changeOf(
  ports: CredentialPorts,
  before: CredentialRecord,
  { name, data, allowedHosts }: CredentialUpdate,
): CredentialChange {
  if (data !== undefined) checkData(before.type, data)
  const isSame = data !== undefined && jsonEqual(openCredentialData(ports, before), data)
  const keepsData = data === undefined || (isSame && ports.secrets.isCurrent(before.secret))
  const keepsHosts = allowedHosts === undefined || jsonEqual(listOf(before.allowedHosts), listOf(allowedHosts))
  return {
    ...(name === undefined || name === before.name ? {} : { name }),
    ...(keepsData ? {} : { secret: sealData(ports, before, data) }),
    ...(keepsHosts ? {} : { allowedHosts }),
  }
}

const listOf = (hosts: readonly string[] | null): string[] | null => (hosts === null ? null : [...hosts])

/** What the audit row says: that the data was changed, never the data. */
function shownChanges(before: CredentialRecord, after: CredentialRecord, change: CredentialChange): AuditChange[] {
  const names: AuditChange[] =
    change.name === undefined ? [] : [{ field: "name", oldValue: before.name, newValue: after.name }]
  const [old, now] = [listOf(before.allowedHosts), listOf(after.allowedHosts)]
  const hosts: AuditChange[] =
    change.allowedHosts === undefined ? [] : [{ field: "allowed_hosts", oldValue: old, newValue: now }]
  const data: AuditChange[] =
    change.secret === undefined ? [] : [{ field: "data", oldValue: "(sealed)", newValue: "(sealed anew)" }]
  return [...names, ...hosts, ...data]
}

async function nameConflict(
  cx: Context,
  store: Store,
  { type, name }: { readonly type: string; readonly name: string },
): Promise<Refusal> {
  const owner = await store.credentials.findByName(cx.principal.organizationId, { type, name })
  return new Refusal("CREDENTIAL_NAME_CONFLICT", { details: { name, type, credential_id: owner?.id ?? null } })
}

const resourceOf = ({ id, name }: CredentialRecord) => ({ type: "credential", id, name }) as const
