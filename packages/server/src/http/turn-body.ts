/** From the body of a turn to what services are asked for. */
import { createHash } from "node:crypto"
import { type ModelResponseBody, turnInputs } from "@brevet/core/contract/model-response"
import { createModelResponseRoute } from "@brevet/core/contract/model-response-routes"
import type { ModelSettings } from "@brevet/core/graph/model-settings"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { TurnPlace, TurnRequest } from "../services/turn-request.ts"

/** The request. Its digest is of who asks and of the whole body, so that the same request sent twice is known. */
export function toTurnRequest(cx: Context, body: ModelResponseBody): TurnRequest {
  return {
    inputs: turnInputs(body),
    threadId: body.thread_id || null,
    assistantId: body.assistant_id || null,
    workflowTag: body.workflow_id || null,
    settings: toSettings(body),
    metadata: (body.metadata ?? {}) as JsonObject, // it was read from JSON
    store: body.store ?? null,
    outputMode: body.output_mode ?? null,
    place: toPlace(body),
    digest: createHash("sha256")
      .update(`${cx.principal.keyId}\n${createModelResponseRoute.path}\n`)
      .update(JSON.stringify(body))
      .digest("hex"),
  }
}

function toSettings(body: ModelResponseBody): ModelSettings {
  const settings: Record<string, unknown> = {
    model: body.model || undefined,
    instructions: body.instructions ?? undefined,
    temperature: body.temperature ?? undefined,
    topP: body.top_p ?? undefined,
    maxOutputTokens: body.max_output_synapses ?? undefined,
    reasoningEffort: body.reasoning?.effort ?? undefined,
  }
  const said = Object.entries(settings).filter(([, value]) => value !== undefined)
  return Object.fromEntries(said) as ModelSettings
}

/** Ids that are malformed name nothing; services say so. */
function toPlace(body: ModelResponseBody): TurnPlace | null {
  if (body.edit_message_id) return { edits: body.edit_message_id as Id<"message"> }
  if (body.previous_message_id) return { follows: body.previous_message_id as Id<"message"> }
  return body.previous_response_id ? { contextThrough: body.previous_response_id as Id<"response"> } : null
}
