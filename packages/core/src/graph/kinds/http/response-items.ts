/** What becomes of an answer: its form by the type that it names, and the items that it makes (recorded outcomes). Pure. */
import { findJsonFault, isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { type BinaryReference, bareType } from "../../binary.ts"
import type { Item } from "../../items.ts"
import { parseJson } from "../../value-types.ts"
import { boundItems } from "../item-bound.ts"
import { NodeFailure } from "../kind.ts"
import { feedEntries } from "./feed-items.ts"
import { checkGraphqlAnswer } from "./graphql-answer.ts"
import type { ResponseFormat, ResponsePlan } from "./request.ts"

/** What an answer holds. */
export type AnswerContent =
  | { readonly type: "empty" }
  | { readonly type: "json"; readonly value: JsonValue }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "file"; readonly file: BinaryReference }

/** An answer. Headers by their lower-case names; `set-cookie` is a list. */
export type HttpAnswer = {
  readonly status: number
  readonly statusText: string
  readonly headers: JsonObject
  readonly content: AnswerContent
}

/** In which form the body of an answer is read. */
export function answerForm(format: ResponseFormat, contentType: string | null): "json" | "text" | "file" {
  if (format !== "auto") return format
  const type = bareType(contentType ?? "")
  if (type === "" || type === "application/json" || type.endsWith("+json") || type === "text/json") {
    return type === "" ? "text" : "json"
  }
  const isText =
    type.startsWith("text/") || /\b(xml|html|javascript|x-www-form-urlencoded|yaml|graphql|x-ndjson)\b/.test(type)
  return isText ? "text" : "file"
}

/**
 * The JSON of an answer; of a node that never fails, nothing where it is none. Throws HTTP_ERROR otherwise, and where it
 * cannot be worked with.
 */
export function readJsonAnswer(text: string, { neverFails }: Pick<ResponsePlan, "neverFails">): AnswerContent {
  if (text.trim() === "") return { type: "empty" }
  const value = parseJson(text)
  if (value === undefined && neverFails) return { type: "empty" }
  if (value === undefined) {
    const message = 'The answer is not valid JSON. Change "Response Format" to "Text".'
    throw new NodeFailure("HTTP_ERROR", message)
  }
  const fault = findJsonFault(value)
  if (fault !== null) throw new NodeFailure("HTTP_ERROR", `The JSON of the answer cannot be used: ${fault.reason}.`)
  return { type: "json", value: value as JsonValue }
}

/**
 * The items of an answer, with the lineage of the item that asked. Throws RUN_ITEMS_EXCEEDED, and HTTP_ERROR for an answer
 * of GraphQL that tells of errors and for what should be a feed and is none.
 */
export function answerItems(plan: ResponsePlan, answer: HttpAnswer, itemIndex: number): readonly Item[] {
  const pairedItem = { item: itemIndex }
  if (plan.holds === "feed") {
    const text = answer.content.type === "text" ? answer.content.text : ""
    const entries = feedEntries(text)
    boundItems(entries.length)
    return entries.map((json) => ({ json, pairedItem }))
  }
  if (plan.holds === "graphql" && answer.content.type === "json") checkGraphqlAnswer(answer.content.value)
  const rest: JsonObject = plan.isFull ? headOf(answer) : {}
  const { content } = answer
  switch (content.type) {
    case "empty":
      return [{ json: rest, pairedItem }]
    case "text":
      return [{ json: { ...rest, [plan.field]: content.text }, pairedItem }]
    case "file":
      return [{ json: rest, binary: { [plan.field]: content.file }, pairedItem }]
    case "json":
      if (plan.isFull) return [{ json: { body: content.value, ...rest }, pairedItem }]
      return entriesOf(content.value).map((entry) => ({ json: objectOf(entry), pairedItem }))
  }
}

/** What expressions see of an answer as `$response`. */
export function answerAsData(answer: HttpAnswer): JsonObject {
  const { content } = answer
  const body = content.type === "json" ? content.value : content.type === "text" ? content.text : {}
  return { body, ...headOf(answer) }
}

/** True where an answer brings nothing: no body, or an empty text, list or object. */
export function isEmptyAnswer({ content }: HttpAnswer): boolean {
  if (content.type === "empty") return true
  if (content.type === "text") return content.text === ""
  if (content.type === "file") return content.file.bytes === 0
  const { value } = content
  if (Array.isArray(value)) return value.length === 0
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0)
}

function headOf({ headers, status, statusText }: HttpAnswer): JsonObject {
  return { headers, statusCode: status, statusMessage: statusText }
}

function entriesOf(value: JsonValue): readonly JsonValue[] {
  if (!Array.isArray(value)) return [value]
  boundItems(value.length)
  return value
}

/** An item holds an object (ours, where n8n lets anything be one): a value alone stands under `data`. */
function objectOf(value: JsonValue): JsonObject {
  if (isJsonObject(value)) return value
  return value === null ? {} : { data: value }
}

/** The failure of an answer whose status says so. `text`: of its body, secrets taken out. */
export function statusFailure(answer: Pick<HttpAnswer, "status" | "statusText">, text: string): NodeFailure {
  const { status, statusText } = answer
  const shown = text.length > bodyCharsMax ? `${text.slice(0, bodyCharsMax)}…` : text
  return new NodeFailure("HTTP_ERROR", `${status} - ${JSON.stringify(shown)}`, {
    details: { status, status_text: statusText },
  })
}

/** Characters of an answer that a failure repeats (ours). */
const bodyCharsMax = 1_000
