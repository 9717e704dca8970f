/** What a webhook answers by itself: at once, or with what the last node put out (documented). */
import type { JsonValue } from "../../json.ts"
import { findBinary } from "../binary.ts"
import { parseFieldPath, readField } from "../field-path.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import type { AnswerBody, TriggerAnswer } from "./answer.ts"
import type { HeaderPair } from "./settings.ts"
import type { WebhookResponse, WebhookSettings } from "./webhook-settings.ts"

/** The documented body of an answer that is given at once. */
const startedBody: JsonValue = { message: "Workflow was started" }

/** The answer of a webhook that does not wait, and of one whose run ended without answering. */
export function startedAnswer({ status, headers, response }: WebhookSettings): TriggerAnswer {
  const body = response.when === "immediately" ? response.body : undefined
  if (body === null) return { status, headers, body: { type: "none" } }
  if (typeof body === "string") return { status, headers, body: { type: "text", text: body } }
  return { status, headers, body: { type: "json", value: body ?? startedBody } }
}

type LastNode = Extract<WebhookResponse, { when: "last-node" }>

/** The answer of a webhook that answers with these items of the last node. */
export function lastNodeAnswer(
  { status, headers }: Pick<WebhookSettings, "status" | "headers">,
  response: LastNode,
  items: readonly Item[],
): TriggerAnswer {
  switch (response.data) {
    case "noData":
      return { status, headers, body: { type: "none" } }
    case "allEntries":
      return { status, headers, body: { type: "json", value: items.map(({ json }) => json) as readonly JsonValue[] } }
    case "firstEntryBinary":
      return { status, headers, body: fileOf(response, items[0]) }
    case "firstEntryJson":
      return firstEntry({ status, headers }, response, items[0])
  }
}

function fileOf({ binaryName }: LastNode, item: Item | undefined): AnswerBody {
  const file = findBinary(item?.binary, binaryName)
  return file === null ? { type: "none" } : { type: "file", ...file }
}

/** The first item, or one field of it; with a content type of its own it is sent as text. */
function firstEntry(
  { status, headers }: Pick<WebhookSettings, "status" | "headers">,
  { propertyName, contentType }: LastNode,
  item: Item | undefined,
): TriggerAnswer {
  const path = propertyName === null ? null : parseFieldPath(propertyName)
  const value = path === null ? (item?.json ?? {}) : readField(item?.json ?? {}, path)
  if (contentType === null) return { status, headers, body: { type: "json", value: value ?? null } }
  const typed: HeaderPair = ["content-type", contentType]
  return { status, headers: [...headers, typed], body: { type: "text", text: asText(value) ?? "" } }
}
