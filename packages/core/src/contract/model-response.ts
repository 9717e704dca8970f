/**
 * Talking on the wire (the HTTP contract, §5): what a turn is asked with, and its answer as JSON. The documented fields
 * come first; `run_id`, `message_id`, `usage` and `model` are ours. Unknown fields of a request are ignored (ours: clients
 * of other models send some); documented ones that do not work yet are taken at their default and refused otherwise.
 */
import { z } from "zod"
import { errorCatalogue, type FieldFault } from "../errors.ts"
import type { Usage } from "../graph/events.ts"
import type { RunResult } from "../graph/run-result.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { outputModes, reasoningLevels } from "./assistant-settings.ts"
import { errorObject } from "./error-envelope.ts"
import { metadataField } from "./metadata.ts"
import { leadingPause, presentOpenPause, shownPauseAnswer } from "./pauses.ts"
import { presentUsage } from "./run-events.ts"
import type { RunStatus } from "./runs.ts"
import { plainText } from "./text.ts"

/** Messages of one request (ours): what a person or a program says at once, not the conversation of a year. */
const inputsMax = 1_000

const inputMessage = z.looseObject({
  role: z.enum(["user", "assistant", "system", "tool"]),
  content: z.union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish(),
  /** The older form of content. */
  texts: z.array(z.looseObject({ text: z.string() })).nullish(),
  tool_call_id: z.string().nullish(),
  files: z.array(z.unknown()).nullish(),
})

/** What `include` may ask for: ours (`nodes`, `wait`), and documented words that do not work yet. */
const includeWords = [
  "nodes",
  "wait",
  "all",
  "tools.available",
  "tools.used",
  "web_search.sources",
  "code_interpreter.outputs",
  "file_search.results",
  "message.logprobs",
  "reasoning.encrypted",
  "request.logs",
  "usage.detailed",
  "rules.debug",
  "rules",
] as const

/** The body of a turn. */
export const modelResponseBody = z.looseObject({
  inputs: z.array(inputMessage).min(1).max(inputsMax),
  organization_id: z.string().nullish(),
  assistant_id: z.string().nullish(),
  thread_id: z.string().nullish(),
  workflow_id: plainText(255).nullish(),
  model: plainText(255).nullish(),
  stream: z.boolean().nullish(),
  instructions: z.string().max(262_144).nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_output_synapses: z.number().int().min(1).max(100_000_000).nullish(),
  reasoning: z
    .strictObject({
      effort: z.enum(reasoningLevels).nullish(),
      summary: z.enum(["off", "auto", "concise", "detailed"]).nullish(),
    })
    .nullish(),
  output_mode: z.enum(outputModes).nullish(),
  metadata: metadataField.nullish(),
  store: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  edit_message_id: z.string().nullish(),
  previous_message_id: z.string().nullish(),
  include: z.array(z.enum(includeWords)).max(100).nullish(),
  tools: z.array(z.unknown()).nullish(),
  system_tools: z.record(z.string(), z.unknown()).nullish(),
  vector_store_ids: z.array(z.unknown()).nullish(),
  space_id: z.string().nullish(),
  disable_rules: z.boolean().nullish(),
})

/** A parsed body. */
export type ModelResponseBody = z.output<typeof modelResponseBody>

/** A message of a request: its text, whatever shape it came in. */
export type TurnInput = { readonly role: "user" | "assistant" | "system"; readonly text: string }

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0)

/** The first documented field whose value does not work yet; null where there is none. */
export function findUnsupportedField(body: ModelResponseBody): string | null {
  const { tools, vector_store_ids: vectorStores, space_id: space, disable_rules: disableRules } = body
  if (!isEmpty(tools)) return "tools"
  if (!isEmpty(vectorStores)) return "vector_store_ids"
  if (space !== null && space !== undefined && space !== "") return "space_id"
  if (disableRules === true) return "disable_rules"
  const include = (body.include ?? []).findIndex((word) => word !== "nodes" && word !== "wait")
  if (include >= 0) return `include.${include}`
  for (const [name, tool] of Object.entries(body.system_tools ?? {})) {
    const mode = isJsonObject(tool) ? tool.mode : undefined
    if (!isEmpty(tool) && mode !== "off" && mode !== "auto") return `system_tools.${name}`
  }
  return findUnsupportedInput(body.inputs)
}

function findUnsupportedInput(inputs: ModelResponseBody["inputs"]): string | null {
  for (const [index, input] of inputs.entries()) {
    if (input.role === "tool") return `inputs.${index}.role`
    if (!isEmpty(input.files)) return `inputs.${index}.files`
    if (!Array.isArray(input.content)) continue
    const part = input.content.findIndex((each) => isJsonObject(each) && !("text" in each) && "type" in each)
    if (part >= 0) return `inputs.${index}.content.${part}`
  }
  return null
}

/** What is wrong with fields together, where each alone is right. */
export function findTurnFaults(body: ModelResponseBody): FieldFault[] {
  const faults: FieldFault[] = []
  const add = (field: string, message: string, code = "invalid"): void => void faults.push({ field, message, code })
  const last = body.inputs.length - 1
  const { role } = body.inputs[last] ?? { role: "user" }
  if (role !== "user" && role !== "tool") add(`inputs.${last}.role`, "the last input must be the user's or a tool's")
  for (const [index, input] of body.inputs.entries()) {
    if (textOf(input) === null) add(`inputs.${index}.content`, "must be a text or a list of text parts")
  }
  const places = ["previous_response_id", "edit_message_id", "previous_message_id"] as const
  const given = places.filter((name) => !isEmpty(body[name]))
  if (given.length > 1) add(given[1] ?? "", `cannot be given together with ${given[0]}`)
  for (const name of given) {
    if (isEmpty(body.thread_id)) add("thread_id", `is needed where ${name} is given`, "required")
  }
  return faults
}

