/** Makes files of items (documented parameters of n8n, version 1): what is in them is made here, the performer keeps them. */
import type { JsonObject, JsonValue } from "../../json.ts"
import { isMimeType, mimeTypeOfName } from "../binary.ts"
import { writeCsv } from "../conversion/csv.ts"
import { parseFieldPath, readField } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { escapeHtml } from "../triggers/safe-html.ts"
import { asText } from "../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { onePort } from "./ports.ts"

/** A file to be made: its text, and how it is written as bytes. `items`: the places of the items that it is made of. */
export type PlannedFile = {
  readonly field: string
  readonly text: string
  readonly encoding: "utf8" | "utf16le" | "latin1" | "base64"
  readonly mimeType: string
  readonly fileName: string
  readonly items: readonly number[]
}

/** Formats that need a library for office files. */
const notOffered: ReadonlySet<string> = new Set(["xls", "xlsx", "ods"])

/** The kind. */
export const convertToFile: EffectKind = {
  name: "convertToFile",
  types: ["n8n-nodes-base.convertToFile"],
  title: "Convert to File",
  help: "Makes a file of items: CSV, HTML, iCal, JSON, RTF or text, or of base64 in a field.",
  group: "outside",
  effect: "toFile",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

function check(node: GraphNode): readonly Finding[] {
  const { operation } = node.parameters
  if (typeof operation !== "string" || !notOffered.has(operation)) return []
  const message = `Let ${quote(node.name)} make CSV: files of spreadsheets are not made here.`
  const path = pathTo(pathTo(node.path, "parameters"), "operation")
  return [{ severity: "warning", code: "SETTING_UNSUPPORTED", message, node: node.name, path }]
}

const invalid = (message: string): NodeFailure => new NodeFailure("NODE_SETTINGS_INVALID", message)

/** The files of a node. Throws NodeFailure and ExpressionError. */
export function planFiles(context: KindContext): readonly PlannedFile[] {
  const [items = []] = context.inputs
  if (items.length === 0) return []
  const operation = asText(context.parameter("operation", 0)) ?? "csv"
  const all = items.map((_, index) => index)
  switch (operation) {
    case "csv":
      return [csvFile(context, all)]
    case "html":
      return [{ ...named(context, 0, "html"), text: htmlTable(tableOf(context)), mimeType: "text/html", items: all }]
    case "rtf":
      return [{ ...named(context, 0, "rtf"), text: rtfOf(tableOf(context)), mimeType: "application/rtf", items: all }]
    case "toJson": {
      const isOfEach = context.parameter("mode", 0) === "each"
      return (isOfEach ? all.map((index) => [index]) : [all]).map((some) => jsonFile(context, some, { isOfEach }))
    }
    case "toText":
      return all.map((index) => textFile(context, index))
    case "toBinary":
      return all.map((index) => bytesFile(context, index))
    case "iCal":
      return all.map((index) => calendarFile(context, index))
    default:
      throw invalid(`Files of the kind ${quote(operation)} are not made here; choose CSV.`)
  }
}

/** Where the file goes and what it is called; the extension is that of its kind where it has none. */
function named(context: KindContext, index: number, extension: string) {
  const field = asText(context.parameter("binaryPropertyName", index)) || "data"
  const given = asText(context.parameter("options.fileName", index)) || `file.${extension}`
  if (field === "__proto__") throw invalid("No field can have this name; rename it.")
  const fileName = /\.[A-Za-z0-9]{1,16}$/.test(given) ? given : `${given}.${extension}`
  return { field, fileName, encoding: encodingOf(context, index) }
}

function encodingOf(context: KindContext, index: number): "utf8" | "utf16le" | "latin1" {
  const name = (asText(context.parameter("options.encoding", index)) ?? "utf8").toLowerCase().replace(/[^a-z0-9]/g, "")
  if (name === "utf16le" || name === "utf16" || name === "ucs2") return "utf16le"
  return name === "latin1" || name === "iso88591" || name === "ascii" ? "latin1" : "utf8"
}

type Table = { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }

/** The items as a table: a column for each field of any item, in the order in which they come. */
function tableOf(context: KindContext): Table {
  const items = (context.inputs[0] ?? []).map(({ json }) => json)
  const columns = [...new Set(items.flatMap((json) => Object.keys(json)))]
  const rows = items.map((json) =>
    columns.map((column) => cellText(Object.hasOwn(json, column) ? json[column] : undefined)),
  )
  return { columns, rows }
}

function cellText(value: JsonValue | undefined): string {
  return value === undefined || value === null ? "" : (asText(value) ?? "")
}

function csvFile(context: KindContext, items: readonly number[]): PlannedFile {
  const { columns, rows } = tableOf(context)
  const delimiter = asText(context.parameter("options.delimiter", 0)) || ","
  const hasHeader = context.parameter("options.headerRow", 0) !== false
  const text = writeCsv(hasHeader ? [columns, ...rows] : rows, { delimiter })
  const mark = context.parameter("options.addBOM", 0) === true ? "\uFEFF" : ""
  return { ...named(context, 0, "csv"), text: mark + text, mimeType: "text/csv", items }
}

function htmlTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`
  const body = [line(columns, "th"), ...rows.map((row) => line(row, "td"))].join("\n")
  return `<!doctype html>\n<html><head><meta charset="utf-8"><title>Items</title></head><body><table>\n${body}\n</table></body></html>\n`
}

/** Rich text: a line for each row, cells apart by tabs. */
function rtfOf({ columns, rows }: Table): string {
  const safe = (text: string): string =>
    [...text]
      .map((sign) => {
        if (/[\\{}]/.test(sign)) return `\\${sign}`
        if (sign === "\n") return "\\line "
        // Units of UTF-16, as signed numbers, with a sign for readers that know none.
        return sign <= "\u007e"
          ? sign
          : [...sign.split("")].map((unit) => `\\u${(unit.charCodeAt(0) << 16) >> 16}?`).join("")
      })
      .join("")
  const lines = [columns, ...rows].map((cells) => `${cells.map(safe).join("\\tab ")}\\par`)
  return `{\\rtf1\\ansi\\deff0 ${lines.join("\n")}}`
}

function jsonFile(context: KindContext, items: readonly number[], { isOfEach }: { isOfEach: boolean }): PlannedFile {
  const [first = 0] = items
  const list = context.inputs[0] ?? []
  const value = isOfEach ? list[first]?.json : items.map((index) => list[index]?.json ?? {})
  const isIndented = context.parameter("options.format", first) === true
  const mark = context.parameter("options.addBOM", first) === true ? "\uFEFF" : ""
  const text = mark + JSON.stringify(value ?? {}, null, isIndented ? 2 : 0)
  return { ...named(context, first, "json"), text, mimeType: "application/json", items }
}

/** The value of the field that the node names. */
function sourceOf(context: KindContext, index: number): JsonValue {
  const name = asText(context.parameter("sourceProperty", index)) ?? ""
  const json: JsonObject = context.inputs[0]?.[index]?.json ?? {}
  const steps = parseFieldPath(name)
  const value = Object.hasOwn(json, name) ? json[name] : steps === null ? undefined : readField(json, steps)
  if (value !== undefined && value !== null) return value
  throw invalid(`The item has no field ${quote(name)} to make a file of.`)
}

function textFile(context: KindContext, index: number): PlannedFile {
  const text = asText(sourceOf(context, index)) ?? ""
  const mark = context.parameter("options.addBOM", index) === true ? "\uFEFF" : ""
  return { ...named(context, index, "txt"), text: mark + text, mimeType: "text/plain", items: [index] }
}

function bytesFile(context: KindContext, index: number): PlannedFile {
  const text = (asText(sourceOf(context, index)) ?? "").replace(/^data:[^,]{0,200},/, "").replace(/\s/g, "")
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw invalid("The field holds no base64 to make a file of.")
  const own = named(context, index, "bin")
  const type = asText(context.parameter("options.mimeType", index)) ?? ""
  const mimeType = isMimeType(type) ? type : (mimeTypeOfName(own.fileName) ?? "application/octet-stream")
  return { ...own, text, encoding: "base64", mimeType, items: [index] }
}

/** An event (RFC 5545): the title, the beginning and the end that the node names. */
function calendarFile(context: KindContext, index: number): PlannedFile {
  const get = (path: string): string => asText(context.parameter(path, index)) ?? ""
  const isAllDay = context.parameter("allDay", index) === true
  const instant = (text: string): string => {
    const ms = Date.parse(text)
    if (Number.isNaN(ms)) throw invalid(`The event's ${quote(text)} is no date.`)
    const compact = new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, "")
    return isAllDay ? `;VALUE=DATE:${compact.slice(0, 8)}` : `:${compact}`
  }
  const words = (text: string): string => text.replace(/[\\;,]/g, "\\$&").replace(/\r?\n/g, "\\n")
  const stamp = new Date(context.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "")
  const optional = ["description", "location", "url"].flatMap((name) => {
    const text = get(`additionalFields.${name}`)
    return text === "" ? [] : [`${name.toUpperCase()}:${words(text)}`]
  })
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Brevet//EN",
    "BEGIN:VEVENT",
    `UID:${stamp}-${Math.floor(context.random() * 2 ** 32).toString(16)}`,
    `DTSTAMP:${stamp}`,
    `DTSTART${instant(get("start"))}`,
    `DTEND${instant(get("end"))}`,
    `SUMMARY:${words(get("title"))}`,
    ...optional,
    "END:VEVENT",
    "END:VCALENDAR",
  ]
  return {
    ...named(context, index, "ics"),
    text: `${lines.join("\r\n")}\r\n`,
    mimeType: "text/calendar",
    items: [index],
  }
}
