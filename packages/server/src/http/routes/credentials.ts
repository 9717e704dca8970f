/** The calls of credentials: parsed input to service, record to wire. Data goes in and never out. */
import {
  createCredentialRoute,
  deleteCredentialRoute,
  getCredentialRoute,
  listCredentialsRoute,
  presentCredential,
  testCredentialRoute,
  updateCredentialRoute,
} from "@brevet/core/contract/credentials"
import { type CredentialTestPorts, tryCredential } from "../../services/credential-test.ts"
import {
  type CredentialState,
  createCredential,
  deleteCredential,
  getCredential,
  listCredentials,
  updateCredential,
} from "../../services/credentials.ts"
import { bind } from "../route.ts"

const answer = (status: 200 | 201, credential: CredentialState) => ({
  status,
  body: presentCredential(credential),
  headers: {
    etag: `"${credential.revision}"`,
    ...(status === 201 ? { location: `/v1/credentials/${credential.id}` } : {}),
  },
})

/** Every call of credentials, with what seals their data and the way out on which they are tried. */
export function makeCredentialRoutes(ports: CredentialTestPorts) {
  return [
    bind(listCredentialsRoute, async (cx, { query }) => {
      const { limit, offset } = query
      const { records, total } = await listCredentials(cx, ports, query)
      return { status: 200, body: { credentials: records.map(presentCredential), total, limit, offset } }
    }),
    bind(createCredentialRoute, async (cx, { body }) => {
      const { name, type, data, allowed_hosts: allowedHosts = null } = body
      return answer(201, await createCredential(cx, ports, { name, type, data, allowedHosts }))
    }),
    bind(getCredentialRoute, async (cx, { params }) =>
      answer(200, await getCredential(cx, ports, params.credential_id)),
    ),
    bind(updateCredentialRoute, async (cx, { params, body, ifRevision }) => {
      const { name, data, allowed_hosts: allowedHosts } = body
      const target = { credentialId: params.credential_id, ifRevision }
      return answer(200, await updateCredential(cx, ports, { target, update: { name, data, allowedHosts } }))
    }),
    bind(deleteCredentialRoute, async (cx, { params, ifRevision }) => {
      await deleteCredential(cx, { credentialId: params.credential_id, ifRevision })
      return { status: 204, body: null }
    }),
    bind(testCredentialRoute, async (cx, { params, body }) => {
      const trial = await tryCredential(cx, ports, { credentialId: params.credential_id, url: body.url ?? null })
      return { status: 200, body: { success: trial.isGood, status: trial.status, message: trial.message } }
    }),
  ]
}
