/**
 * API keys on the wire (documented). A key's text is shown once, by its creation or rotation; times are ISO 8601. The
 * order of `scopes` is that of our list, each once.
 */
import { z } from "zod"
import type { JsonObject } from "../json.ts"
import { toIso, toIsoOrNull } from "../time.ts"
import { route, type Scope, scopes } from "./route.ts"
import { freeObject, listLimit, nameText, queryInteger } from "./text.ts"

/** Characters of a key's metadata as JSON text. */
const metadataLengthMax = 10_000

const instantPattern = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/i

/** An instant in ISO 8601 (without an offset: UTC) as milliseconds. */
const instant = z
  .string()
  .transform((text, context) => {
    const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10))
    const ms = instantPattern.test(text) ? Date.parse(`${text.replace(" ", "T")}${hasOffset ? "" : "Z"}`) : Number.NaN
    if (Number.isFinite(ms)) return ms
    context.addIssue({ code: "custom", message: "must be an instant in ISO 8601, such as 2030-01-31T12:00:00Z" })
    return z.NEVER
  })
  .meta({ format: "date-time" })

/** At least one scope; kept in the order of our list, each once. */
const scopeList = z
  .array(z.enum(scopes))
  .min(1)
  .transform((given): readonly Scope[] => scopes.filter((scope) => given.includes(scope)))

const usageLimit = z
  .number()
  .min(0)
  .nullish()
  .describe("A figure for people (ours): nothing is priced here, so nothing is refused for it")

/** The body of a creation. `null` counts as absent (ours); without `scopes` the key may do everything (`*`). */
export const keyCreateBody = z.strictObject({
  key_name: nameText,
  scopes: scopeList.nullish(),
  usage_limit_chf: usageLimit,
  expires_at: instant.nullish(),
  metadata: freeObject(metadataLengthMax).nullish(),
})

/** The body of a change: what is absent stays, `null` clears. A past `expires_at` ends the key at once. */
export const keyUpdateBody = z.strictObject({
  key_name: nameText.optional(),
  scopes: scopeList.optional(),
  usage_limit_chf: usageLimit,
  expires_at: instant.nullish(),
  metadata: freeObject(metadataLengthMax).nullish(),
})

/** A parsed creation. */
export type KeyCreateBody = z.output<typeof keyCreateBody>

/** A parsed change. */
export type KeyUpdateBody = z.output<typeof keyUpdateBody>

const keyFields = {
  id: z.string(),
  organization_id: z.string(),
  key_name: z.string(),
  key_prefix: z.string(),
  is_active: z.boolean(),
  is_paused: z.boolean(),
  scopes: z.array(z.string()),
  usage_limit_chf: z.number().nullable(),
  metadata: z.record(z.string(), z.unknown()),
  created_by: z.string(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
  expires_at: z.string().nullable(),
}

/** A key without its text. */
export const keyAnswer = z.object(keyFields).meta({ id: "ApiKey" })

/** A key with its text, which is shown this once. */
export const keyWithTextAnswer = z.object({ ...keyFields, key: z.string() }).meta({ id: "ApiKeyCreated" })

/** All that is needed to show a key. */
export type KeyView = {
  readonly id: string
  readonly organizationId: string
  readonly userId: string
  readonly prefix: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly isActive: boolean
  readonly isPaused: boolean
  readonly usageLimitChf: number | null
  readonly metadata: JsonObject
  readonly createdAtMs: number
  readonly lastUsedAtMs: number | null
  readonly expiresAtMs: number | null
}

/** A key as documented, without its text. */
export function presentKey(view: KeyView): z.output<typeof keyAnswer> {
  return {
    id: view.id,
    organization_id: view.organizationId,
    key_name: view.name,
    key_prefix: view.prefix,
    is_active: view.isActive,
    is_paused: view.isPaused,
    scopes: [...view.scopes],
    usage_limit_chf: view.usageLimitChf,
    metadata: view.metadata,
    created_by: view.userId,
    created_at: toIso(view.createdAtMs),
    last_used_at: toIsoOrNull(view.lastUsedAtMs),
    expires_at: toIsoOrNull(view.expiresAtMs),
  }
}

const actionAnswer = z.object({ success: z.literal(true), message: z.string(), key: keyAnswer })
const tag = "API keys"
const orgScopes = ["keys:write"] as const
const organizationParameter = { organization_id: { noun: "organization", missing: "RESOURCE_NOT_FOUND" } } as const
const keyParameters = { ...organizationParameter, key_id: { noun: "apiKey", missing: "API_KEY_NOT_FOUND" } } as const
const noQuery = z.object({})
const listPath = "/v1/organizations/{organization_id}/api-keys"
const keyPath = "/v1/organizations/{organization_id}/api-keys/{key_id}"

/** `GET /v1/organizations/{organization_id}/api-keys` (documented): newest first, by page or by skip and take. */
export const listKeysRoute = route({
  id: "listApiKeys",
  method: "GET",
  path: listPath,
  summary: "List API keys, newest first",
  description: "Pages are named by `page` and `page_size`, or by `skip` and `take`, which come first where given.",
  tag,
  scopes: orgScopes,
  params: organizationParameter,
  query: z.object({
    page: queryInteger(1, 1_000_000).default(1),
    page_size: listLimit,
    skip: queryInteger(0, 1_000_000_000).optional(),
    take: queryInteger(1, 100).optional(),
  }),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "A page of keys",
      schema: z.object({
        keys: z.array(keyAnswer),
        total: z.number().int(),
        page: z.number().int(),
        page_size: z.number().int(),
      }),
    },
  },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "none",
})

