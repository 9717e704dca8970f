/** The calls of organizations and their providers: parsed input to service, record to wire. */
import {
  getOrganizationRoute,
  listOrganizationsRoute,
  listProvidersRoute,
  presentOrganization,
  presentProvider,
  presentProviderValidation,
  updateOrganizationRoute,
  updateProviderRoute,
  validateProvidersRoute,
} from "@brevet/core/contract/organizations"
import type { OrganizationRecord } from "../../ports/organization-table.ts"
import { getOrganization, listOrganizations, updateOrganization } from "../../services/organizations.ts"
import { listProviders, type ProviderPorts, updateProvider } from "../../services/providers.ts"
import { bind } from "../route.ts"

const answer = (organization: OrganizationRecord) => ({
  status: 200,
  body: presentOrganization(organization),
  headers: { etag: `"${organization.revision}"` },
})

/** Organizations. */
export const organizationRoutes = [
  bind(listOrganizationsRoute, async (cx, { query }) => {
    const { skip, limit, active_only: activeOnly } = query
    const { records, total } = await listOrganizations(cx, { skip, limit, activeOnly })
    return { status: 200, body: { organizations: records.map(presentOrganization), total, skip, limit } }
  }),
  bind(getOrganizationRoute, async (cx, { params }) => answer(await getOrganization(cx, params.organization_id))),
  bind(updateOrganizationRoute, async (cx, { params, body, ifRevision }) =>
    answer(await updateOrganization(cx, { organizationId: params.organization_id, ifRevision }, body)),
  ),
]

/** Providers, with what seals their keys. */
export function makeProviderRoutes(ports: ProviderPorts) {
  return [
    bind(listProvidersRoute, async (cx, { params, query }) => {
      const filter = { organizationId: params.organization_id, activeOnly: query.active_only }
      return { status: 200, body: (await listProviders(cx, ports, filter)).map(presentProvider) }
    }),
    bind(validateProvidersRoute, async (cx, { params }) => {
      const filter = { organizationId: params.organization_id, activeOnly: false }
      const providers = await listProviders(cx, ports, filter)
      const pairs = providers.map((provider) => [provider.provider, presentProviderValidation(provider)])
      return { status: 200, body: Object.fromEntries(pairs) }
    }),
    bind(updateProviderRoute, async (cx, { params, body }) => {
      const { is_active: isActive, api_key: apiKey, org_id, project_id } = body
      const change = { isActive, apiKey, providerOrganizationId: org_id, providerProjectId: project_id }
      const target = { organizationId: params.organization_id, provider: params.provider_name }
      return { status: 200, body: presentProvider(await updateProvider(cx, ports, { ...target, ...change })) }
    }),
  ]
}
