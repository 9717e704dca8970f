/** The credentials that nodes name, for the runtime: found by id, else by name and type, and opened. */
import { findCredentialType, secretsOf } from "@brevet/core/graph/credential-types"
import type { CredentialReference } from "@brevet/core/graph/kinds/models/credential"
import { type Id, isId } from "@brevet/core/ids"
import type { CredentialAccess } from "../ports/credential-access.ts"
import type { CredentialRecord } from "../ports/credential-table.ts"
import type { Store } from "../ports/store.ts"
import { type CredentialPorts, openCredentialData } from "./credentials.ts"

/** Access over the store: every look is a fresh one, so that a change holds for the next request. */
export function makeCredentialAccess(ports: CredentialPorts & { readonly store: Store }): CredentialAccess {
  return {
    async find(organizationId, reference) {
      const record = await findReferenced(ports.store, organizationId, reference)
      const type = record === null ? null : findCredentialType(record.type)
      if (record === null || type === null) return { found: false, reason: "missing" }
      const data = openCredentialData(ports, record)
      if (data === null) return { found: false, reason: "unreadable" }
      const { name, allowedHosts } = record
      const credential = { name, type: type.name, data, auth: type.auth(data), allowedHosts }
      return { found: true, credential: { ...credential, secrets: secretsOf(type, data) } }
    },
  }
}

/** The row that a node means. Ids of other systems, as exports carry them, name nothing here: then the name decides. */
export async function findReferenced(
  store: Store,
  organizationId: Id<"organization">,
  { type, id, name }: CredentialReference,
): Promise<CredentialRecord | null> {
  const byId = id !== null && isId("credential", id) ? await store.credentials.find(organizationId, id) : null
  if (byId !== null && byId.type === type) return byId
  return name === null ? null : store.credentials.findByName(organizationId, { type, name })
}
