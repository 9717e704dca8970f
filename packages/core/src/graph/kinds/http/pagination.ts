/**
 * Pages: what an HTTP Request node asks next, and when it has asked enough (documented settings). Pure; the expressions of
 * these settings see `$pageCount`, `$response` (the answer before) and `$request`.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { resolveParameter } from "../../expression/evaluate.ts"
import type { Exchange } from "../../expression/scope.ts"
import { editFields, parseFieldPath } from "../../field-path.ts"
import { asBoolean, asJson, asNumber, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import { addressOf, type HttpRequest, type Pair } from "./request.ts"
import { rawOption, readUrl } from "./request-settings.ts"
import { answerAsData, type HttpAnswer, isEmptyAnswer } from "./response-items.ts"

/** A node's pagination for one item. */
export type Pagination = {
  /** The request of the next page. `answer`: the one before, null for the first. Throws NODE_SETTINGS_INVALID. */
  next(request: HttpRequest, page: Page): HttpRequest
  /** Whether no page comes after an answer. */
  isComplete(request: HttpRequest, page: Page): boolean
  /** An answer of this status ends the pages, and is no failure. */
  endsWith(status: number): boolean
  readonly pagesMax: number
  readonly intervalMs: number
}

/** Where the pages are: how many were asked for before this one, and the last answer. */
export type Page = { readonly count: number; readonly answer: HttpAnswer | null }

/** Pages of one item (ours): a condition that never holds must end somewhere. */
const pagesMax = 10_000

/** The pagination of a node; null where it asks once. */
export function readPagination(context: KindContext, itemIndex: number): Pagination | null {
  const settings = rawOption(context.node.parameters, "pagination")
  const says = (name: string): unknown => context.resolve(settings[name] ?? null, itemIndex) ?? undefined
  const mode = says("paginationMode") ?? "updateAParameterInEachRequest"
  if (Object.keys(settings).length === 0 || mode === "off") return null
  const resolve = (value: JsonValue | undefined, exchange: Exchange): unknown =>
    value === undefined ? undefined : resolveParameter(value, { ...context.scope(itemIndex), exchange })
  const until = says("paginationCompleteWhen") ?? "responseIsEmpty"
  const statuses = until === "receiveSpecificStatusCodes" ? readStatuses(says("statusCodesWhenComplete")) : []
  const limit = asBoolean(says("limitPagesFetched")) === true ? (asNumber(says("maxRequests")) ?? 100) : pagesMax
  return {
    next(request, page) {
      if (mode === "responseContainsNextURL") {
        return page.answer === null ? request : withUrl(request, resolve(settings.nextURL, exchangeOf(request, page)))
      }
      return withParameters(request, listOf(settings), (value) => resolve(value, exchangeOf(request, page)))
    },
    isComplete(request, page) {
      if (page.answer === null) return false
      if (until === "other") return asBoolean(resolve(settings.completeExpression, exchangeOf(request, page))) === true
      return statuses.length > 0 ? statuses.includes(page.answer.status) : isEmptyAnswer(page.answer)
    },
    endsWith: (status) => statuses.includes(status),
    pagesMax: Math.min(pagesMax, Math.max(1, limit)),
    intervalMs: Math.max(0, asNumber(says("requestInterval")) ?? 0),
  }
}

function readStatuses(value: unknown): readonly number[] {
  return (asText(value) ?? "").split(",").map(Number).filter(Number.isInteger)
}

function exchangeOf(request: HttpRequest, { count, answer }: Page): Exchange {
  const { method, url, query, headers } = request
  return {
    pageCount: count,
    response: answer === null ? {} : answerAsData(answer),
    request: {
      method,
      url: addressOf({ url, query }),
      headers: Object.fromEntries(headers),
      qs: Object.fromEntries(query),
    },
  }
}

type Parameter = { readonly type: string; readonly name: JsonValue | undefined; readonly value: JsonValue | undefined }

function listOf(settings: JsonObject): readonly Parameter[] {
  const list = isJsonObject(settings.parameters) ? settings.parameters.parameters : undefined
  if (!Array.isArray(list)) return []
  return (list as readonly JsonValue[]).filter(isJsonObject).map(({ type, name, value }) => {
    return { type: typeof type === "string" ? type : "qs", name, value }
  })
}

function withUrl(request: HttpRequest, url: unknown): HttpRequest {
  // The next address says all that is asked; the node's own query belongs to the first page.
  return { ...request, url: readUrl(url), query: [] }
}

function withParameters(
  request: HttpRequest,
  parameters: readonly Parameter[],
  resolve: (value: JsonValue | undefined) => unknown,
): HttpRequest {
  let changed = request
  for (const { type, name: named, value: given } of parameters) {
    const [name, value] = [asText(resolve(named)) ?? "", resolve(given)]
    if (name === "" || value === undefined || value === null) continue
    const pair: Pair = [name, asText(value) ?? ""]
    if (type === "headers") changed = { ...changed, headers: replaced(changed.headers, pair) }
    else if (type === "body") changed = withBodyField(changed, name, asJson(value))
    else changed = { ...changed, query: replaced(changed.query, pair) }
  }
  return changed
}

function replaced(pairs: readonly Pair[], pair: Pair): readonly Pair[] {
  return [...pairs.filter(([name]) => name !== pair[0]), pair]
}

function withBodyField(request: HttpRequest, name: string, value: JsonValue): HttpRequest {
  const { body } = request
  if (body.type === "form") {
    return { ...request, body: { ...body, fields: replaced(body.fields, [name, asText(value) ?? ""]) } }
  }
  const isFields =
    body.type === "none" || (body.type === "json" && (body.value === undefined || isJsonObject(body.value)))
  const steps = parseFieldPath(name)
  if (!isFields || steps === null) {
    const message = "Pages can set a field of the body only where the body is a JSON object or a form."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const editor = editFields(body.type === "json" && isJsonObject(body.value) ? body.value : {})
  editor.set(steps, value)
  return { ...request, body: { type: "json", value: editor.done() } }
}
