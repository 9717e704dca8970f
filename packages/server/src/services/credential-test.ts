/** Tries a credential: one GET with it, to its provider or to an address that it may be sent to. */

import { invalidFields, Refusal } from "@brevet/core/errors"
import { findCredentialType } from "@brevet/core/graph/credential-types"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { CredentialRecord } from "../ports/credential-table.ts"
import { type Outbound, OutboundFailure } from "../ports/outbound.ts"
import { type CredentialPorts, openCredentialData } from "./credentials.ts"

/** What opens credentials, and the way out. */
export type CredentialTestPorts = CredentialPorts & { readonly outbound: Outbound }

/** What came of it. `status` null: there was no answer. */
export type CredentialTrial = { readonly isGood: boolean; readonly status: number | null; readonly message: string }

/** How long an answer is waited for (milliseconds), and how much of it is read: the status alone counts. */
const timeoutMs = 15_000
const responseBytesMax = 1024 * 1024

/** Tries a credential. Throws CREDENTIAL_NOT_FOUND, and VALIDATION_ERROR where there is no address to ask. */
export async function tryCredential(
  cx: Context,
  ports: CredentialTestPorts,
  { credentialId, url }: { readonly credentialId: Id<"credential">; readonly url: string | null },
): Promise<CredentialTrial> {
  const record = await cx.store.credentials.find(cx.principal.organizationId, credentialId)
  const type = record === null ? null : findCredentialType(record.type)
  if (record === null || type === null) throw new Refusal("CREDENTIAL_NOT_FOUND")
  const data = openCredentialData(ports, record)
  if (data === null) {
    const message = "The credential was sealed with a secret key that this server does not have: send its data again."
    return { isGood: false, status: null, message }
  }
  const address = url ?? type.probe(data)
  requireAddress(record, { url, address })
  const credential = { auth: type.auth(data), allowedHosts: record.allowedHosts }
  try {
    const answer = await ports.outbound.send(
      {
        method: "GET",
        url: address ?? "",
        headers: [["accept", "application/json, */*;q=0.5"]],
        secretHeaders: [],
        body: null,
        credential,
        redirectsMax: 5,
        timeoutMs,
        responseBytesMax,
      },
      { signal: AbortSignal.timeout(2 * timeoutMs) },
    )
    const isGood = answer.status >= 200 && answer.status < 300
    return { isGood, status: answer.status, message: wordsOf(answer.status) }
  } catch (error) {
    if (error instanceof OutboundFailure) return { isGood: false, status: null, message: error.message }
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return { isGood: false, status: null, message: "There was no whole answer in time." }
    }
    throw error
  }
}

/** Throws VALIDATION_ERROR: an address of the caller's needs a credential that says where it may go. */
function requireAddress(
  { allowedHosts, type }: CredentialRecord,
  { url, address }: { readonly url: string | null; readonly address: string | null },
): void {
  const fault = (message: string) => invalidFields([{ field: "url", message, code: "invalid" }])
  if (address === null) throw fault(`is needed: a credential of the type ${type} is not of one provider`)
  if (url !== null && allowedHosts === null) throw fault("needs a credential whose allowed_hosts name its host")
}

function wordsOf(status: number): string {
  if (status >= 200 && status < 300) return "The other side accepted the credential."
  if (status === 401 || status === 403) return "The other side refused the credential."
  return `The other side answered with ${status}.`
}
