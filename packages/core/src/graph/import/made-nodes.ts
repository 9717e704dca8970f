/**
 * The nodes that importers write, as n8n spells their parameters: what stands on a node of a draft beside its name, id and
 * place. Nodes that talk to models are in `made-model-nodes.ts`.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import type { DraftNode } from "./draft.ts"
import { literalText, type Piece, quoteCode, templateCode, templateText } from "./expression-text.ts"

/** What a node does. */
export type MadeNode = Pick<DraftNode, "type" | "typeVersion" | "parameters"> &
  Partial<Pick<DraftNode, "disabled" | "credentials" | "imported" | "rules">>

const base = "n8n-nodes-base."

/** Where a chat turn begins. */
export function chatTriggerNode(): MadeNode {
  return { type: "@n8n/n8n-nodes-langchain.chatTrigger", typeVersion: 1.1, parameters: { options: {} } }
}

/** Passes on what it gets: stands for a step that has nothing to do here, so that the drawing stays the same. */
export function passNode(): MadeNode {
  return { type: `${base}noOp`, typeVersion: 1, parameters: {} }
}

/** A field that is written: a text of pieces, or the value of an expression. */
export type WrittenField = readonly [name: string, value: readonly Piece[] | { readonly code: string }]

/** Writes fields into the item; all that it had is gone, unless `keeps`. */
export function setNode(fields: readonly WrittenField[], options: { readonly keeps?: boolean } = {}): MadeNode {
  const includeOtherFields = options.keeps === true
  const known = fields.filter(([name]) => name !== "__proto__")
  const isText = known.every(([, value]) => !("code" in value))
  // Values that are no texts keep their types in an object; a list of fields would have to name each type.
  const parameters: JsonObject = isText
    ? { assignments: { assignments: known.map(assignment) }, includeOtherFields, options: {} }
    : { mode: "raw", jsonOutput: templateText([{ code: objectCode(known) }]), includeOtherFields, options: {} }
  return { type: `${base}set`, typeVersion: 3.4, parameters }
}

function assignment([name, value]: WrittenField): JsonObject {
  const text = "code" in value ? templateText([value]) : templateText(value)
  return { name: literalText(name), value: text, type: "string" }
}

/** The source of an object with these fields. */
export function objectCode(fields: readonly WrittenField[]): string {
  const entries = fields.map(([name, value]) => {
    return `${quoteCode(name)}: ${"code" in value ? value.code : templateCode(value)}`
  })
  return `{ ${entries.join(", ")} }`
}

/** A condition as n8n writes it: two values (texts of parameters) and an operator. */
export type MadeCondition = {
  readonly left: string
  readonly right: JsonValue
  readonly operator: { readonly type: string; readonly operation: string; readonly unary?: boolean }
}

/** Conditions and how they are joined. */
export type MadeConditions = { readonly all: readonly MadeCondition[]; readonly combinator: "and" | "or" }

/** A condition on the truth of an expression. */
export function truthOf(code: string): MadeCondition {
  return {
    left: templateText([{ code: `!!(${code})` }]),
    right: true,
    operator: { type: "boolean", operation: "true", unary: true },
  }
}

/** Output 0 where the conditions hold, output 1 where they do not. */
export function ifNode(conditions: MadeConditions): MadeNode {
  return { type: `${base}if`, typeVersion: 2.2, parameters: { conditions: filterOf(conditions), options: {} } }
}

/** An output for each set of conditions, the first that hold counts; behind them one for everything else. */
export function switchNode(rules: readonly (MadeConditions & { readonly name: string })[]): MadeNode {
  const values = rules.map(({ name, ...conditions }) => ({
    conditions: filterOf(conditions),
    ...(name === "" ? {} : { renameOutput: true, outputKey: literalText(name) }),
  }))
  const parameters = { rules: { values }, options: { fallbackOutput: "extra" } }
  return { type: `${base}switch`, typeVersion: 3.2, parameters }
}

function filterOf({ all, combinator }: MadeConditions): JsonObject {
  return {
    options: { caseSensitive: true, leftValue: "", typeValidation: "loose", version: 2 },
    combinator,
    conditions: all.map(({ left, right, operator: { type, operation, unary } }) => ({
      leftValue: left,
      rightValue: right,
      operator: { type, operation, ...(unary === true ? { singleValue: true } : {}) },
    })),
  }
}

