/**
 * Credentials on the wire (the HTTP contract, §8; ours): named secrets of the organization. Their data is taken, never
 * given back. Times are ISO 8601.
 */
import { z } from "zod"
import { readAllowedHost } from "../graph/credential-hosts.ts"
import { credentialTypes } from "../graph/credential-types.ts"
import { toIso } from "../time.ts"
import { route } from "./route.ts"
import { jsonObject, listLimit, listOffset, nameText } from "./text.ts"

const typeNames = credentialTypes.map(({ name }) => name)

/** Hosts that a credential is for (ours). */
const hostsMax = 100

const hostText = z
  .string()
  .max(300)
  .transform((text, check) => {
    const host = readAllowedHost(text)
    if (host !== null) return host
    const message =
      "must be a host as api.example.com, api.example.com:8443 or *.example.com, without scheme and path; names beyond ASCII in punycode"
    check.issues.push({ code: "custom", message, input: text })
    return z.NEVER
  })

const hostList = z
  .array(hostText)
  .min(1, "must name at least one host; null takes the bound away")
  .max(hostsMax)
  .describe(
    "Where the credential may be sent: `api.example.com`, `api.example.com:8443`, `*.example.com`. Absent or null: " +
      "wherever a node sends it. Without a port: any port.",
  )

const typeText = z
  .string()
  .refine((name) => typeNames.includes(name), { message: `must be one of ${typeNames.join(", ")}` })
  .meta({ enum: typeNames })

const dataText = "The secret fields, as the type names them. They are sealed, and never given back."

/** The body of a creation. */
export const credentialCreateBody = z.strictObject({
  name: nameText,
  type: typeText,
  data: jsonObject.describe(dataText),
  allowed_hosts: hostList.nullish(),
})

/** The body of a change: what is absent stays. `data` replaces all fields; the type is for good. */
export const credentialUpdateBody = z.strictObject({
  name: nameText.optional(),
  data: jsonObject.describe(dataText).optional(),
  allowed_hosts: hostList.nullish(),
})

/** The body of a test. */
export const credentialTestBody = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(2_000)
    .nullish()
    .describe(
      "The address to ask with the credential; its host must be one of `allowed_hosts`. Needed for types that are not " +
        "of one provider.",
    ),
})

/** A parsed creation. */
export type CredentialCreateBody = z.output<typeof credentialCreateBody>

/** A parsed change. */
export type CredentialUpdateBody = z.output<typeof credentialUpdateBody>

