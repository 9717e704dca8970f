/**
 * Organizations and their providers on the wire (documented). A key sees its own organization only. Limits are shown as
 * numbers, 0 for unlimited; nothing limits here yet, so that another limit is UNSUPPORTED_PARAMETER.
 */
import { z } from "zod"
import type { JsonObject } from "../json.ts"
import { toIso } from "../time.ts"
import { route } from "./route.ts"
import { descriptionText, listLimit, listOffset, nameText, plainText, queryBoolean } from "./text.ts"

const organizationParameter = { organization_id: { noun: "organization", missing: "RESOURCE_NOT_FOUND" } } as const

/** The descriptive fields without a column of their own. */
const profileShape = {
  website: plainText(2_000).nullish(),
  industry: plainText(255).nullish(),
  company_size: plainText(255).nullish(),
  logo_image: plainText(1_000_000).nullish(),
  image_url: plainText(2_000).nullish(),
}

/** Names of the descriptive fields. */
export const organizationProfileFields = Object.keys(profileShape) as readonly (keyof typeof profileShape)[]

/** The body of a change. */
export const organizationUpdateBody = z
  .strictObject({
    name: nameText.optional(),
    description: descriptionText.nullish(),
    is_active: z.boolean().optional(),
    api_usage_limit: z.number().min(0).nullish(),
    api_key_usage_limit: z.number().min(0).nullish(),
    domains: z.array(plainText(255)).max(100).nullish(),
    ...profileShape,
  })
  .meta({ id: "OrganizationUpdate" })

/** An organization. Times are ISO 8601. */
export const organizationAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string(),
    description: z.string().nullable(),
    domain: z.string().nullable(),
    domains: z.array(z.string()),
    website: z.string().nullable(),
    industry: z.string().nullable(),
    company_size: z.string().nullable(),
    logo_image: z.string().nullable(),
    image_url: z.string().nullable(),
    is_active: z.boolean(),
    owner_id: z.string(),
    api_usage_limit: z.number(),
    total_usage_limit: z.number(),
    storage_free_bytes_allowance: z.number().int(),
    pricing_tier_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Organization" })

