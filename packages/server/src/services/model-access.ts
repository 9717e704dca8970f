/** Whose key pays for model calls: the organization's own where it set one, else the server's. */
import type { ModelAccess } from "../ports/model-access.ts"
import type { Models } from "../ports/models.ts"
import type { Store } from "../ports/store.ts"
import type { OrganizationFacts } from "./organization-facts.ts"
import { modelKeyOf, type ProviderPorts } from "./providers.ts"

/** Access over what is remembered of organizations. */
export function makeModelAccess(
  ports: ProviderPorts & {
    readonly facts: OrganizationFacts
    readonly models: Pick<Models, "providerOf">
    readonly store: Store
  },
): ModelAccess {
  return {
    async keyFor({ organizationId, generation: known }, model) {
      const provider = ports.models.providerOf(model)
      if (provider === null) return { use: "server" }
      const generation = known ?? (await ports.store.organizations.findGeneration(organizationId))
      if (generation === null) return { use: "server" }
      const rows = await ports.facts.providers({ organizationId, generation })
      return modelKeyOf(ports, rows.find((row) => row.provider === provider) ?? null)
    },
  }
}
