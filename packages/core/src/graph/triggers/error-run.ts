/** Runs that the failure of another run starts (the workflow language, §2; documented for n8n). Pure. */
import type { JsonObject } from "../../json.ts"
import type { Failure, RunCreated } from "../events.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { byPosition } from "../structure.ts"
import { textOf } from "./settings.ts"

/** Which workflow is told of a failure: another one, by its id or name, or the workflow itself. */
export type ErrorTarget = { readonly type: "named"; readonly name: string } | { readonly type: "itself" }

/**
 * Whom the failure of a run concerns; null: nobody. Runs that somebody tries out tell nobody, and a run that tells of a
 * failure tells of none itself, so that nothing goes round in a circle.
 */
export function errorTargetOf(graph: Graph, created: RunCreated | null): ErrorTarget | null {
  if (created === null || created.mode === "manual" || created.trigger?.door === "error") return null
  const named = textOf(graph.settings.errorWorkflow)
  if (named !== null) return { type: "named", name: named.trim() }
  return errorStartOf(graph) === null ? null : { type: "itself" }
}

/** The node at which such a run begins: the first error trigger on the canvas; null where there is none. */
export function errorStartOf(graph: Graph): GraphNode | null {
  const triggers = graph.nodes.filter(({ kind, disabled }) => kind === "errorTrigger" && !disabled)
  return triggers.toSorted(byPosition)[0] ?? null
}

/** A run that failed, as it is told of. `url`: where it can be read. */
export type FailedRun = {
  readonly runId: string
  readonly url: string
  readonly mode: RunCreated["mode"]
  readonly retryOf: string | null
  readonly failure: Failure
  readonly workflow: { readonly id: string; readonly name: string }
}

/** The item with which such a run begins (documented). */
export function errorItem({ runId, url, mode, retryOf, failure, workflow }: FailedRun): JsonObject {
  const { code, message, node } = failure
  return {
    execution: {
      id: runId,
      url,
      ...(retryOf === null ? {} : { retryOf }),
      error: {
        name: code,
        message,
        stack: `${code}: ${message}`,
        ...(node === undefined ? {} : { node: { name: node } }),
      },
      ...(node === undefined ? {} : { lastNodeExecuted: node }),
      mode: mode === "chat" ? "chat" : "trigger",
    },
    workflow: { id: workflow.id, name: workflow.name },
  }
}
