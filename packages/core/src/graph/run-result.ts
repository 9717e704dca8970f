/**
 * What is kept of a run that ended, with its row: what lists of runs show without reading events. Made once, from the
 * state that the run's last event left.
 */
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import type { JsonObject } from "../json.ts"
import type { RunError } from "./events.ts"
import type { Graph } from "./graph.ts"
import { executionOf, type RunState } from "./run-state.ts"

/** The error of a run, and the request that it answers; null for a run that no request waits for. */
export type RunResultError = RunError & { readonly traceId: string | null }

/** The outcome of a run. JSON as it stands. */
export type RunResult = {
  /** The `json` of the items of the answering node: its first output that has any. Null unless the run completed. */
  readonly output: readonly JsonObject[] | null
  /** What was said in the turn, several messages joined by a blank line; of a cancelled run, as far as it was shown. */
  readonly text: string | null
  readonly error: RunResultError | null
}

/** The outcome of a run whose end is in the state. `traceId` is that of the request, where there is one. */
export function makeRunResult(graph: Graph, state: RunState, traceId: string | null): RunResult {
  const { end } = state
  if (end === null) throw new Error("a run that goes on has no result")
  switch (end.status) {
    case "completed":
      return { output: outputOf(graph, state, end.node), text: state.reply, error: null }
    case "failed":
      return { output: null, text: null, error: { ...end.error, traceId } }
    case "cancelled": {
      const shown = state.shown === "" ? [] : [state.shown]
      const text = [...(state.reply === null ? [] : [state.reply]), ...shown].join("\n\n")
      return {
        output: null,
        text: text === "" ? null : text,
        error: { ...catalogued("RUN_CANCELLED"), details: { cause_code: end.cause }, traceId },
      }
    }
  }
}

function outputOf(graph: Graph, state: RunState, node: string | null): readonly JsonObject[] {
  const ordinal = node === null ? undefined : graph.ordinalByName.get(node)
  const execution = ordinal === undefined ? undefined : executionOf(state, ordinal, -1)
  const items = execution?.outputs.find((output) => output.length > 0) ?? []
  return items.map((item) => item.json)
}

function catalogued(code: ErrorCode): Omit<RunError, "details"> {
  const { message, systemMessage } = errorCatalogue[code]
  return { code, message, systemMessage }
}