/** `POST /v1/organizations/{organization_id}/api-keys` (documented): the key's text is shown this once. */
export const createKeyRoute = route({
  id: "createApiKey",
  method: "POST",
  path: listPath,
  summary: "Create an API key",
  description: "`key` is shown this once. A key can create only keys whose scopes are a part of its own.",
  tag,
  scopes: orgScopes,
  params: organizationParameter,
  query: noQuery,
  unknownQuery: "ignore",
  body: keyCreateBody,
  answers: { 201: { description: "The key with its text", schema: keyWithTextAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "transaction",
  secret: true,
})

/** `GET …/api-keys/{key_id}` (documented). */
export const getKeyRoute = route({
  id: "getApiKey",
  method: "GET",
  path: keyPath,
  summary: "Get an API key",
  tag,
  scopes: orgScopes,
  params: keyParameters,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The key", schema: keyAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "none",
})

/** `PATCH …/api-keys/{key_id}` (documented). */
export const updateKeyRoute = route({
  id: "updateApiKey",
  method: "PATCH",
  path: keyPath,
  summary: "Change an API key",
  tag,
  scopes: orgScopes,
  params: keyParameters,
  query: noQuery,
  unknownQuery: "ignore",
  body: keyUpdateBody,
  answers: { 200: { description: "The key", schema: keyAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "LAST_KEY", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `DELETE …/api-keys/{key_id}` (documented: answers 200). */
export const deleteKeyRoute = route({
  id: "deleteApiKey",
  method: "DELETE",
  path: keyPath,
  summary: "Delete an API key; it is refused at once",
  tag,
  scopes: orgScopes,
  params: keyParameters,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The deleted key", schema: actionAnswer } },
  errors: ["ORGANIZATION_ACCESS_DENIED", "LAST_KEY", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** What can be done to a key beside changing and deleting it. */
export type KeyAction = "activate" | "deactivate" | "pause" | "unpause"

const actionSummaries: Readonly<Record<KeyAction, string>> = {
  activate: "Activate an API key",
  deactivate: "Deactivate an API key; it is refused with API_KEY_DEACTIVATED",
  pause: "Pause an API key; it is refused with API_KEY_PAUSED",
  unpause: "Unpause an API key",
}

function actionRoute(action: KeyAction) {
  return route({
    id: `${action}ApiKey`,
    method: "POST",
    path: `${keyPath}/${action}`,
    summary: actionSummaries[action],
    tag,
    scopes: orgScopes,
    params: keyParameters,
    query: noQuery,
    unknownQuery: "ignore",
    body: null,
    answers: { 200: { description: "The key", schema: actionAnswer } },
    errors: ["ORGANIZATION_ACCESS_DENIED", "LAST_KEY"],
    idempotency: "transaction",
  })
}

/** `POST …/api-keys/{key_id}/activate|deactivate|pause|unpause` (documented). Doing one twice changes nothing. */
export const keyActionRoutes = {
  activate: actionRoute("activate"),
  deactivate: actionRoute("deactivate"),
  pause: actionRoute("pause"),
  unpause: actionRoute("unpause"),
} as const

/** `POST …/api-keys/{key_id}/rotate` (documented): a new key in the place of the old one, which is refused at once. */
export const rotateKeyRoute = route({
  id: "rotateApiKey",
  method: "POST",
  path: `${keyPath}/rotate`,
  summary: "Put a new key in the place of an API key",
  description: "The new key has the name, scopes, limit, expiry, metadata and state of the old one.",
  tag,
  scopes: orgScopes,
  params: keyParameters,
  query: noQuery,
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "The new key with its text",
      schema: z.object({
        success: z.literal(true),
        message: z.string(),
        old_key_id: z.string(),
        new_key: keyWithTextAnswer,
      }),
    },
  },
  errors: ["ORGANIZATION_ACCESS_DENIED"],
  idempotency: "transaction",
  secret: true,
})
