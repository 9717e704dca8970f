/**
 * A request to a webhook becomes a run: an owned, durable one like every other. The run is its own: whoever called may go
 * away, and it goes on.
 */
import { Refusal } from "@brevet/core/errors"
import { type BinaryFacts, binaryReference } from "@brevet/core/graph/binary"
import type { Item } from "@brevet/core/graph/items"
import { speakingNodes } from "@brevet/core/graph/streaming"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import { startedAnswer } from "@brevet/core/graph/triggers/run-answer"
import type { WebhookMethod } from "@brevet/core/graph/triggers/webhook-settings"
import type { Id } from "@brevet/core/ids"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { BinaryScope, NewBinary } from "../ports/binary-table.ts"
import type { Ports } from "../ports/context.ts"
import type { Listener } from "../ports/runs.ts"
import { makeNewRun } from "./new-run.ts"
import type { FoundTrigger, TriggerAddresses, TriggerPlace } from "./trigger-addresses.ts"
import { AnswerListener } from "./trigger-answers.ts"
import { ChunkStream } from "./trigger-chunks.ts"

/** What came with a request, as its item holds it. */
export type WebhookRequest = {
  readonly headers: JsonObject
  readonly query: JsonObject
  readonly body: JsonValue
  /** Of the token that let the caller in. */
  readonly claims: JsonObject | null
  /** The address that was called, without its query. */
  readonly url: string
  readonly files: readonly (NewBinary & { readonly name: string })[]
  readonly traceId: Id<"request">
}

/** What a call needs. `fileBytesMax`: that the files of one run may have together. */
export type WebhookPorts = {
  readonly ports: Ports
  readonly addresses: TriggerAddresses
  readonly fileBytesMax: number
}

/**
 * What comes of a call. `answer` null: the run goes on, and none came in time; `scope`: whose files its body may mean. A
 * stream is of a run that has begun.
 */
export type WebhookOutcome =
  | { readonly answer: TriggerAnswer | null; readonly scope: BinaryScope; readonly stream?: never }
  | { readonly stream: ChunkStream }

/** How often a call looks again for the trigger that it means. */
const attemptsMax = 5

/**
 * Starts a run and waits for what is to be answered. Throws ROUTE_NOT_FOUND where the address is gone meanwhile,
 * REQUEST_TOO_LARGE for files that are too large together, NODE_FAILED and RUN_CANCELLED where the run ended so before it
 * answered, and SERVICE_UNAVAILABLE.
 */
export async function callWebhook(
  { ports, addresses, fileBytesMax }: WebhookPorts,
  first: FoundTrigger,
  request: WebhookRequest,
): Promise<WebhookOutcome> {
  if (first.request.isTest) await stopListening(ports, first)
  let found = first
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { place } = found
    const scope = { organizationId: place.organizationId, runId: ports.ids.next("run") }
    const binary = await keepFiles(ports, scope, { files: request.files, fileBytesMax })
    const item: Item = { json: itemJson(found, request), ...(binary === null ? {} : { binary }) }
    const listening = listenerOf(ports, found)
    if (await start(ports, { found, scope, item, traceId: request.traceId, listener: listening.listener })) {
      if (listening.type === "stream") return { stream: listening.listener }
      return { answer: await answer(ports, { found, scope, listener: listening.listener }), scope }
    }
    // Something has changed since the address was looked up. One at which somebody listened is used up by now.
    const there = found.request.isTest ? null : await addresses.find(found.request)
    if (there !== null && there.type !== "trigger") throw new Refusal("ROUTE_NOT_FOUND")
    if (there !== null) found = there.found
  }
  throw new Refusal("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 })
}

/** The first request takes what a listener waited for. */
async function stopListening({ store }: Ports, { place }: FoundTrigger): Promise<void> {
  if (!(await store.triggers.clearListening(place.workflowId))) throw new Refusal("ROUTE_NOT_FOUND")
}

/** The files as the item refers to them; null where there are none. */
async function keepFiles(
  { store, clock }: Ports,
  scope: BinaryScope,
  { files, fileBytesMax }: { readonly files: WebhookRequest["files"]; readonly fileBytesMax: number },
): Promise<JsonObject | null> {
  if (files.length === 0) return null
  const kept: [string, JsonObject][] = []
  for (const { name, ...file } of files) {
    const record = await store.binaries.keep(scope, file, { runBytesMax: fileBytesMax, atMs: clock.nowMs() })
    if (record === null) throw new Refusal("REQUEST_TOO_LARGE")
    // The same bytes may come twice under two names: each keeps its own.
    const facts: BinaryFacts = { mimeType: file.mimeType, fileName: file.fileName }
    kept.push([name, binaryReference(record.id, record.bytes, facts)])
  }
  return Object.fromEntries(kept)
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

type Listening =
  | { readonly type: "answer"; readonly listener: AnswerListener }
  | { readonly type: "stream"; readonly listener: ChunkStream }

function listenerOf({ clock }: Ports, { place, request }: FoundTrigger): Listening {
  const { webhook, graph } = place
  if (webhook.response.when !== "streaming") return { type: "answer", listener: new AnswerListener(webhook) }
  const names = speakingNodes(graph)
  return { type: "stream", listener: new ChunkStream({ graph, names, isTest: request.isTest, clock }) }
}

/** A run and who listens to it. */
type Started<Hearing extends Listener> = {
  readonly found: FoundTrigger
  readonly scope: BinaryScope
  readonly listener: Hearing
}

async function start(
  ports: Ports,
  {
    found,
    scope,
    item,
    traceId,
    listener,
  }: Started<Listener> & { readonly item: Item; readonly traceId: Id<"request"> },
): Promise<boolean> {
  const { place, request } = found
  const run = makeNewRun({
    ...scope,
    workflowId: place.workflowId,
    version: place.version,
    graph: place.graph,
    start: place.node.name,
    items: [item],
    mode: request.isTest ? "manual" : "production",
    traceId,
    atMs: ports.clock.nowMs(),
    // What a listener waits for was looked up just now, and taken from it.
    generation: request.isTest ? null : place.generation,
    idempotency: null,
    trigger: {
      door: "webhook",
      output: outputOf(place, request.method),
      streaming: place.webhook.response.when === "streaming" ? speakingNodes(place.graph) : [],
    },
  })
  return (await ports.runs.start(run, { listener, commit: "effect" })) !== null
}

/** Of a webhook with an output for each method the place of this one. */
function outputOf({ webhook }: TriggerPlace, method: string): number {
  const index = webhook.methods.indexOf(method as WebhookMethod)
  return webhook.hasOutputPerMethod && index > 0 ? index : 0
}

async function answer(
  ports: Ports,
  { found, scope, listener }: Started<AnswerListener>,
): Promise<TriggerAnswer | null> {
  const { webhook } = found.place
  if (webhook.response.when === "immediately") return startedAnswer(webhook)
  return listener.wait(ports, {
    runId: scope.runId,
    waitMs: ports.settings.waitMs,
    isTest: found.request.isTest,
  })
}

/** The bytes of a file that an answer means; null where they are gone. */
export function readAnswerFile(
  { store }: Pick<Ports, "store">,
  scope: BinaryScope,
  id: string,
): Promise<Buffer | null> {
  return store.binaries.read(scope, id)
}