/** All that is needed to show an organization. */
export type OrganizationView = {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly ownerId: string
  readonly isActive: boolean
  readonly profile: JsonObject
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** An organization as documented. */
export function presentOrganization(view: OrganizationView): z.output<typeof organizationAnswer> {
  const text = (name: (typeof organizationProfileFields)[number]): string | null => {
    const value = view.profile[name]
    return typeof value === "string" ? value : null
  }
  return {
    id: view.id,
    name: view.name,
    type: "Work",
    description: view.description,
    domain: null,
    domains: [],
    website: text("website"),
    industry: text("industry"),
    company_size: text("company_size"),
    logo_image: text("logo_image"),
    image_url: text("image_url"),
    is_active: view.isActive,
    owner_id: view.ownerId,
    api_usage_limit: 0,
    total_usage_limit: 0,
    storage_free_bytes_allowance: 0,
    pricing_tier_id: null,
    created_at: toIso(view.createdAtMs),
    updated_at: toIso(view.updatedAtMs),
  }
}

/** A provider of models and whether there is a key for it. */
export const providerAnswer = z
  .object({
    provider_name: z.string(),
    is_active: z.boolean(),
    has_credentials: z.boolean(),
    provider_org_id: z.string().nullable(),
    provider_project_id: z.string().nullable(),
    /** Ours: whose key it is, the server's setting or one that was set through the API. */
    source: z.enum(["server", "organization"]).nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Provider" })

/** Whether a provider can be used. */
export const providerValidationAnswer = z.object({
  provider_name: z.string(),
  exists: z.boolean(),
  is_active: z.boolean(),
  has_credentials: z.boolean(),
  can_be_used: z.boolean(),
})

/** All that is needed to show a provider. `source` says whose key is used; null: there is none. */
export type ProviderView = {
  readonly provider: string
  readonly isActive: boolean
  readonly source: "organization" | "server" | null
  readonly providerOrganizationId: string | null
  readonly providerProjectId: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A provider as documented; never its key. */
export function presentProvider(view: ProviderView): z.output<typeof providerAnswer> {
  return {
    provider_name: view.provider,
    is_active: view.isActive,
    has_credentials: view.source !== null,
    provider_org_id: view.providerOrganizationId,
    provider_project_id: view.providerProjectId,
    source: view.source,
    created_at: toIso(view.createdAtMs),
    updated_at: toIso(view.updatedAtMs),
  }
}

/** Whether a provider can be used, as documented. */
export function presentProviderValidation(view: ProviderView): z.output<typeof providerValidationAnswer> {
  return {
    provider_name: view.provider,
    exists: true,
    is_active: view.isActive,
    has_credentials: view.source !== null,
    can_be_used: view.isActive && view.source !== null,
  }
}

/** The body of a provider's change. An `api_key` of null or `""` removes the organization's own key. */
export const providerUpdateBody = z.strictObject({
  is_active: z.boolean().optional(),
  api_key: plainText(4_096).nullish(),
  org_id: plainText(255).nullish(),
  project_id: plainText(255).nullish(),
})

/** `GET /v1/organizations` (documented). */
export const listOrganizationsRoute = route({
  id: "listOrganizations",
  method: "GET",
  path: "/v1/organizations",
  summary: "List the organizations of the key",
  tag: "Organizations",
  scopes: [],
  params: {},
  query: z.object({ skip: listOffset, limit: listLimit, active_only: queryBoolean.default(false) }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "The organizations",
      schema: z.object({
        organizations: z.array(organizationAnswer),
        total: z.number().int(),
        skip: z.number().int(),
        limit: z.number().int(),
      }),
    },
  },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/organizations/{organization_id}` (documented). */
export const getOrganizationRoute = route({
  id: "getOrganization",
  method: "GET",
  path: "/v1/organizations/{organization_id}",
  summary: "Get an organization",
  tag: "Organizations",
  scopes: [],
  params: organizationParameter,
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The organization", schema: organizationAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})

/** `PATCH /v1/organizations/{organization_id}` (documented). */
export const updateOrganizationRoute = route({
  id: "updateOrganization",
  method: "PATCH",
  path: "/v1/organizations/{organization_id}",
  summary: "Change an organization",
  tag: "Organizations",
  scopes: ["*"],
  params: organizationParameter,
  query: z.object({}),
  unknownQuery: "ignore",
  body: organizationUpdateBody,
  answers: { 200: { description: "The organization", schema: organizationAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "RESOURCE_NOT_FOUND", "UNSUPPORTED_PARAMETER", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `GET /v1/organizations/{organization_id}/providers` (documented). */
export const listProvidersRoute = route({
  id: "listProviders",
  method: "GET",
  path: "/v1/organizations/{organization_id}/providers",
  summary: "List the providers of models",
  tag: "Organizations",
  scopes: [],
  params: organizationParameter,
  query: z.object({ active_only: queryBoolean.default(false) }),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The providers", schema: z.array(providerAnswer) } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})

/** `GET /v1/organizations/{organization_id}/providers/validate` (documented). */
export const validateProvidersRoute = route({
  id: "validateProviders",
  method: "GET",
  path: "/v1/organizations/{organization_id}/providers/validate",
  summary: "Tell which providers can be used",
  tag: "Organizations",
  scopes: [],
  params: organizationParameter,
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "By provider", schema: z.record(z.string(), providerValidationAnswer) } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
})

/** `PATCH /v1/organizations/{organization_id}/providers/{provider_name}` (documented). */
export const updateProviderRoute = route({
  id: "updateProvider",
  method: "PATCH",
  path: "/v1/organizations/{organization_id}/providers/{provider_name}",
  summary: "Switch a provider on or off, or set its key",
  description: "The key is kept encrypted and never given back.",
  tag: "Organizations",
  scopes: ["*"],
  params: { ...organizationParameter, provider_name: "text" },
  query: z.object({}),
  unknownQuery: "ignore",
  body: providerUpdateBody,
  answers: { 200: { description: "The provider", schema: providerAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "RESOURCE_NOT_FOUND"],
  idempotency: "none",
  secret: true,
})
