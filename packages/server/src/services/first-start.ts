/**
 * The first start: one organization, its owner, and one key that may do everything. Of several processes that start at
 * once on an empty store exactly one makes them; the others wait, and find them.
 */
import type { Id } from "@brevet/core/ids"
import type { Ports } from "../ports/context.ts"
import { makeKeyText, traceOf } from "./key-text.ts"

/** What the operator set, and where a key that was made is kept. */
export type FirstStartOptions = {
  /** BREVET_BOOTSTRAP_API_KEY: the text of the first key; null: a random one. It is never given back or kept. */
  readonly bootstrapApiKey: string | null
  /**
   * Keeps the text of a random key where only the operator can read it, before the store has it for good: whatever
   * happens afterwards, no key is in the store that nobody knows. Null where there is no such place.
   */
  readonly keepKey: ((text: string) => Promise<void>) | null
}

/** What became of the start. */
export type FirstStart = {
  readonly organizationId: Id<"organization">
  /** True where this process made the organization now. */
  readonly isFirst: boolean
  /** The text of the random key, to be printed once; null on later starts and where the operator fixed the key. */
  readonly keyText: string | null
}

/** Makes what the first start makes, unless it is there. */
export async function ensureFirstStart(
  ports: Pick<Ports, "store" | "ids" | "clock">,
  options: FirstStartOptions,
): Promise<FirstStart> {
  const known = await ports.store.organizations.findFirst()
  if (known !== null) return { organizationId: known.id, isFirst: false, keyText: null }
  return ports.store.transaction(async (store) => {
    await store.keys.holdFirstStart()
    const other = await store.organizations.findFirst()
    if (other !== null) return { organizationId: other.id, isFirst: false, keyText: null }
    const organizationId = ports.ids.next("organization")
    const owner = { id: ports.ids.next("user"), name: "Owner", email: "owner@localhost" }
    const createdAtMs = ports.clock.nowMs()
    await store.organizations.create({ id: organizationId, name: "Default organization", owner, createdAtMs })
    const text = options.bootstrapApiKey ?? makeKeyText()
    await store.keys.create({
      id: ports.ids.next("apiKey"),
      organizationId,
      userId: owner.id,
      ...traceOf(text),
      name: "First key",
      scopes: ["*"],
      isActive: true,
      isPaused: false,
      usageLimitChf: null,
      metadata: {},
      createdAtMs,
      expiresAtMs: null,
    })
    if (options.bootstrapApiKey !== null) return { organizationId, isFirst: true, keyText: null }
    await options.keepKey?.(text)
    return { organizationId, isFirst: true, keyText: text }
  })
}
