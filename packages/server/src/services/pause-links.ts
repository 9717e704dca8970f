/**
 * Links at which a pause can be answered without a key: signed, for one pause and one purpose, until an instant.
 *
 *     token = base64url( pause (16 bytes) | until, seconds (6 bytes) | signature (32 bytes) )
 *
 * The signature is an HMAC over purpose, pause, audience and instant, compared in constant time. A link says nothing of its
 * own about a pause: what became of that is in its record, so that a link is dead once the pause was left.
 */

import { Refusal } from "@brevet/core/errors"
import type { ReadPauseAnswer } from "@brevet/core/graph/pauses/answers"
import { readAnswerFields, readAnswerText, readAnswerValue } from "@brevet/core/graph/pauses/answers"
import { type Id, idFrom } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { Ports } from "../ports/context.ts"
import type { PauseRecord } from "../ports/pause-table.ts"
import type { Secrets } from "../ports/secrets.ts"
import { bringAnswer } from "./pauses.ts"

/** What links need beside the ports. */
export type LinkPorts = Pick<Ports, "store" | "ids" | "runs" | "clock"> & {
  readonly secrets: Pick<Secrets, "sign" | "isSignature">
  /** The address that is handed out, without a slash at its end. */
  readonly publicUrl: () => string
}

/** What a link is for: the page with its form, or the address that a program calls. */
export type LinkPurpose = "answer" | "webhook"

/** A link is good until its pause expires; where that never does, for at least so long from the day on which it is shown. */
const daysKept = 30
const dayMs = 86_400_000
const idBytes = 16
const untilBytes = 6
const signatureBytes = 32

/** The path of each purpose's links. */
export const linkPaths = { answer: "/answer", webhook: "/webhook-waiting" } as const

/** Who answers a page's form, as it is shown. */
const answeredByLink = "somebody with the link"

/** The link of a pause; null for one that takes no answer, or that was left. */
export function linkOf(ports: LinkPorts, pause: PauseRecord): string | null {
  if (pause.status !== "open" || pause.kind === "timer" || pause.kind === "tool") return null
  const purpose: LinkPurpose = pause.kind === "webhook" ? "webhook" : "answer"
  const lastMs = pause.expiresAtMs ?? (Math.ceil(ports.clock.nowMs() / dayMs) + daysKept) * dayMs
  return `${ports.publicUrl()}${linkPaths[purpose]}/${tokenOf(ports, { pause, purpose, untilS: Math.ceil(lastMs / 1_000) })}`
}

type Claim = {
  readonly pause: Pick<PauseRecord, "id" | "audience">
  readonly purpose: LinkPurpose
  readonly untilS: number
}

function tokenOf({ secrets }: LinkPorts, claim: Claim): string {
  const head = Buffer.alloc(idBytes + untilBytes)
  head.write(claim.pause.id.slice(-2 * idBytes), "hex")
  head.writeUIntBE(claim.untilS, idBytes, untilBytes)
  return Buffer.concat([head, secrets.sign(signedText(claim))]).toString("base64url")
}

function signedText({ pause, purpose, untilS }: Claim): string {
  return `pause ${purpose} ${pause.id} ${pause.audience} ${untilS}`
}

/** The pause that a link is for; null where it is no good link, or its time has passed. */
export async function findLinked(ports: LinkPorts, token: string, purpose: LinkPurpose): Promise<PauseRecord | null> {
  const bytes = /^[\w-]{20,200}$/.test(token) ? Buffer.from(token, "base64url") : Buffer.alloc(0)
  const isWhole = bytes.length === idBytes + untilBytes + signatureBytes && bytes.toString("base64url") === token
  if (!isWhole) return null
  const id = idFrom("pause", bytes.subarray(0, idBytes).toString("hex")) as Id<"pause">
  const untilS = bytes.readUIntBE(idBytes, untilBytes)
  const signature = bytes.subarray(idBytes + untilBytes)
  const isSound = (["chat", "others"] as const).some((audience) =>
    ports.secrets.isSignature(signature, signedText({ pause: { id, audience }, purpose, untilS })),
  )
  if (!isSound) return null
  const pause = await ports.store.pauses.findLinked(id)
  if (pause === null) return null
  const isOwn = ports.secrets.isSignature(signature, signedText({ pause, purpose, untilS }))
  // A pause that was left, or whose time has passed, says so itself for as long as there is a link to it.
  const isOver = pause.status === "open" && pause.expiresAtMs === null && untilS * 1_000 < ports.clock.nowMs()
  return isOwn && !isOver ? pause : null
}

/** What became of a form that was sent. `refused`: it does not fit, or the pause was left meanwhile. */
export type LinkedAnswer =
  | { readonly type: "answered"; readonly pause: PauseRecord }
  | { readonly type: "unfit"; readonly faults: Extract<ReadPauseAnswer, { fits: false }>["faults"] }
  | { readonly type: "left"; readonly pause: PauseRecord }

/** Answers a pause with the fields of its page's form. */
export async function answerLinked(
  ports: LinkPorts,
  pause: PauseRecord,
  fields: ReadonlyMap<string, string>,
): Promise<LinkedAnswer> {
  const read = readFields(pause, fields)
  if (!read.fits && pause.status === "open") return { type: "unfit", faults: read.faults }
  if (!read.fits) return { type: "left", pause }
  try {
    const reply = { answer: read.value, by: answeredByLink, via: "link" } as const
    return { type: "answered", pause: await bringAnswer(ports, pause, reply) }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === "SERVICE_UNAVAILABLE") throw error
    return { type: "left", pause: (await ports.store.pauses.findLinked(pause.id)) ?? pause }
  }
}

function readFields(pause: PauseRecord, fields: ReadonlyMap<string, string>): ReadPauseAnswer {
  if (pause.kind === "question") return readAnswerText(pause, fields.get("answer") ?? "")
  const schema = pause.schema ?? {}
  // A form without a schema of fields is filled in as JSON.
  return schema.properties === undefined
    ? readAnswerText({ schema: { ...schema, type: "object" }, choices: null }, fields.get("answer") ?? "")
    : readAnswerFields(schema, fields)
}

/** A request to the address of a pause. */
export type LinkedRequest = {
  readonly method: string
  readonly headers: JsonObject
  readonly query: JsonObject
  readonly body: JsonObject[string]
}

/** Takes a request for the answer. Throws PAUSE_NOT_FOUND, METHOD_NOT_ALLOWED and what `bringAnswer` throws. */
export async function answerRequest(ports: LinkPorts, token: string, request: LinkedRequest): Promise<void> {
  const pause = await findLinked(ports, token, "webhook")
  if (pause === null) throw new Refusal("PAUSE_NOT_FOUND")
  if (request.method !== pause.details.method) throw new Refusal("METHOD_NOT_ALLOWED")
  const { method, headers, query, body } = request
  const answer = { method, headers, query, body }
  if (!readAnswerValue(pause, answer).fits) throw new Refusal("PAUSE_ANSWER_INVALID")
  await bringAnswer(ports, pause, { answer, by: "a request to its address", via: "webhook" })
}