/** A credential without its data. */
export const credentialAnswer = z
  .object({
    id: z.string(),
    organization_id: z.string(),
    name: z.string(),
    type: z.string(),
    allowed_hosts: z.array(z.string()).nullable(),
    readable: z
      .boolean()
      .describe("False: it was sealed with a secret key that this server does not have; send its data again"),
    created_by: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Credential" })

/** All that is needed to show a credential. */
export type CredentialView = {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly type: string
  readonly allowedHosts: readonly string[] | null
  readonly isReadable: boolean
  readonly createdBy: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** A credential in wire form. */
export function presentCredential(view: CredentialView): z.output<typeof credentialAnswer> {
  return {
    id: view.id,
    organization_id: view.organizationId,
    name: view.name,
    type: view.type,
    allowed_hosts: view.allowedHosts === null ? null : [...view.allowedHosts],
    readable: view.isReadable,
    created_by: view.createdBy,
    created_at: toIso(view.createdAtMs),
    updated_at: toIso(view.updatedAtMs),
  }
}

const tag = "Credentials"
const listPath = "/v1/credentials"
const onePath = "/v1/credentials/{credential_id}"
const credentialId = { credential_id: { noun: "credential", missing: "CREDENTIAL_NOT_FOUND" } } as const
const noQuery = z.object({})

/** `GET /v1/credentials` (ours): newest first. */
export const listCredentialsRoute = route({
  id: "listCredentials",
  method: "GET",
  path: listPath,
  summary: "List credentials, newest first",
  tag,
  scopes: ["credentials:read"],
  params: {},
  query: z.object({
    type: z.string().optional().describe("Only those of this type"),
    name: z.string().optional().describe("Only those of this name, without regard to case and outer blanks"),
    limit: listLimit,
    offset: listOffset,
  }),
  unknownQuery: "refuse",
  body: null,
  answers: {
    200: {
      description: "A page of credentials, without their data",
      schema: z.object({
        credentials: z.array(credentialAnswer),
        total: z.number().int(),
        limit: z.number().int(),
        offset: z.number().int(),
      }),
    },
  },
  errors: [],
  idempotency: "none",
})

/** `POST /v1/credentials` (ours). */
export const createCredentialRoute = route({
  id: "createCredential",
  method: "POST",
  path: listPath,
  summary: "Create a credential",
  description:
    "Keeps a named secret, sealed. Nodes refer to it by its id, or by its name and type. Names are unique among the " +
    "credentials of a type, without regard to case and outer blanks.",
  tag,
  scopes: ["credentials:write"],
  params: {},
  query: noQuery,
  unknownQuery: "refuse",
  body: credentialCreateBody,
  answers: { 201: { description: "The credential; Location names it", schema: credentialAnswer } },
  errors: ["CREDENTIAL_NAME_CONFLICT"],
  idempotency: "transaction",
})

/** `GET /v1/credentials/{credential_id}` (ours). */
export const getCredentialRoute = route({
  id: "getCredential",
  method: "GET",
  path: onePath,
  summary: "Get a credential, without its data",
  tag,
  scopes: ["credentials:read"],
  params: credentialId,
  query: noQuery,
  unknownQuery: "refuse",
  body: null,
  answers: { 200: { description: "The credential", schema: credentialAnswer } },
  errors: [],
  idempotency: "none",
})

/** `PATCH /v1/credentials/{credential_id}` (ours): what runs takes the new data with its next request. */
export const updateCredentialRoute = route({
  id: "updateCredential",
  method: "PATCH",
  path: onePath,
  summary: "Change a credential",
  description: "`data` replaces all fields; `allowed_hosts: null` takes the bound away. The type stays.",
  tag,
  scopes: ["credentials:write"],
  params: credentialId,
  query: noQuery,
  unknownQuery: "refuse",
  body: credentialUpdateBody,
  answers: { 200: { description: "The credential", schema: credentialAnswer } },
  errors: ["CREDENTIAL_NAME_CONFLICT", "VERSION_CONFLICT"],
  idempotency: "none",
})

/** `DELETE /v1/credentials/{credential_id}` (ours): for good; nodes that refer to it fail when they are reached. */
export const deleteCredentialRoute = route({
  id: "deleteCredential",
  method: "DELETE",
  path: onePath,
  summary: "Delete a credential for good",
  tag,
  scopes: ["credentials:write"],
  params: credentialId,
  query: noQuery,
  unknownQuery: "refuse",
  body: null,
  answers: { 204: { description: "It is gone", schema: null } },
  errors: ["VERSION_CONFLICT"],
  idempotency: "none",
})

/** `POST /v1/credentials/{credential_id}/test` (ours): asks the provider, or an address of `allowed_hosts`, with it. */
export const testCredentialRoute = route({
  id: "testCredential",
  method: "POST",
  path: `${onePath}/test`,
  summary: "Try a credential",
  description:
    "Sends one GET with the credential: to its provider, or to `url`, whose host must be one of `allowed_hosts`, so that a " +
    "test never takes a secret where a node could not.",
  tag,
  scopes: ["credentials:write"],
  params: credentialId,
  query: noQuery,
  unknownQuery: "refuse",
  body: credentialTestBody,
  answers: {
    200: {
      description: "What the other side said; `success: false` where it refused or did not answer",
      schema: z.object({
        success: z.boolean(),
        status: z.number().int().nullable().describe("The HTTP status; null: there was no answer"),
        message: z.string(),
      }),
    },
  },
  errors: [],
  idempotency: "after",
})
