/**
 * A request to an address becomes a run: an owned, durable one like every other. The run is its own: whoever called may go
 * away, and it goes on.
 */
import { Refusal } from "@brevet/core/errors"
import { type BinaryFacts, binaryReference } from "@brevet/core/graph/binary"
import type { Item } from "@brevet/core/graph/items"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { BinaryScope, NewBinary } from "../ports/binary-table.ts"
import type { Ports } from "../ports/context.ts"
import type { Listener } from "../ports/runs.ts"
import { makeNewRun } from "./new-run.ts"
import type { FoundTrigger, TriggerAddresses } from "./trigger-addresses.ts"

/** What requests to addresses need. `fileBytesMax`: that the files of one run may have together. */
export type TriggerPorts = {
  readonly ports: Ports
  readonly addresses: TriggerAddresses
  readonly fileBytesMax: number
}

/** A file that came with a request, and the field of the item's `binary` that it is for. */
export type NamedFile = NewBinary & { readonly name: string }

/** What is to run, told anew should the trigger have changed before it could be started. */
export type TriggerCall<Hearing extends Listener> = {
  readonly traceId: Id<"request">
  readonly files: readonly NamedFile[]
  json(found: FoundTrigger): JsonObject
  listener(found: FoundTrigger): Hearing
  /** Which of the node's outputs gets the item. */
  output(found: FoundTrigger): number
  /** The nodes whose text is shown while it comes. */
  streaming(found: FoundTrigger): readonly string[]
}

/** A run that has begun, and who listens to it. `scope`: whose files an answer may mean. */
export type Triggered<Hearing extends Listener> = {
  readonly found: FoundTrigger
  readonly scope: BinaryScope
  readonly listener: Hearing
}

/** How often is looked again for the trigger that a request means. */
const attemptsMax = 5

/**
 * Starts a run. Throws ROUTE_NOT_FOUND where the address is gone meanwhile, REQUEST_TOO_LARGE for files that are too large
 * together, and SERVICE_UNAVAILABLE.
 */
export async function startTriggered<Hearing extends Listener>(
  { ports, addresses, fileBytesMax }: TriggerPorts,
  first: FoundTrigger,
  call: TriggerCall<Hearing>,
): Promise<Triggered<Hearing>> {
  if (first.request.isTest) await stopListening(ports, first)
  let found = first
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const scope = { organizationId: found.place.organizationId, runId: ports.ids.next("run") }
    const binary = await keepFiles(ports, scope, { files: call.files, fileBytesMax })
    const item: Item = { json: call.json(found), ...(binary === null ? {} : { binary }) }
    const triggered = { found, scope, listener: call.listener(found) }
    if (await start(ports, triggered, { call, item })) return triggered
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
  { files, fileBytesMax }: { readonly files: readonly NamedFile[]; readonly fileBytesMax: number },
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

async function start<Hearing extends Listener>(
  ports: Ports,
  { found, scope, listener }: Triggered<Hearing>,
  { call, item }: { readonly call: TriggerCall<Hearing>; readonly item: Item },
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
    traceId: call.traceId,
    atMs: ports.clock.nowMs(),
    // What a listener waits for was looked up just now, and taken from it.
    generation: request.isTest ? null : place.generation,
    idempotency: null,
    trigger: { door: place.settings.door, output: call.output(found), streaming: call.streaming(found) },
  })
  return (await ports.runs.start(run, { listener, commit: "effect" })) !== null
}

/** The bytes of a file that an answer means; null where they are gone. */
export function readAnswerFile(
  { store }: Pick<Ports, "store">,
  scope: BinaryScope,
  id: string,
): Promise<Buffer | null> {
  return store.binaries.read(scope, id)
}
