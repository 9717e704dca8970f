/**
 * Who calls: from the text of a key to a principal.
 *
 * Two ways. `authenticate` asks the store at every request, so that a key that was revoked anywhere is refused at once.
 * `recall` answers from memory, for calls whose own write is refused when anything about the caller has changed since (the
 * organization's generation, see the start of a turn); what it says is at most `trustedMs` old.
 *
 *   unknown ──authenticate──> known ──── age < freshMs ───────> recalled
 *                               │    └── freshMs < age < trustedMs ─> recalled, and looked up again meanwhile
 *                               │    └── older ───────────────> null: ask the store
 *                               └── revoked in this process: forgotten
 *
 * Invariants
 * 1. Texts of keys are never kept, only their hashes.
 * 2. Noting the last use is never waited for by a request.
 */
import { timingSafeEqual } from "node:crypto"
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Ports, Principal } from "../ports/context.ts"
import type { KeyHolder } from "../ports/key-table.ts"
import { hashBytes, hashKeyText } from "./key-text.ts"

/** Up to this age a remembered key is taken as it is (milliseconds). */
const freshMs = 1_000
/** Beyond this age a remembered key is not taken any more (milliseconds). */
const trustedMs = 5_000
/** A key's last use is written at most this often (milliseconds). */
const noteEveryMs = 60_000
/** Keys that are remembered at most; the longest known goes first. */
const rememberedMax = 10_000

/** A caller, and the generation of its organization when it was judged. */
export type Holder = { readonly principal: Principal; readonly generation: number }

/** Judges callers. */
export interface Keyring {
  /**
   * The first of the texts that is a living key. Throws the documented 401: API_KEY_DEACTIVATED, API_KEY_PAUSED or
   * API_KEY_EXPIRED where a text is the key of somebody, else AUTHENTICATION_REQUIRED.
   */
  authenticate(texts: readonly string[]): Promise<Holder>
  /** The same from memory for the first text; null where it has to be asked for. */
  recall(texts: readonly string[]): Holder | null
  /**
   * To be called when this process has changed something of an organization: a key of it may be another now, and what is
   * remembered of the others names an older generation, under which a turn would begin in vain.
   */
  forgetOrganization(organizationId: Id<"organization">): void
  /** Resolves when all uses that were noted so far are written. */
  settle(): Promise<void>
}

type Known = {
  readonly key: KeyHolder
  readonly holder: Holder
  readonly checkedAtMs: number
  refreshing: boolean
}

/** A keyring over the store. */
export function makeKeyring(ports: Pick<Ports, "store" | "clock" | "log">): Keyring {
  const memory = makeMemory(ports)
  const uses = makeUses(ports)
  return {
    async authenticate(texts) {
      let reason: Refusal | null = null
      for (const text of texts) {
        const key = await memory.lookUp(hashKeyText(text))
        if (key === null) continue
        const nowMs = ports.clock.nowMs()
        const refusal = refusalOf(key, nowMs)
        if (refusal === null) {
          uses.note(key, nowMs)
          return holderOf(key)
        }
        reason ??= refusal
      }
      throw reason ?? new Refusal("AUTHENTICATION_REQUIRED")
    },
    recall(texts) {
      const [first] = texts
      const entry = first === undefined ? null : memory.find(hashKeyText(first))
      if (entry === null) return null
      const nowMs = ports.clock.nowMs()
      if (refusalOf(entry.key, nowMs) !== null) return null
      uses.note(entry.key, nowMs)
      return entry.holder
    },
    forgetOrganization: memory.forgetOrganization,
    settle: uses.settle,
  }
}

/** The keys that were looked up, by the hash of their text. */
function makeMemory({ store, clock, log }: Pick<Ports, "store" | "clock" | "log">) {
  const known = new Map<string, Known>()
  let forgotten = 0

  const lookUp = async (mark: string): Promise<KeyHolder | null> => {
    const hash = hashBytes(mark)
    const forgottenBefore = forgotten
    const key = await store.keys.findByHash(hash)
    known.delete(mark)
    if (key === null || !timingSafeEqual(key.hash, hash)) return null
    // A key that was changed while it was read may have been read as it was before.
    if (forgotten !== forgottenBefore) return key
    known.set(mark, { key, holder: holderOf(key), checkedAtMs: clock.nowMs(), refreshing: false })
    for (const oldest of known.keys()) {
      if (known.size <= rememberedMax) break
      known.delete(oldest)
    }
    return key
  }

  const refresh = (mark: string, entry: Known): void => {
    entry.refreshing = true
    lookUp(mark).catch((error: unknown) => {
      entry.refreshing = false
      log.warn({ err: error }, "key-refresh-failed")
    })
  }

  return {
    /** Asks the store, and remembers what it says. */
    lookUp,
    /** What is remembered and young enough; what is no longer fresh is looked up again behind the request. */
    find(mark: string): Known | null {
      const entry = known.get(mark)
      if (entry === undefined) return null
      const ageMs = clock.nowMs() - entry.checkedAtMs
      if (ageMs >= trustedMs) return null
      if (ageMs >= freshMs && !entry.refreshing) refresh(mark, entry)
      return entry
    },
    forgetOrganization(organizationId: Id<"organization">): void {
      forgotten += 1
      for (const [mark, { key }] of known) if (key.organizationId === organizationId) known.delete(mark)
    },
  }
}

function holderOf(key: KeyHolder): Holder {
  const { organizationId, userId, userName, userEmail, id: keyId, scopes, generation } = key
  return { principal: { organizationId, userId, userName, userEmail, keyId, scopes }, generation }
}

/** Why a key is refused now; null where it lives. */
function refusalOf(key: KeyHolder, nowMs: number): Refusal | null {
  if (!key.isActive) return new Refusal("API_KEY_DEACTIVATED")
  if (key.isPaused) return new Refusal("API_KEY_PAUSED")
  return key.expiresAtMs !== null && key.expiresAtMs <= nowMs ? new Refusal("API_KEY_EXPIRED") : null
}

/** Writes last uses behind the requests, each key's at most once in `noteEveryMs`. */
function makeUses({ store, log }: Pick<Ports, "store" | "log">) {
  const notedAtMs = new Map<string, number>()
  const pending = new Set<Promise<void>>()
  return {
    note(key: KeyHolder, nowMs: number): void {
      const lastMs = Math.max(key.lastUsedAtMs ?? 0, notedAtMs.get(key.id) ?? 0)
      if (nowMs - lastMs < noteEveryMs) return
      if (notedAtMs.size >= rememberedMax) notedAtMs.clear()
      notedAtMs.set(key.id, nowMs)
      const writing = store.keys
        .touch(key.id, { atMs: nowMs })
        .catch((error: unknown) => log.warn({ err: error, key_id: key.id }, "key-use-not-noted"))
        .finally(() => pending.delete(writing))
      pending.add(writing)
    },
    async settle(): Promise<void> {
      await Promise.all(pending)
    },
  }
}