/** The messages of a body that has no faults. */
export function turnInputs(body: ModelResponseBody): TurnInput[] {
  return body.inputs.flatMap((input) => {
    const text = textOf(input)
    return input.role === "tool" || text === null ? [] : [{ role: input.role, text }]
  })
}

/** The text of a message; null where it has none. Parts of one message are one text without anything between (ours). */
function textOf({ content, texts, role }: ModelResponseBody["inputs"][number]): string | null {
  if (typeof content === "string") return content
  if (content === null || content === undefined) return texts?.map(({ text }) => text).join("") ?? null
  if (!Array.isArray(content)) return role === "tool" ? JSON.stringify(content) : null
  const parts = content.map((part) => (typeof part === "string" ? part : isJsonObject(part) ? part.text : undefined))
  return parts.length > 0 && parts.every((part) => typeof part === "string") ? parts.join("") : null
}

const usageAnswer = z.object({
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  total_tokens: z.number().int(),
})

/** The answer of a turn as JSON (documented, and ours). */
export const modelResponseAnswer = z
  .object({
    success: z.boolean(),
    thread_id: z.string(),
    response: z.array(z.object({ type: z.literal("text"), text: z.string() })),
    response_id: z.string(),
    is_summarized: z.boolean(),
    stop_reason: z.enum(["stop", "length", "tool_calls", "input_required", "cancelled"]).nullable(),
    run_id: z.string(),
    message_id: z.string().nullable(),
    usage: usageAnswer.nullable(),
    model: z.string().nullable(),
    status: z.enum(["in_progress", "completed", "failed", "cancelled"]),
    pause: shownPauseAnswer.optional(),
    tool_calls: z.array(z.looseObject({ id: z.string() })).optional(),
    error: z.looseObject({ code: z.string() }).optional(),
  })
  .meta({ id: "ModelResponse" })

/** What the answer of a turn is shown from. `ended` is null while it is under way; `waiting`: it ended with a question. */
export type ModelResponseView = {
  readonly threadId: string
  readonly responseId: string
  readonly runId: string
  readonly ended: { readonly status: RunStatus; readonly usage: Usage; readonly result: RunResult } | null
}

/** What was said to a question and does not fit it: the question stays open. */
export type UnfitReplyView = {
  readonly threadId: string
  readonly runId: string
  readonly responseId: string
  readonly pause: Parameters<typeof presentOpenPause>[0]
  readonly complaint: JsonObject
}

/** The answer to it. */
export function presentUnfitReply({ threadId, runId, responseId, pause, complaint }: UnfitReplyView): JsonObject {
  return {
    success: true,
    thread_id: threadId,
    response_id: responseId,
    run_id: runId,
    response: [{ type: "text", text: pause.message ?? pause.title ?? "" }],
    is_summarized: false,
    stop_reason: "input_required",
    message_id: null,
    usage: null,
    model: null,
    status: "completed",
    pause: presentOpenPause(pause, complaint),
  }
}

/** The answer of a turn: of one that ended, or `in_progress` with nothing said. */
export function presentModelResponse(view: ModelResponseView): JsonObject {
  const { threadId, responseId, runId, ended } = view
  const ids = { thread_id: threadId, response_id: responseId, run_id: runId }
  if (ended === null) {
    return {
      success: true,
      ...ids,
      response: [],
      is_summarized: false,
      stop_reason: null,
      message_id: null,
      usage: null,
      model: null,
      status: "in_progress",
    }
  }
  const { status, usage, result } = ended
  const error = result.error === null ? null : errorObject(result.error, occasionOf(result))
  const pause = leadingPause(result.pauses ?? [])
  return {
    success: status !== "failed",
    ...ids,
    response: status === "failed" ? [] : [{ type: "text", text: result.text ?? "" }],
    is_summarized: result.isSummarized,
    stop_reason: result.stopReason,
    message_id: result.messageId,
    usage: presentUsage(usage),
    model: result.model,
    status: status === "waiting" ? "completed" : status,
    ...(pause === null ? {} : { pause: presentOpenPause(pause) }),
    ...(error === null ? {} : { error }),
  }
}

function occasionOf(result: RunResult): { traceId: string; atMs: number } {
  return { traceId: result.traceId, atMs: result.endedAtMs }
}

/** What ended an active turn (documented). */
export const cancelAnswer = z
  .object({
    success: z.literal(true),
    cancel_mode: z.enum(["quick_edit", "keep_partial"]),
    elapsed_seconds: z.number(),
    user_message_deleted: z.boolean(),
    assistant_response_deleted: z.boolean(),
    partial_content_saved: z.boolean(),
  })
  .meta({ id: "CancelStreamResponse" })

/** The error of a cancelled execution, as `execute` answers it (the HTTP contract, §1). */
export function cancelledError(result: RunResult, runId: string): JsonValue {
  const { message, systemMessage } = errorCatalogue.RUN_CANCELLED
  const details = { run_id: runId, cause_code: result.cancelCause }
  return errorObject({ code: "RUN_CANCELLED", message, systemMessage, details }, occasionOf(result))
}
