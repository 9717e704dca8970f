/** The calls of API keys: parsed input to service, record to wire. */
import {
  createKeyRoute,
  deleteKeyRoute,
  getKeyRoute,
  type KeyAction,
  keyActionRoutes,
  listKeysRoute,
  presentKey,
  rotateKeyRoute,
  updateKeyRoute,
} from "@brevet/core/contract/keys"
import type { KeyRecord } from "../../ports/key-table.ts"
import type { Keyring } from "../../services/keyring.ts"
import { createKey, deleteKey, getKey, listKeys, rotateKey, switchKey, updateKey } from "../../services/keys.ts"
import { bind } from "../route.ts"

const answer = (key: KeyRecord) => ({ status: 200, body: presentKey(key), headers: { etag: `"${key.revision}"` } })

const actionMessages: Readonly<Record<KeyAction, string>> = {
  activate: "API key activated",
  deactivate: "API key deactivated",
  pause: "API key paused",
  unpause: "API key unpaused",
}

/** API keys. The keyring writes down when they were used last. */
export function makeKeyRoutes(keyring: Pick<Keyring, "settle">) {
  const bindAction = (action: KeyAction) =>
    bind(keyActionRoutes[action], async (cx, { params }) => {
      const { organization_id: organizationId, key_id: keyId } = params
      const key = await switchKey(cx, { organizationId, keyId }, action)
      return { status: 200, body: { success: true, message: actionMessages[action], key: presentKey(key) } }
    })
  return [
    bind(listKeysRoute, async (cx, { params, query }) => {
      // A use that was noted before the question is part of the answer.
      await keyring.settle()
      const { skip, take, page, page_size: pageSize } = query
      const limit = take ?? pageSize
      const offset = skip === undefined && take === undefined ? (page - 1) * pageSize : (skip ?? 0)
      const { records, total } = await listKeys(cx, { organizationId: params.organization_id, limit, offset })
      const shown = { page: Math.floor(offset / limit) + 1, page_size: limit }
      return { status: 200, body: { keys: records.map(presentKey), total, ...shown } }
    }),
    bind(createKeyRoute, async (cx, { params, body }) => {
      const { key, text } = await createKey(cx, params.organization_id, body)
      return {
        status: 201,
        body: { ...presentKey(key), key: text },
        headers: {
          etag: `"${key.revision}"`,
          location: `/v1/organizations/${key.organizationId}/api-keys/${key.id}`,
        },
        secretId: key.id,
      }
    }),
    bind(getKeyRoute, async (cx, { params }) => {
      await keyring.settle()
      return answer(await getKey(cx, { organizationId: params.organization_id, keyId: params.key_id }))
    }),
    bind(updateKeyRoute, async (cx, { params, body, ifRevision }) => {
      const { organization_id: organizationId, key_id: keyId } = params
      const key = await updateKey(cx, { organizationId, keyId, ifRevision }, body)
      return answer(key)
    }),
    bind(deleteKeyRoute, async (cx, { params, ifRevision }) => {
      const { organization_id: organizationId, key_id: keyId } = params
      const key = await deleteKey(cx, { organizationId, keyId, ifRevision })
      return { status: 200, body: { success: true, message: "API key deleted", key: presentKey(key) } }
    }),
    ...(["activate", "deactivate", "pause", "unpause"] as const).map(bindAction),
    bind(rotateKeyRoute, async (cx, { params }) => {
      const { organization_id: organizationId, key_id: keyId } = params
      const { key, text } = await rotateKey(cx, { organizationId, keyId })
      return {
        status: 200,
        body: {
          success: true,
          message: "API key rotated",
          old_key_id: keyId,
          new_key: { ...presentKey(key), key: text },
        },
        secretId: key.id,
      }
    }),
  ]
}
