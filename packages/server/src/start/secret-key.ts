/** The secret key at start: it has to be that of the store's secrets. */
import type { Secrets } from "../ports/secrets.ts"
import type { Store } from "../ports/store.ts"
import { settleSecretKey } from "../services/secret-key.ts"
import { StartProblem } from "../start-problem.ts"

/** Settles the key with the store. Throws StartProblem where the store's secrets were sealed with another one. */
export async function requireSecretKey(store: Store, secrets: Secrets): Promise<void> {
  if ((await settleSecretKey(store, secrets)) === "fits") return
  const remedy = secrets.isShared
    ? "Set BREVET_SECRET_KEY to the key that sealed them, or BREVET_SECRET_KEY_PREVIOUS to it while you change to a new one."
    : "Put the file secret.key back into the data folder, or set BREVET_SECRET_KEY to the key that sealed them; processes that share a store need the setting."
  throw new StartProblem(`The secrets in this store were sealed with another key than this server has. ${remedy}`, {
    exitCode: 78,
  })
}