/** JavaScript, run once for each item. */
export function codeNode(jsCode: string, options: { readonly once?: boolean } = {}): MadeNode {
  const mode = options.once === true ? "runOnceForAllItems" : "runOnceForEachItem"
  return { type: `${base}code`, typeVersion: 2, parameters: { mode, jsCode } }
}

/** Code of another language: it stays where it was and fails when it is reached. */
export function foreignCodeNode(language: string, code: string): MadeNode {
  const parameters = { mode: "runOnceForEachItem", language, pythonCode: code }
  return { type: `${base}code`, typeVersion: 2, parameters }
}

/** Ends the run with a message. */
export function stopNode(message: readonly Piece[]): MadeNode {
  return { type: `${base}stopAndError`, typeVersion: 1, parameters: { errorMessage: templateText(message) } }
}

/** Hands out items one by one: output 0 when all came back, output 1 for each. */
export function loopNode(): MadeNode {
  return { type: `${base}splitInBatches`, typeVersion: 3, parameters: { batchSize: 1, options: {} } }
}

/** A note on the canvas. */
export function noteNode(text: string, size: { readonly width?: number; readonly height?: number } = {}): MadeNode {
  const { width = 240, height = 160 } = size
  return { type: `${base}stickyNote`, typeVersion: 1, parameters: { content: literalText(text), width, height } }
}

/** Says something to the person chatting in the middle of a run. */
export function sayNode(message: readonly Piece[]): MadeNode {
  const parameters = { message: templateText(message), waitUserReply: false, options: {} }
  return { type: "@n8n/n8n-nodes-langchain.chat", typeVersion: 1, parameters }
}

/** Asks a person whether to go on; output 0 with `answer.decision`. */
export function approvalNode(title: string, message: readonly Piece[]): MadeNode {
  const parameters = { title: literalText(title), message: templateText(message), kind: "approval", audience: "chat" }
  return { type: "Ask", typeVersion: 1, parameters }
}

/** Whether the approval before it was given. */
export function approvedNode(): MadeNode {
  const left = templateText([{ code: "$json.answer?.decision" }])
  return ifNode({
    all: [{ left, right: "approve", operator: { type: "string", operation: "equals" } }],
    combinator: "and",
  })
}

/** A request as importers describe it; texts are of pieces. */
export type MadeRequest = {
  readonly method: string
  readonly url: readonly Piece[]
  readonly query: readonly (readonly [name: string, value: readonly Piece[]])[]
  readonly headers: readonly (readonly [name: string, value: readonly Piece[]])[]
  readonly body:
    | { readonly type: "none" }
    | { readonly type: "json" | "raw"; readonly text: readonly Piece[]; readonly contentType?: string }
    | {
        readonly type: "form-urlencoded" | "multipart-form-data"
        readonly fields: readonly (readonly [name: string, value: readonly Piece[]])[]
      }
  /** The type of the credential that the request needs; its secret is nowhere in the document. */
  readonly credential?: string
}

/** An HTTP request. Its item is the whole response: `body` as text, `statusCode`, `headers`. */
export function requestNode({ method, url, query, headers, body, credential }: MadeRequest): MadeNode {
  const parameters: JsonObject = {
    method: method.toUpperCase(),
    url: templateText(url),
    ...(credential === undefined ? {} : { authentication: "genericCredentialType", genericAuthType: credential }),
    ...(query.length === 0 ? {} : { sendQuery: true, queryParameters: { parameters: namedTexts(query) } }),
    ...(headers.length === 0 ? {} : { sendHeaders: true, headerParameters: { parameters: namedTexts(headers) } }),
    ...bodyParameters(body),
    options: { response: { response: { fullResponse: true, responseFormat: "text", outputPropertyName: "body" } } },
  }
  return { type: `${base}httpRequest`, typeVersion: 4.2, parameters }
}

function namedTexts(list: MadeRequest["headers"]): JsonValue {
  return list.map(([name, value]) => ({ name: literalText(name), value: templateText(value) }))
}

function bodyParameters(body: MadeRequest["body"]): JsonObject {
  if (body.type === "none") return {}
  if ("fields" in body) {
    return { sendBody: true, contentType: body.type, bodyParameters: { parameters: namedTexts(body.fields) } }
  }
  if (body.type === "json") {
    return { sendBody: true, contentType: "json", specifyBody: "json", jsonBody: templateText(body.text) }
  }
  const rawContentType = body.contentType ?? "text/plain"
  return { sendBody: true, contentType: "raw", rawContentType, body: templateText(body.text) }
}
