/** Pauses on the wire (the HTTP contract, §6; ours). Times are ISO 8601. */
import { z } from "zod"
import type { PauseChoice, PauseKind, RunPause } from "../graph/pauses/pause.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import { toIso, toIsoOrNull } from "../time.ts"

/** The statuses of a pause. */
export const pauseStatuses = ["open", "answered", "expired", "cancelled"] as const

/** A status of a pause. */
export type PauseStatus = (typeof pauseStatuses)[number]

const pauseKinds = ["question", "form", "approval", "tool", "webhook", "timer"] as const satisfies readonly PauseKind[]
const choiceAnswer = z.object({ value: z.unknown(), label: z.string() })

/** A pause. `answer_url` and `webhook_url` are shown to keys with `runs:write` only. */
export const pauseAnswer = z
  .object({
    id: z.string(),
    run_id: z.string(),
    thread_id: z.string().nullable(),
    node: z.string(),
    kind: z.enum(pauseKinds),
    audience: z.enum(["chat", "others"]),
    title: z.string().nullable(),
    message: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()).nullable(),
    choices: z.array(choiceAnswer).optional(),
    status: z.enum(pauseStatuses),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    answered_at: z.string().nullable(),
    answered_by: z.string().nullable(),
    answer: z.unknown(),
    answer_url: z.string().optional(),
    webhook_url: z.string().optional(),
  })
  .meta({ id: "Pause" })

/** What a pause is shown from. */
export type PauseView = {
  readonly id: string
  readonly runId: string
  readonly threadId: string | null
  readonly node: string
  readonly kind: PauseKind
  readonly audience: "chat" | "others"
  readonly title: string | null
  readonly message: string | null
  readonly schema: JsonObject | null
  readonly choices: readonly PauseChoice[] | null
  readonly status: PauseStatus
  readonly createdAtMs: number
  readonly expiresAtMs: number | null
  readonly answeredAtMs: number | null
  readonly answeredBy: string | null
  readonly answer: JsonValue
}

/** A pause in wire form. `link`: where it can be answered without a key; null where the caller is not told. */
export function presentPause(pause: PauseView, link: string | null): JsonObject {
  const isWebhook = pause.kind === "webhook"
  return {
    id: pause.id,
    run_id: pause.runId,
    thread_id: pause.threadId,
    node: pause.node,
    kind: pause.kind,
    audience: pause.audience,
    title: pause.title,
    message: pause.message,
    schema: pause.schema,
    ...(pause.choices === null ? {} : { choices: pause.choices.map(presentChoice) }),
    status: pause.status,
    created_at: toIso(pause.createdAtMs),
    expires_at: toIsoOrNull(pause.expiresAtMs),
    answered_at: toIsoOrNull(pause.status === "answered" ? pause.answeredAtMs : null),
    answered_by: pause.answeredBy,
    answer: pause.answer,
    ...(link === null ? {} : { [isWebhook ? "webhook_url" : "answer_url"]: link }),
  }
}

function presentChoice({ value, label }: PauseChoice): JsonObject {
  return { value, label }
}

/** A pause as answers of turns and frames show it. */
export const shownPauseAnswer = z
  .looseObject({
    id: z.string(),
    kind: z.enum(pauseKinds),
    audience: z.enum(["chat", "others"]),
    title: z.string().nullable(),
  })
  .meta({ id: "OpenPause" })

/** A pause within a conversation: of one for others no more than that it is there. `error`: why the last answer did not fit. */
export function presentOpenPause(
  pause: Pick<RunPause, "id" | "kind" | "audience" | "title" | "message" | "schema" | "choices" | "expiresAtMs">,
  error: JsonObject | null = null,
): JsonObject {
  const { id, kind, audience, title } = pause
  if (audience === "others") return { id, kind, audience, title }
  return {
    id,
    kind,
    audience,
    title,
    message: pause.message,
    schema: pause.schema,
    choices: pause.choices?.map(presentChoice) ?? null,
    expires_at: toIsoOrNull(pause.expiresAtMs),
    ...(error === null ? {} : { error }),
  }
}

/** The pause that an answer shows of several: the oldest for the chat, else the oldest. */
export function leadingPause<Pause extends { readonly audience: "chat" | "others" }>(
  pauses: readonly Pause[],
): Pause | null {
  return pauses.find(({ audience }) => audience === "chat") ?? pauses[0] ?? null
}
