/**
 * Names of threads made from what was said first. The default model makes them where a provider is configured; where there
 * is none, or it fails or is slow, the title is cut from the first thing that the user said. A name is never worth a failed
 * call.
 */
import { textOfContent } from "@brevet/core/contract/messages"
import { cleanTitle, titleFromText } from "@brevet/core/contract/thread-title"
import { invalidFields } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import { type ModelEvent, ModelFailure, type ModelMessage } from "../ports/models.ts"
import type { ThreadRecord } from "../ports/thread-table.ts"
import { changeThread, getThread } from "./threads.ts"

/** Something said, as far as a name is made of it. */
export type SaidMessage = { readonly role: "user" | "assistant"; readonly content: string }

/** What a name is made of: the messages given, else (null) the thread's own. */
export type NameRequest = {
  readonly messages: readonly SaidMessage[] | null
  /** How long the model may take (milliseconds). */
  readonly modelWaitMs?: number
}

/** Messages that are looked at (documented). */
const messagesMax = 10
/** Characters of each that the model is shown. */
const shownLengthMax = 1_000
/** Characters of an answer after which nobody reads on: a title is short, or it is none. */
const answerLengthMax = 400
/** A user interface waits for the name: what takes longer is cut from the text instead (milliseconds). */
const modelWaitMsDefault = 10_000

const instructions =
  "Give this conversation a title of two to five words, at most 50 characters, in the language of the user. Say what " +
  "the user wants. Answer with the title alone: no quotes, no full stop, no explanation."

/** A title for what has nothing in it that could be read. */
const emptyTitle = "New conversation"

/**
 * Gives a thread a title made from the messages given, else from its own first ones (documented). Throws THREAD_NOT_FOUND,
 * and VALIDATION_ERROR where nothing was said yet.
 */
export async function generateThreadName(
  cx: Context,
  threadId: Id<"thread">,
  { messages, modelWaitMs = modelWaitMsDefault }: NameRequest,
): Promise<ThreadRecord> {
  await getThread(cx, threadId)
  const said = messages === null ? await readFirst(cx, threadId) : messages.slice(0, messagesMax)
  if (said.length === 0) {
    throw invalidFields([{ field: "messages", message: "are needed: the thread has none", code: "required" }])
  }
  const title = (await askModel(cx, said, modelWaitMs)) ?? titleOf(said)
  return changeThread(cx, { threadId }, (thread) => (thread.title === title ? {} : { title }))
}

async function readFirst(cx: Context, threadId: Id<"thread">): Promise<SaidMessage[]> {
  const records = await cx.store.messages.list(threadId, { direction: "asc", limit: messagesMax })
  return records.flatMap(({ role, content }) =>
    role === "user" || role === "assistant" ? [{ role, content: textOfContent(content) }] : [],
  )
}

/** Cut from the first message in which a user says something; else from the first in which anybody does. */
function titleOf(said: readonly SaidMessage[]): string {
  const users = said.filter(({ role }) => role === "user")
  for (const { content } of [...users, ...said]) {
    const title = titleFromText(content)
    if (title !== null) return title
  }
  return emptyTitle
}

/** The model's title; null where there is no model, or it fails, is slow or says nothing of use. */
async function askModel(cx: Context, said: readonly SaidMessage[], waitMs: number): Promise<string | null> {
  const isDemo = cx.models.providers().every((name) => name === "demo")
  if (isDemo) return null
  const transcript = said.map(({ role, content }) => `${role}: ${content.slice(0, shownLengthMax)}`).join("\n\n")
  const messages: readonly ModelMessage[] = [
    { role: "system", text: instructions },
    { role: "user", text: transcript },
  ]
  const signal = AbortSignal.timeout(waitMs)
  const model = cx.models.defaultModel()
  try {
    return cleanTitle(await readAnswer(cx.models.stream({ model, messages }, { signal })))
  } catch (error) {
    if (!(error instanceof ModelFailure) && error !== signal.reason) throw error
    const kind = error instanceof ModelFailure ? error.kind : "timeout"
    cx.log.warn({ model, kind, trace_id: cx.traceId }, "thread-name-model-failed")
    return null
  }
}

async function readAnswer(events: AsyncIterable<ModelEvent>): Promise<string> {
  let text = ""
  for await (const event of events) {
    if (event.type === "text") text += event.text
    if (text.length > answerLengthMax) break
  }
  return text
}
