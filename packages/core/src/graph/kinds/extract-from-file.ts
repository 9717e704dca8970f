/** Reads what is in files (documented parameters of n8n, version 1): the performer brings the bytes, the items are made here. */
import { Parser } from "htmlparser2"
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { readCsv } from "../conversion/csv.ts"
import { editFields, parseFieldPath } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber, asText, parseJson } from "../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { onePort } from "./ports.ts"

/** What is wanted of the file of one item. `encoding` null: its bytes as base64. */
export type PlannedReading = {
  readonly operation: "csv" | "html" | "fromJson" | "text" | "xml" | "binaryToPropery"
  readonly field: string
  readonly encoding: string | null
}

/** A file that was read: its text, or its bytes as base64. */
export type ReadFile = { readonly text: string; readonly mimeType: string; readonly fileName: string | null }

/** What is not read here, with what to do instead. */
const notOffered: Readonly<Record<string, string>> = {
  pdf: "let a service read it over HTTP Request",
  xls: "save it as CSV",
  xlsx: "save it as CSV",
  ods: "save it as CSV",
  rtf: "save it as text",
  fromIcs: "read it as text and take it apart in a Code node",
}

const operations: readonly string[] = ["csv", "html", "fromJson", "text", "xml", "binaryToPropery"]

/** The kind. */
export const extractFromFile: EffectKind = {
  name: "extractFromFile",
  types: ["n8n-nodes-base.extractFromFile"],
  title: "Extract from File",
  help: "Reads files of items: CSV and tables of HTML become items; JSON, text, XML and base64 a field.",
  group: "outside",
  effect: "fromFile",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

function check(node: GraphNode): readonly Finding[] {
  const { operation } = node.parameters
  if (typeof operation !== "string" || !Object.hasOwn(notOffered, operation)) return []
  const message = `Files of the kind ${quote(operation)} are not read by ${quote(node.name)}: ${notOffered[operation]}.`
  const path = pathTo(pathTo(node.path, "parameters"), "operation")
  return [{ severity: "warning", code: "SETTING_UNSUPPORTED", message, node: node.name, path }]
}

const invalid = (message: string): NodeFailure => new NodeFailure("NODE_SETTINGS_INVALID", message)

/** What is to be read for an item. Throws NodeFailure and ExpressionError. */
export function planReading(context: KindContext, index: number): PlannedReading {
  const operation = asText(context.parameter("operation", index)) ?? "csv"
  if (!operations.includes(operation)) {
    const advice = Object.hasOwn(notOffered, operation) ? notOffered[operation] : "choose another operation"
    throw invalid(`Files of the kind ${quote(operation)} are not read here: ${advice}.`)
  }
  const encoding = asText(context.parameter("options.encoding", index)) || "utf8"
  return {
    operation: operation as PlannedReading["operation"],
    field: asText(context.parameter("binaryPropertyName", index)) || "data",
    encoding: operation === "binaryToPropery" ? null : encoding,
  }
}

/** The items that the file of one item becomes. Throws NodeFailure and ExpressionError. */
export function extractedItems(
  context: KindContext,
  { operation }: PlannedReading,
  { file, index }: { readonly file: ReadFile; readonly index: number },
): readonly Item[] {
  const pairedItem = { item: index }
  if (operation === "csv" || operation === "html") {
    const table = operation === "csv" ? csvTable(context, file, index) : htmlRows(file.text)
    return rowsOf(context, index, table).map((json) => ({ json, pairedItem }))
  }
  const value = operation === "fromJson" ? jsonOf(file) : file.text
  return [{ ...keptOf(context, index, value), pairedItem }]
}

type Table = readonly (readonly string[])[]

function csvTable(context: KindContext, { text }: ReadFile, index: number): Table {
  const delimiter = (asText(context.parameter("options.delimiter", index)) || ",").replaceAll("\\t", "\t")
  const from = Math.max(1, asNumber(context.parameter("options.fromLine", index)) ?? 1)
  return readCsv(text, { delimiter }, rowsMax).slice(from - 1)
}

/** Rows that are read of one file; the bound of items is judged by the run. */
const rowsMax = 1_000_000

/** A row as fields: called by the first row, or by their places. Empty cells only where the node wants them. */
function rowsOf(context: KindContext, index: number, table: Table): readonly JsonObject[] {
  const hasHeader = context.parameter("options.headerRow", index) !== false
  const most = asNumber(context.parameter("options.maxRowCount", index)) ?? -1
  const keepsEmpty = context.parameter("options.includeEmptyCells", index) === true
  const header = hasHeader ? (table[0] ?? []) : []
  const rows = hasHeader ? table.slice(1) : table
  return (most >= 0 ? rows.slice(0, most) : rows).map((row) =>
    hasHeader ? namedRow(header, row, { keepsEmpty }) : { row: row as readonly JsonValue[] },
  )
}

function namedRow(
  header: readonly string[],
  row: readonly string[],
  { keepsEmpty }: { readonly keepsEmpty: boolean },
): JsonObject {
  const pairs = header.flatMap((name, place): [string, string][] => {
    const cell = row[place] ?? ""
    return name === "__proto__" || (cell === "" && row[place] === undefined && !keepsEmpty) ? [] : [[name, cell]]
  })
  return Object.fromEntries(pairs)
}

/** The rows of all tables of a page. */
function htmlRows(html: string): Table {
  const rows: string[][] = []
  let cell: string[] | null = null
  const parser = new Parser(
    {
      onopentag(name) {
        if (name === "tr") rows.push([])
        if (name === "td" || name === "th") cell = []
      },
      ontext: (text) => void cell?.push(text),
      onclosetag(name) {
        if ((name !== "td" && name !== "th") || cell === null) return
        rows.at(-1)?.push(cell.join("").replace(/\s+/g, " ").trim())
        cell = null
      },
    },
    { decodeEntities: true },
  )
  parser.end(html)
  return rows.filter((row) => row.length > 0)
}

function jsonOf({ text }: ReadFile): JsonValue {
  const value = parseJson(text.startsWith("\uFEFF") ? text.slice(1) : text)
  if (value === undefined) throw invalid("The file is not valid JSON.")
  return value as JsonValue
}

/** The value in the field that the node names, beside what it keeps of the item. */
function keptOf(context: KindContext, index: number, value: JsonValue): Item {
  const item = context.inputs[0]?.[index] ?? { json: {} }
  const keeps = asText(context.parameter("options.keepSource", index)) ?? ""
  const key = asText(context.parameter("destinationKey", index)) ?? "data"
  const base = keeps === "json" || keeps === "both" ? item.json : {}
  const binary = keeps === "binary" || keeps === "both" ? item.binary : undefined
  return { json: placed(base, key, value), ...(binary === undefined ? {} : { binary }) }
}

function placed(base: JsonObject, key: string, value: JsonValue): JsonObject {
  if (key === "" && isJsonObject(value)) return { ...base, ...value }
  const steps = parseFieldPath(key === "" ? "data" : key)
  if (steps === null) throw invalid(`No field can be named ${quote(key)}; rename it.`)
  const editor = editFields(base)
  editor.set(steps, value)
  return editor.done()
}
