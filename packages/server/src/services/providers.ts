/**
 * Providers of models: those that the server's settings configure, and the keys that an organization set through the
 * API, which come before the server's own. A key is stored sealed and never given back.
 */
import { createHash } from "node:crypto"
import { Refusal } from "@brevet/core/errors"
import type { AuditChange } from "../ports/audit-table.ts"
import type { Context } from "../ports/context.ts"
import type { ModelKey } from "../ports/model-access.ts"
import type { ProviderChange, ProviderRecord } from "../ports/provider-table.ts"
import { providerSecretOwner, type Secrets } from "../ports/secrets.ts"
import { requireOrganization } from "./access.ts"
import { makeAuditRow } from "./audit.ts"
import { claimSecretKey } from "./secret-key.ts"

/** The providers for which a key can be set: the wires that are spoken. */
const knownProviders = ["openai", "anthropic", "google"] as const

/** What seals and opens the keys. */
export type ProviderPorts = { readonly secrets: Secrets }

/** A provider as an organization has it. */
export type ProviderState = {
  readonly provider: string
  readonly isActive: boolean
  /** Whose key is used: the organization's own, the server's, or none. */
  readonly source: "organization" | "server" | null
  readonly providerOrganizationId: string | null
  readonly providerProjectId: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What a change of a provider sets; null removes. */
export type ProviderUpdate = {
  readonly isActive?: boolean | undefined
  readonly apiKey?: string | null | undefined
  readonly providerOrganizationId?: string | null | undefined
  readonly providerProjectId?: string | null | undefined
}

function toState(
  cx: Context,
  secrets: Secrets,
  occasion: { provider: string; row: ProviderRecord | null },
): ProviderState {
  const { provider, row } = occasion
  const { organizationId } = cx.principal
  const secret = row?.secret ?? null
  const own = secret === null ? undefined : secrets.open(secret, providerSecretOwner(organizationId, provider))
  return {
    provider,
    isActive: row?.isActive ?? true,
    source: sourceOf(own, { isConfigured: cx.models.providers().includes(provider) }),
    providerOrganizationId: row?.providerOrganizationId ?? null,
    providerProjectId: row?.providerProjectId ?? null,
    createdAtMs: row?.createdAtMs ?? 0,
    updatedAtMs: row?.updatedAtMs ?? 0,
  }
}

/** `own` is undefined where no key was set, null where it cannot be opened. */
function sourceOf(
  own: string | null | undefined,
  { isConfigured }: { readonly isConfigured: boolean },
): ProviderState["source"] {
  if (own === null) return null
  if (own !== undefined) return "organization"
  return isConfigured ? "server" : null
}

/** Every provider that is known, configured or kept, by name. Throws ORGANIZATION_ACCESS_DENIED. */
export async function listProviders(
  cx: Context,
  { secrets }: ProviderPorts,
  filter: { readonly organizationId: string; readonly activeOnly: boolean },
): Promise<readonly ProviderState[]> {
  const organizationId = requireOrganization(cx, filter.organizationId)
  const rows = new Map((await cx.store.providers.list(organizationId)).map((row) => [row.provider, row]))
  const organization = await cx.store.organizations.find(organizationId)
  const names = new Set<string>([...knownProviders, ...cx.models.providers(), ...rows.keys()])
  return [...names]
    .sort()
    .map((provider) => toState(cx, secrets, { provider, row: rows.get(provider) ?? null }))
    .map((state) => withTimes(state, organization?.createdAtMs ?? 0))
    .filter((state) => !filter.activeOnly || state.isActive)
}

/** A provider that nobody changed has been as it is for as long as the organization exists. */
function withTimes(state: ProviderState, sinceMs: number): ProviderState {
  return state.updatedAtMs === 0 ? { ...state, createdAtMs: sinceMs, updatedAtMs: sinceMs } : state
}

/**
 * Switches a provider on or off for the organization, or sets its key. Throws ORGANIZATION_ACCESS_DENIED,
 * RESOURCE_NOT_FOUND for a provider that nobody knows, and SERVICE_UNAVAILABLE where this process has not the store's key.
 */
export async function updateProvider(
  cx: Context,
  { secrets }: ProviderPorts,
  update: ProviderUpdate & { readonly organizationId: string; readonly provider: string },
): Promise<ProviderState> {
  const organizationId = requireOrganization(cx, update.organizationId)
  const { provider } = update
  const known = new Set<string>([...knownProviders, ...cx.models.providers()])
  if (!known.has(provider)) throw new Refusal("RESOURCE_NOT_FOUND", { message: "Provider not found." })
  const apiKey = update.apiKey === undefined ? undefined : update.apiKey?.trim() || null
  const change: ProviderChange = {
    ...(update.isActive === undefined ? {} : { isActive: update.isActive }),
    ...(apiKey === undefined
      ? {}
      : { secret: apiKey === null ? null : secrets.seal(apiKey, providerSecretOwner(organizationId, provider)) }),
    ...(update.providerOrganizationId === undefined ? {} : { providerOrganizationId: update.providerOrganizationId }),
    ...(update.providerProjectId === undefined ? {} : { providerProjectId: update.providerProjectId }),
  }
  return cx.store.transaction(async (store) => {
    if (typeof apiKey === "string") await claimSecretKey(store, secrets)
    const before = await store.providers.find(organizationId, provider)
    const row = await store.providers.save({ organizationId, provider }, change, { atMs: cx.clock.nowMs() })
    const resource = { type: "organization", id: organizationId, name: provider } as const
    const changes = shownChanges(before, row)
    await store.audit.append(
      makeAuditRow(cx, resource, { action: "provider_updated", changes, metadata: { provider } }),
    )
    return toState(cx, secrets, { provider, row })
  })
}

const digestOf = (sealed: Uint8Array): string => createHash("sha256").update(sealed).digest("hex").slice(0, 8)

/** What the audit row says: that a key was changed, never the key. */
function shownChanges(before: ProviderRecord | null, after: ProviderRecord): AuditChange[] {
  const shown = (row: ProviderRecord | null) => ({
    is_active: row?.isActive ?? true,
    // A digest of the sealed text, which differs with every sealing: it shows that there was a change, and no more.
    api_key: row === null || row.secret === null ? null : digestOf(row.secret),
    org_id: row?.providerOrganizationId ?? null,
    project_id: row?.providerProjectId ?? null,
  })
  const [old, now] = [shown(before), shown(after)]
  return (["is_active", "api_key", "org_id", "project_id"] as const)
    .filter((field) => old[field] !== now[field])
    .map((field) => ({ field, oldValue: old[field], newValue: now[field] }))
}

/**
 * The key that a row of the organization says. A key that was set and cannot be opened any more (the secret key was
 * changed) is never replaced by the server's own: somebody else would pay.
 */
export function modelKeyOf({ secrets }: ProviderPorts, row: ProviderRecord | null): ModelKey {
  if (row === null) return { use: "server" }
  if (!row.isActive) return { use: "none", reason: "inactive" }
  if (row.secret === null) return { use: "server" }
  const apiKey = secrets.open(row.secret, providerSecretOwner(row.organizationId, row.provider))
  return apiKey === null ? { use: "none", reason: "unreadable" } : { use: "own", apiKey }
}
