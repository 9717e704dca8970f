/** Between the graph's words for a model call and the port's: settings one way, failures the other. */
import type { CauseCode } from "@brevet/core/errors"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { ModelSettings as GraphSettings } from "@brevet/core/graph/model-settings"
import { ModelFailure, type ModelFailureKind, type ModelSettings } from "../ports/models.ts"

/** The settings that are sent: what nobody set is absent. */
export function toRequestSettings(settings: GraphSettings): ModelSettings {
  const { model: _model, instructions: _instructions, responseFormat, logitBias, tools: _tools, ...same } = settings
  return {
    ...same,
    ...(logitBias === undefined ? {} : { logitBias: logitBias as { readonly [token: string]: number } }),
    ...(responseFormat === undefined ? {} : { responseFormat: toResponseFormat(responseFormat) }),
  }
}

function toResponseFormat(
  format: NonNullable<GraphSettings["responseFormat"]>,
): NonNullable<ModelSettings["responseFormat"]> {
  if (format.type === "text") return { type: "text" }
  return format.type === "json_object" ? { type: "json" } : { type: "json", schema: format.schema }
}

const causes: { readonly [Kind in ModelFailureKind]: CauseCode } = {
  error: "MODEL_ERROR",
  unavailable: "MODEL_UNAVAILABLE",
  timeout: "MODEL_TIMEOUT",
  refused: "MODEL_REFUSED",
  "not-found": "MODEL_NOT_FOUND",
  "context-too-long": "CONTEXT_TOO_LONG",
}

/** What a model's failure means for the node: its own trouble. Everything else is given back as it is. */
export function causeOfModelFailure(error: unknown): unknown {
  if (!(error instanceof ModelFailure)) return error
  const { kind, status, retryAfterSeconds } = error
  return new NodeFailure(causes[kind], error.message, {
    details: {
      ...(status === undefined ? {} : { provider_status: status }),
      ...(retryAfterSeconds === undefined ? {} : { retry_after: retryAfterSeconds }),
    },
    cause: error,
  })
}
