/** Runs that belong to no conversation, as they are handed to the runtime: the first event, and what their row says. */
import type { RunCreated, RunTrigger } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { IdempotencyMark } from "../ports/owner.ts"
import type { NewRun } from "../ports/runs.ts"

/** What such a run is made of. `generation` null: nothing that it is made of can have changed. */
export type RunParts = {
  readonly runId: Id<"run">
  readonly organizationId: Id<"organization">
  /** Null: the workflow is no stored one, and stands in `definition`. */
  readonly workflowId: Id<"workflow"> | null
  readonly version: number | null
  readonly definition?: JsonObject
  readonly graph: Graph
  /** The name of the node at which it starts, and the items that this gives. */
  readonly start: string
  readonly items: readonly Item[]
  readonly mode: "production" | "manual"
  readonly traceId: string
  readonly atMs: number
  readonly generation: number | null
  readonly idempotency: IdempotencyMark | null
  /** What started it, unless somebody asked for it by name. */
  readonly trigger: RunTrigger | null
  /** The run that calls it, and how deeply it lies below the first; absent: nobody does. */
  readonly parent?: { readonly runId: Id<"run">; readonly depth: number }
  /** The run that it is another try of. */
  readonly retryOf?: Id<"run">
}

/** The run. */
export function makeNewRun(parts: RunParts): NewRun {
  const { runId, organizationId, workflowId, version, graph, mode, atMs, generation, idempotency, trigger } = parts
  const created: RunCreated = {
    type: "run-created",
    v: 1,
    at: atMs,
    traceId: parts.traceId,
    mode,
    workflowId,
    workflowVersion: version,
    start: parts.start,
    items: parts.items,
    seed: seedOf(runId),
    depth: parts.parent?.depth ?? 0,
    turn: null,
    ...(parts.definition === undefined ? {} : { definition: parts.definition }),
    ...(trigger === null ? {} : { trigger }),
  }
  return {
    runId,
    graph,
    created,
    messages: [],
    history: null,
    start: {
      organizationId,
      generation,
      requestHash: null,
      workflowId,
      workflowVersion: version,
      assistantId: null,
      parentRunId: parts.parent?.runId ?? null,
      retryOf: parts.retryOf ?? null,
      responseId: null,
      mode,
      thread: null,
      idempotency,
      createdAtMs: atMs,
    },
  }
}

/** The seed of a run's random source: the random end of its id, so that it needs no source of its own. */
export function seedOf(runId: Id<"run">): number {
  return Number.parseInt(runId.slice(-8), 16)
}
