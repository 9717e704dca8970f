/**
 * Answers of runs as HTTP. A workflow's author says what is in them, so that a browser gets them as a document of no origin
 * (`sandbox`): no script in them can use what a person has at this server's address.
 */
import { Refusal } from "@brevet/core/errors"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import type { FastifyReply } from "fastify"
import type { ChunkStream } from "../../services/trigger-chunks.ts"
import { jsonContentType } from "../envelope.ts"
import type { OpenStreams } from "../sse.ts"

/** What stands on every answer that a workflow makes. */
const answerHeaders = {
  "content-security-policy": "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
  "x-content-type-options": "nosniff",
} as const

/** Headers that a node may not set beside ours: they would take the sandbox away. */
const kept: ReadonlySet<string> = new Set(Object.keys(answerHeaders))

/** Sends an answer. `readFile` gives the bytes of the file that it means; null where they are gone. */
export async function sendTriggerAnswer(
  reply: FastifyReply,
  { status, headers, body }: TriggerAnswer,
  readFile: (id: string) => Promise<Buffer | null>,
): Promise<void> {
  const content = body.type === "file" ? await readFile(body.id) : null
  if (body.type === "file" && content === null) {
    throw new Refusal("NODE_FAILED", { message: "The file of the answer is no longer kept." })
  }
  reply.code(status).headers(answerHeaders)
  for (const [name, value] of headers) {
    const lower = name.toLowerCase()
    if (kept.has(lower)) continue
    // Every cookie is a header of its own; of everything else the last one counts.
    reply.header(lower, value)
  }
  switch (body.type) {
    case "none":
      return void reply.send()
    case "json":
      if (!reply.hasHeader("content-type")) reply.header("content-type", jsonContentType)
      return void reply.serializer(String).send(JSON.stringify(body.value))
    case "text":
      if (!reply.hasHeader("content-type")) reply.header("content-type", "text/html; charset=utf-8")
      return void reply.serializer(String).send(body.text)
    case "file":
      if (!reply.hasHeader("content-type")) reply.header("content-type", body.mimeType)
      return void reply.send(content)
  }
}

/** Sends a run as it goes: lines of JSON, declared as n8n declares them. */
export function sendTriggerStream(streams: OpenStreams, reply: FastifyReply, stream: ChunkStream): void {
  reply.hijack()
  const headers = {
    ...reply.getHeaders(),
    ...answerHeaders,
    "content-type": jsonContentType,
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  }
  streams.open(reply.raw, {
    headers,
    begin: (sink) => stream.attach({ write: (lines) => void sink.send(lines), end: () => sink.end() }),
  })
}

/** The answer where a run goes on and none of its own came in time. */
export const stillRunning: TriggerAnswer = {
  status: 202,
  headers: [],
  body: { type: "json", value: { message: "Workflow is still running" } },
}
