/**
 * API keys: create, read, change, delete, switch and rotate.
 *
 * Owns two rules. A key can create or change only keys whose scopes are a part of its own (INSUFFICIENT_PERMISSIONS). And
 * the last living key with the scope `*` cannot be removed, paused or expired (LAST_KEY): every change holds the
 * organization's row first, so that of several at once each judges what the others left.
 */
import { type KeyAction, type KeyCreateBody, type KeyUpdateBody, presentKey } from "@brevet/core/contract/keys"
import { invalidFields, Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { type JsonObject, jsonEqual } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { KeyFields, KeyRecord } from "../ports/key-table.ts"
import type { Store } from "../ports/store.ts"
import { requireOrganization, requireScopes } from "./access.ts"
import { makeAuditRow } from "./audit.ts"
import { makeKeyText, traceOf } from "./key-text.ts"

/** Which key is meant, and the revision that the caller believes it has (`If-Match`; absent: any). */
export type KeyTarget = {
  readonly organizationId: string
  readonly keyId: Id<"apiKey">
  readonly ifRevision?: number | undefined
}

/** A key with its text, which is nowhere kept. */
export type KeyWithText = { readonly key: KeyRecord; readonly text: string }

/** A page of the organization's keys, newest first. Throws ORGANIZATION_ACCESS_DENIED. */
export async function listKeys(
  cx: Context,
  {
    organizationId,
    limit,
    offset,
  }: { readonly organizationId: string; readonly limit: number; readonly offset: number },
): Promise<{ readonly records: readonly KeyRecord[]; readonly total: number }> {
  return cx.store.keys.list(requireOrganization(cx, organizationId), { limit, offset })
}

/** The key. Throws ORGANIZATION_ACCESS_DENIED and API_KEY_NOT_FOUND. */
export async function getKey(cx: Context, target: KeyTarget): Promise<KeyRecord> {
  const key = await cx.store.keys.find(requireOrganization(cx, target.organizationId), target.keyId)
  if (key === null) throw new Refusal("API_KEY_NOT_FOUND")
  return key
}

/**
 * Creates a key (documented); its text is given this once. Throws ORGANIZATION_ACCESS_DENIED, VALIDATION_ERROR for an
 * expiry in the past, and INSUFFICIENT_PERMISSIONS for scopes that the caller does not hold.
 */
export async function createKey(cx: Context, organizationId: string, body: KeyCreateBody): Promise<KeyWithText> {
  const owner = requireOrganization(cx, organizationId)
  const expiresAtMs = body.expires_at ?? null
  if (expiresAtMs !== null && expiresAtMs <= cx.clock.nowMs()) {
    throw invalidFields([{ field: "expires_at", message: "must be in the future", code: "invalid" }])
  }
  const scopes = body.scopes ?? ["*"]
  requireScopes(cx.principal, scopes)
  return cx.store.transaction(async (store) => {
    const made = await insertKey(cx, store, {
      organizationId: owner,
      name: body.key_name,
      scopes,
      isActive: true,
      isPaused: false,
      usageLimitChf: body.usage_limit_chf ?? null,
      metadata: (body.metadata ?? {}) as JsonObject,
      expiresAtMs,
    })
    await store.audit.append(makeAuditRow(cx, resourceOf(made.key), { action: "created" }))
    return made
  })
}

/**
 * Changes a key (documented). Throws ORGANIZATION_ACCESS_DENIED, API_KEY_NOT_FOUND, VERSION_CONFLICT, LAST_KEY, and
 * INSUFFICIENT_PERMISSIONS where the key has, or would have, a scope that the caller does not hold.
 */
export async function updateKey(cx: Context, target: KeyTarget, body: KeyUpdateBody): Promise<KeyRecord> {
  const fields: Partial<KeyFields> = {
    ...(body.key_name === undefined ? {} : { name: body.key_name }),
    ...(body.scopes === undefined ? {} : { scopes: body.scopes }),
    ...(body.usage_limit_chf === undefined ? {} : { usageLimitChf: body.usage_limit_chf }),
    ...(body.expires_at === undefined ? {} : { expiresAtMs: body.expires_at }),
    ...(body.metadata === undefined ? {} : { metadata: (body.metadata ?? {}) as JsonObject }),
  }
  if (body.scopes !== undefined) requireScopes(cx.principal, body.scopes)
  return changeKey(cx, target, { action: "updated", fields })
}

const actions: Readonly<Record<KeyAction, { readonly action: string; readonly fields: Partial<KeyFields> }>> = {
  activate: { action: "activated", fields: { isActive: true } },
  deactivate: { action: "deactivated", fields: { isActive: false } },
  pause: { action: "paused", fields: { isPaused: true } },
  unpause: { action: "unpaused", fields: { isPaused: false } },
}

/** Switches a key (documented). Throws as `updateKey` does. */
export function switchKey(cx: Context, target: KeyTarget, action: KeyAction): Promise<KeyRecord> {
  return changeKey(cx, target, actions[action])
}

/** Deletes a key (documented: soft); it is refused at once. Throws as `updateKey` does. */
export async function deleteKey(cx: Context, target: KeyTarget): Promise<KeyRecord> {
  return cx.store.transaction(async (store) => {
    const key = await holdKey(cx, store, target)
    await requireAnotherFullKey(cx, store, { before: key, after: null })
    await store.keys.softDelete(key.id, { atMs: cx.clock.nowMs() })
    await store.audit.append(makeAuditRow(cx, resourceOf(key), { action: "deleted" }))
    return { ...key, isActive: false }
  })
}

/**
 * Puts a new key in the place of an old one, which is deleted (documented). The new one has its name, scopes, limit,
 * expiry, metadata and state, so that rotation never gives back what a pause took. Throws as `updateKey` does, but for
 * LAST_KEY.
 */
export async function rotateKey(cx: Context, target: KeyTarget): Promise<KeyWithText> {
  return cx.store.transaction(async (store) => {
    const old = await holdKey(cx, store, target)
    await store.keys.softDelete(old.id, { atMs: cx.clock.nowMs() })
    const made = await insertKey(cx, store, old)
    const metadata = { old_key_id: old.id, new_key_id: made.key.id }
    await store.audit.append(makeAuditRow(cx, resourceOf(old), { action: "rotated", metadata }))
    await store.audit.append(makeAuditRow(cx, resourceOf(made.key), { action: "created", metadata }))
    return made
  })
}

async function insertKey(
  cx: Context,
  store: Store,
  fields: KeyFields & { readonly organizationId: Id<"organization"> },
): Promise<KeyWithText> {
  const text = makeKeyText()
  const { organizationId, name, scopes, isActive, isPaused, usageLimitChf, metadata, expiresAtMs } = fields
  const key = await store.keys.create({
    id: cx.ids.next("apiKey"),
    organizationId,
    userId: cx.principal.userId,
    createdAtMs: cx.clock.nowMs(),
    ...traceOf(text),
    ...{ name, scopes, isActive, isPaused, usageLimitChf, metadata, expiresAtMs },
  })
  return { key, text }
}

async function changeKey(
  cx: Context,
  target: KeyTarget,
  { action, fields }: { readonly action: string; readonly fields: Partial<KeyFields> },
): Promise<KeyRecord> {
  return cx.store.transaction(async (store) => {
    const key = await holdKey(cx, store, target)
    const after: KeyRecord = { ...key, ...fields }
    const changes = shownChanges(key, after)
    if (changes.length === 0) return key
    await requireAnotherFullKey(cx, store, { before: key, after })
    const changed = await store.keys.update(key.id, fields)
    if (changed === null) throw new Refusal("API_KEY_NOT_FOUND")
    await store.audit.append(makeAuditRow(cx, resourceOf(changed), { action, changes }))
    return changed
  })
}

/** The key with the organization's row held, where the caller may change it. */
async function holdKey(cx: Context, store: Store, target: KeyTarget): Promise<KeyRecord> {
  const organizationId = requireOrganization(cx, target.organizationId)
  await store.organizations.findForUpdate(organizationId)
  const key = await store.keys.find(organizationId, target.keyId)
  if (key === null) throw new Refusal("API_KEY_NOT_FOUND")
  requireScopes(cx.principal, key.scopes)
  if (target.ifRevision !== undefined && target.ifRevision !== key.revision) throw new Refusal("VERSION_CONFLICT")
  return key
}

const livesFully = (key: KeyRecord, nowMs: number): boolean =>
  key.isActive && !key.isPaused && key.scopes.includes("*") && (key.expiresAtMs === null || key.expiresAtMs > nowMs)

/** Throws LAST_KEY where the key is the last that may do everything, and would not be one any more, or not for ever. */
async function requireAnotherFullKey(
  cx: Context,
  store: Store,
  { before, after }: { readonly before: KeyRecord; readonly after: KeyRecord | null },
): Promise<void> {
  const nowMs = cx.clock.nowMs()
  if (!livesFully(before, nowMs)) return
  // An expiry in the future ends a key as surely as a past one, only later.
  const shortened = after !== null && after.expiresAtMs !== null && after.expiresAtMs !== before.expiresAtMs
  if (after !== null && livesFully(after, nowMs) && !shortened) return
  if (!(await store.keys.hasOtherFullKey(before.organizationId, before.id, { atMs: nowMs }))) {
    throw new Refusal("LAST_KEY", { details: { key_id: before.id } })
  }
}

const resourceOf = (key: KeyRecord) => ({ type: "apiKey", id: key.id, name: key.name }) as const

/** The shown fields that differ. */
function shownChanges(before: KeyRecord, after: KeyRecord) {
  const [old, now] = [presentKey(before) as JsonObject, presentKey(after) as JsonObject]
  return Object.keys(now)
    .filter((field) => !jsonEqual(old[field] ?? null, now[field] ?? null))
    .map((field) => ({ field, oldValue: old[field] ?? null, newValue: now[field] ?? null }))
}
