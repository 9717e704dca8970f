/** Forms: their pages, and what somebody sent with one. */
import { Refusal } from "@brevet/core/errors"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import { type FormState, renderForm, renderMessage } from "@brevet/core/graph/triggers/form-page"
import type { FormField, FormSettings } from "@brevet/core/graph/triggers/form-settings"
import {
  checkSubmission,
  fileKeyOf,
  type SentFields,
  submissionJson,
} from "@brevet/core/graph/triggers/form-submission"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { BinaryScope, NewBinary } from "../ports/binary-table.ts"
import type { FoundTrigger, TriggerPlace } from "./trigger-addresses.ts"
import { AnswerListener } from "./trigger-answers.ts"
import { type NamedFile, startTriggered, type Triggered, type TriggerPorts } from "./trigger-runs.ts"

/** What somebody sent: texts and files by the names of the page's inputs. */
export type FormRequest = {
  readonly texts: ReadonlyMap<string, readonly string[]>
  readonly files: ReadonlyMap<string, readonly NewBinary[]>
  readonly query: JsonObject
  readonly traceId: Id<"request">
}

/** What is shown then: a page, a way on, or what a node answers. */
export type FormOutcome =
  | { readonly type: "page"; readonly status: number; readonly html: string }
  | { readonly type: "redirect"; readonly url: string }
  | { readonly type: "answer"; readonly answer: TriggerAnswer; readonly scope: BinaryScope }

/** The settings of a form's place. */
export function formOf({ settings }: TriggerPlace): FormSettings {
  if (settings.door !== "form") throw new Error("the trigger is no form")
  return settings.form
}

/** The page of a form; `query`: what stands in fields of that name or label at first (documented). */
export function showForm({ place }: FoundTrigger, query: JsonObject): string {
  const form = formOf(place)
  const fields = form.fields.map((field) => filledIn(field, query))
  return renderForm({ ...form, fields }, { values: null, faults: [] })
}

function filledIn(field: FormField, query: JsonObject): FormField {
  const given = field.key !== null && Object.hasOwn(query, field.key) ? query[field.key] : undefined
  const texts = (Array.isArray(given) ? given : [given]).filter((text): text is string => typeof text === "string")
  if (texts.length === 0 || field.type === "html" || field.type === "password") return field
  return field.type === "hidden" ? { ...field, content: texts[0] ?? "" } : { ...field, initial: texts }
}

/**
 * Takes a form: what is wrong is shown with the form, else a run begins. Throws what `startTriggered` throws, NODE_FAILED
 * and RUN_CANCELLED where the run ended so while it was waited for.
 */
export async function submitForm(
  triggers: TriggerPorts,
  first: FoundTrigger,
  request: FormRequest,
): Promise<FormOutcome> {
  const sent = sentOf(request)
  const state: FormState = { values: request.texts, faults: checkSubmission(formOf(first.place), sent) }
  if (state.faults.length > 0) return { type: "page", status: 422, html: renderForm(formOf(first.place), state) }
  const triggered = await startTriggered(triggers, first, {
    traceId: request.traceId,
    files: filesOf(formOf(first.place), request),
    json: ({ place, request: { isTest } }) =>
      submissionJson(formOf(place), sent, {
        atMs: triggers.ports.clock.nowMs(),
        mode: isTest ? "test" : "production",
        query: request.query,
      }),
    listener: ({ place }) => new AnswerListener({ takesAnswers: formOf(place).response.when === "node" }),
    output: () => 0,
    streaming: () => [],
  })
  return answer(triggers, triggered)
}

function sentOf({ texts, files }: FormRequest): SentFields {
  const shown = [...files].map(([input, list]) => {
    const facts = list.map(({ fileName, mimeType, content }) => ({ fileName, mimeType, bytes: content.byteLength }))
    return [input, facts] as const
  })
  return { texts, files: new Map(shown) }
}

/** Files of inputs that the form has; whatever else was sent is nobody's. */
function filesOf({ fields }: FormSettings, { files }: FormRequest): readonly NamedFile[] {
  return fields.flatMap((field) =>
    field.type === "file"
      ? (files.get(field.input) ?? []).map((file, index) => ({ ...file, name: fileKeyOf(field, index) }))
      : [],
  )
}

async function answer(
  { ports }: TriggerPorts,
  { found, scope, listener }: Triggered<AnswerListener>,
): Promise<FormOutcome> {
  const form = formOf(found.place)
  const { response } = form
  if (response.when === "immediately") return done(form)
  const { isTest } = found.request
  const heard = await listener.wait(ports, { runId: scope.runId, waitMs: ports.settings.waitMs, isTest })
  return heard?.type === "answer" ? { type: "answer", answer: heard.answer, scope } : done(form)
}

function done({ response, css }: FormSettings): FormOutcome {
  if (response.when === "node")
    return { type: "page", status: 200, html: message({ title: "Form submitted", text: "", css }) }
  if (response.redirect !== null) return { type: "redirect", url: response.redirect }
  return { type: "page", status: 200, html: message({ title: "Form submitted", text: response.text, css }) }
}

function message({
  title,
  text,
  css,
}: {
  readonly title: string
  readonly text: string
  readonly css: string
}): string {
  return renderMessage({ title, message: text, role: "status", css })
}

/** The page that says what went wrong, for people; nothing of a fault of ours but the trace id. */
export function troublePage(error: unknown, traceId: string): { readonly status: number; readonly html: string } {
  const isKnown = error instanceof Refusal && error.code !== "INTERNAL_ERROR"
  const title = isKnown && error.code === "ROUTE_NOT_FOUND" ? "This form is not there" : "This did not work"
  const words = isKnown && error.code !== "ROUTE_NOT_FOUND" ? error.message : ""
  const text = [words, isKnown ? "" : `If you tell somebody about it, name this: ${traceId}`].filter(
    (line) => line !== "",
  )
  const html = renderMessage({ title, message: text.join("\n"), role: "alert" })
  return { status: isKnown ? error.status : 500, html }
}
