/** Organizations and their providers. A key sees the organization it belongs to and no other. */
import {
  organizationProfileFields,
  type organizationUpdateBody,
  presentOrganization,
} from "@brevet/core/contract/organizations"
import { Refusal } from "@brevet/core/errors"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { z } from "zod"
import type { Context } from "../ports/context.ts"
import type { OrganizationFields, OrganizationRecord } from "../ports/organization-table.ts"
import { requireOrganization } from "./access.ts"
import { makeAuditRow } from "./audit.ts"

/** A parsed change. */
export type OrganizationChange = z.output<typeof organizationUpdateBody>

/** Which organization is meant, and the revision that the caller believes it has (`If-Match`; absent: any). */
export type OrganizationTarget = { readonly organizationId: string; readonly ifRevision?: number | undefined }

/** The organizations of the caller: the one of the key. */
export async function listOrganizations(
  cx: Context,
  filter: { readonly skip: number; readonly limit: number; readonly activeOnly: boolean },
): Promise<{ readonly records: readonly OrganizationRecord[]; readonly total: number }> {
  const own = await cx.store.organizations.find(cx.principal.organizationId)
  const all = own === null || (filter.activeOnly && !own.isActive) ? [] : [own]
  return { records: all.slice(filter.skip, filter.skip + filter.limit), total: all.length }
}

/** The organization. Throws ORGANIZATION_ACCESS_DENIED where it is not the caller's. */
export async function getOrganization(cx: Context, organizationId: string): Promise<OrganizationRecord> {
  const organization = await cx.store.organizations.find(requireOrganization(cx, organizationId))
  if (organization === null) throw new Refusal("RESOURCE_NOT_FOUND")
  return organization
}

/**
 * Changes the organization. Throws ORGANIZATION_ACCESS_DENIED, VERSION_CONFLICT, and UNSUPPORTED_PARAMETER for limits,
 * domains and for switching it off, none of which would do anything.
 */
export async function updateOrganization(
  cx: Context,
  target: OrganizationTarget,
  change: OrganizationChange,
): Promise<OrganizationRecord> {
  const organizationId = requireOrganization(cx, target.organizationId)
  const unsupported = findUnsupported(change)
  if (unsupported !== null) throw new Refusal("UNSUPPORTED_PARAMETER", { details: { field: unsupported } })
  return cx.store.transaction(async (store) => {
    const organization = await store.organizations.findForUpdate(organizationId)
    if (organization === null) throw new Refusal("RESOURCE_NOT_FOUND")
    if (target.ifRevision !== undefined && target.ifRevision !== organization.revision)
      throw new Refusal("VERSION_CONFLICT")
    const fields = changedFields(organization, change)
    if (Object.keys(fields).length === 0) return organization
    const changed = await store.organizations.update(organizationId, fields, { atMs: cx.clock.nowMs() })
    if (changed === null) throw new Refusal("RESOURCE_NOT_FOUND")
    const resource = { type: "organization", id: organizationId, name: changed.name } as const
    const changes = shownChanges(organization, changed)
    await store.audit.append(makeAuditRow(cx, resource, { action: "updated", changes }))
    return changed
  })
}

function findUnsupported(change: OrganizationChange): string | null {
  if ((change.api_usage_limit ?? 0) !== 0) return "api_usage_limit"
  if ((change.api_key_usage_limit ?? 0) !== 0) return "api_key_usage_limit"
  if ((change.domains ?? []).length > 0) return "domains"
  return change.is_active === false ? "is_active" : null
}

function changedFields(organization: OrganizationRecord, change: OrganizationChange): Partial<OrganizationFields> {
  const profile: Record<string, JsonValue> = { ...organization.profile }
  for (const name of organizationProfileFields) {
    const value = change[name]
    if (value === null) delete profile[name]
    else if (value !== undefined) profile[name] = value
  }
  const differs = organizationProfileFields.some((name) => profile[name] !== organization.profile[name])
  const { name, description } = change
  return {
    ...(name === undefined || name === organization.name ? {} : { name }),
    ...(description === undefined || description === organization.description ? {} : { description }),
    ...(differs ? { profile } : {}),
  }
}

/** The shown fields that differ, but for the time of the change. */
function shownChanges(before: OrganizationRecord, after: OrganizationRecord) {
  const [old, now]: [JsonObject, JsonObject] = [presentOrganization(before), presentOrganization(after)]
  return Object.keys(now)
    .filter((field) => field !== "updated_at" && old[field] !== now[field] && !Array.isArray(now[field]))
    .map((field) => ({ field, oldValue: old[field] ?? null, newValue: now[field] ?? null }))
}
