/** Requests to webhooks: the item of a request, and what it is answered. */
import { speakingNodes } from "@brevet/core/graph/streaming"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import { lastNodeAnswer, startedAnswer } from "@brevet/core/graph/triggers/run-answer"
import type { WebhookMethod, WebhookSettings } from "@brevet/core/graph/triggers/webhook-settings"
import type { Id } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { BinaryScope } from "../ports/binary-table.ts"
import type { FoundTrigger, TriggerPlace } from "./trigger-addresses.ts"
import { AnswerListener } from "./trigger-answers.ts"
import { ChunkStream } from "./trigger-chunks.ts"
import { type NamedFile, startTriggered, type Triggered, type TriggerPorts } from "./trigger-runs.ts"

/** What came with a request, as its item holds it. */
export type WebhookRequest = {
  readonly headers: JsonObject
  readonly query: JsonObject
  readonly body: JsonValue
  /** Of the token that let the caller in. */
  readonly claims: JsonObject | null
  /** The address that was called, without its query. */
  readonly url: string
  readonly files: readonly NamedFile[]
  readonly traceId: Id<"request">
}

/**
 * What comes of a call. `answer` null: the run goes on, and none came in time; `scope`: whose files its body may mean. A
 * stream is of a run that has begun.
 */
export type WebhookOutcome =
  | { readonly answer: TriggerAnswer | null; readonly scope: BinaryScope; readonly stream?: never }
  | { readonly stream: ChunkStream }

/**
 * Starts a run and waits for what is to be answered. Throws what `startTriggered` throws, and NODE_FAILED and RUN_CANCELLED
 * where the run ended so before it answered.
 */
export async function callWebhook(
  triggers: TriggerPorts,
  first: FoundTrigger,
  request: WebhookRequest,
): Promise<WebhookOutcome> {
  const call = {
    traceId: request.traceId,
    files: request.files,
    json: (found: FoundTrigger) => itemJson(found, request),
    output: ({ place, request: { method } }: FoundTrigger) => outputOf(webhookOf(place), method),
  }
  const { clock } = triggers.ports
  if (webhookOf(first.place).response.when === "streaming") {
    const { listener } = await startTriggered(triggers, first, {
      ...call,
      listener: ({ place: { graph }, request: { isTest } }) =>
        new ChunkStream({ graph, names: speakingNodes(graph), isTest, clock }),
      streaming: ({ place }) => speakingNodes(place.graph),
    })
    return { stream: listener }
  }
  const triggered = await startTriggered(triggers, first, {
    ...call,
    listener: ({ place }) => new AnswerListener({ takesAnswers: webhookOf(place).response.when === "node" }),
    streaming: () => [],
  })
  return { answer: await answer(triggers, triggered), scope: triggered.scope }
}

/** The settings of a webhook's place. */
export function webhookOf({ settings }: TriggerPlace): WebhookSettings {
  if (settings.door !== "webhook") throw new Error("the trigger is no webhook")
  return settings.webhook
}

/** The item of a webhook (documented). */
function itemJson({ parameters, request: { isTest } }: FoundTrigger, request: WebhookRequest): JsonObject {
  const { headers, query, body, url, claims } = request
  const executionMode = isTest ? "test" : "production"
  return {
    headers,
    params: parameters,
    query,
    body,
    webhookUrl: url,
    executionMode,
    ...(claims === null ? {} : { jwtPayload: claims }),
  }
}

/** Of a webhook with an output for each method the place of this one. */
function outputOf({ methods, hasOutputPerMethod }: WebhookSettings, method: string): number {
  const index = methods.indexOf(method as WebhookMethod)
  return hasOutputPerMethod && index > 0 ? index : 0
}

async function answer(
  { ports }: TriggerPorts,
  { found, scope, listener }: Triggered<AnswerListener>,
): Promise<TriggerAnswer | null> {
  const webhook = webhookOf(found.place)
  const { response } = webhook
  if (response.when === "immediately") return startedAnswer(webhook)
  const { isTest } = found.request
  const heard = await listener.wait(ports, { runId: scope.runId, waitMs: ports.settings.waitMs, isTest })
  if (heard?.type !== "completed") return heard?.answer ?? null
  return response.when === "last-node" ? lastNodeAnswer(webhook, response, heard.items) : startedAnswer(webhook)
}
