/** What every service is handed first: who calls, within which request, and the ports. */
import type { Scope } from "@brevet/core/contract/route"
import type { Id, IdSource } from "@brevet/core/ids"
import type { Logger } from "pino"
import type { Models } from "./models.ts"
import type { Runs } from "./runs.ts"
import type { Store } from "./store.ts"

/** The caller: a living key of an organization. */
export type Principal = {
  readonly organizationId: Id<"organization">
  readonly userId: Id<"user">
  readonly userName: string
  readonly userEmail: string
  readonly keyId: Id<"apiKey">
  readonly scopes: readonly Scope[]
}

/** The clock, in milliseconds since 1970; held by hand in tests. */
export type Clock = { nowMs(): number }

/** The settings that services read. Set once at start. */
export type ServiceSettings = {
  /** The only source of links that are handed out; no slash at the end. */
  readonly publicUrl: string
  /** How long a waiting call waits for a run before it answers 202. */
  readonly waitMs: number
  /** How long a stream stays open while its run waits. */
  readonly streamWaitMs: number
  /** Nodes that a definition may have. */
  readonly definitionNodesMax: number
}

/** The ports and facts that services work with, the same for every request. */
export type Ports = {
  readonly store: Store
  readonly models: Models
  readonly runs: Runs
  readonly ids: IdSource
  readonly clock: Clock
  readonly log: Logger
  readonly settings: ServiceSettings
}

/** One call's context. `store` is the transaction of an idempotent request where there is one. */
export type Context = Ports & {
  readonly principal: Principal
  readonly traceId: Id<"request">
}
