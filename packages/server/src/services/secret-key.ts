/**
 * The secret key and the store. With the first secret the store keeps a check value that the key sealed; from then on
 * whoever cannot open it has another key, and neither starts nor stores anything: what it sealed nobody else could open.
 *
 *     start ── no check value ────────────────────────────> fits
 *           ├─ opens with the key ────────────────────────> fits
 *           ├─ opens with the previous key ── sealed anew ─> fits
 *           └─ opens with neither ────────────────────────> another key
 *
 * A key is changed for all processes by giving them the new one beside the old one: first as the previous key, so that all
 * can open what comes, then as the key itself with the old one as the previous.
 */
import { Refusal } from "@brevet/core/errors"
import type { Secrets } from "../ports/secrets.ts"
import type { Store } from "../ports/store.ts"

/** What the check value says, and for whom. */
const checkText = "brevet"
const checkOwner = "secret-key-check"

/** Values that are sealed anew at a time. */
const pageRows = 200

/** Whether the store's secrets are sealed with a key of this process. What the previous key sealed is sealed anew. */
export async function settleSecretKey(store: Store, secrets: Secrets): Promise<"fits" | "another"> {
  const check = await store.secretKeys.findCheck()
  if (check === null) return "fits"
  if (secrets.open(check, checkOwner) === null) return "another"
  if (!secrets.isCurrent(check)) await sealAnew(store, secrets)
  return "fits"
}

/**
 * To be called in the transaction that stores a secret, before it: the store belongs to this process' key from now on.
 * Throws SERVICE_UNAVAILABLE where it belongs to another one, or where other processes cannot have this one.
 */
export async function claimSecretKey(store: Store, secrets: Secrets): Promise<void> {
  const check = await store.secretKeys.keepCheck(secrets.seal(checkText, checkOwner))
  if (secrets.open(check, checkOwner) === null) {
    throw refusal("the store's secrets were sealed with another key than this process has; give it the same key")
  }
  if (!secrets.isShared && (await store.secretKeys.countProcesses()) > 1) {
    throw refusal("several processes share this store, and the key of this one lies in its data folder")
  }
}

function refusal(reason: string): Refusal {
  return new Refusal("SERVICE_UNAVAILABLE", {
    systemMessage: `Secrets cannot be kept: ${reason}. Set BREVET_SECRET_KEY to the same 32 bytes for all processes.`,
    retryAfterSeconds: 60,
  })
}

/** All or nothing: a start that is broken off leaves everything as it was, and the next one begins again. */
async function sealAnew(store: Store, secrets: Secrets): Promise<void> {
  await store.transaction(async (inner) => {
    const check = await inner.secretKeys.keepCheck(secrets.seal(checkText, checkOwner))
    // Another process may have done it while this one waited for the row.
    if (secrets.isCurrent(check)) return
    let page = await inner.secretKeys.listSealed(null, pageRows)
    while (page.length > 0) {
      for (const value of page) {
        const secret = secrets.isCurrent(value.secret) ? null : secrets.open(value.secret, value.owner)
        if (secret !== null) await inner.secretKeys.reseal(value, secrets.seal(secret, value.owner))
      }
      page = await inner.secretKeys.listSealed(page.at(-1) ?? null, pageRows)
    }
    await inner.secretKeys.replaceCheck(secrets.seal(checkText, checkOwner))
  })
}
