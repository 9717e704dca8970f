/**
 * HTML: writes a page from a template, takes parts of pages out by CSS selectors, or makes a table of all items. Versions
 * 1–1.2; before 1.2 a text is all characters of an element, since then it is laid out as it is read (documented).
 */
import type { Document, Element } from "domhandler"
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { formValue, innerHtml, plainText, readableText } from "../conversion/html-text.ts"
import { readHtml, selectElements } from "../conversion/html-tree.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item, Outputs } from "../items.ts"
import { asText } from "../value-types.ts"
import { treatEachItem } from "./each-item.ts"
import { fieldValue, toField } from "./fields.ts"
import { htmlTable } from "./html-table.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item becomes `{error}` where the run goes on by the regular output. */
export const html: PureKind = {
  name: "html",
  types: ["n8n-nodes-base.html"],
  title: "HTML",
  help: "Writes HTML, takes parts out of it, or makes a table of items.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run: (context) => ({ outputs: runOperation(context) }),
}

const firstOperation = "generateHtmlTemplate"
const operations: readonly unknown[] = [firstOperation, "extractHtmlContent", "convertToHtmlTable"]

function runOperation(context: KindContext): Outputs {
  const operation = context.parameter("operation", 0) ?? firstOperation
  if (operation === "convertToHtmlTable") return [[htmlTable(context)]]
  const work = operation === firstOperation ? generate : operation === "extractHtmlContent" ? extract : null
  if (work === null) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The operation of the node is not known; choose another one.")
  }
  return treatEachItem(context, {
    work: (item, itemIndex) => ({ output: 0, items: work(context, item, itemIndex) }),
    failed: (_item, itemIndex, error) => ({ output: 0, items: [{ json: { error }, pairedItem: { item: itemIndex } }] }),
  })
}

/** A template's expressions are resolved also where its text is not marked as one (version 1 writes it so). */
function generate(context: KindContext, _item: Item, itemIndex: number): readonly Item[] {
  const template = context.node.parameters.html ?? ""
  const isPlain = typeof template === "string" && !template.startsWith("=")
  const made = context.resolve(isPlain ? `=${template}` : template, itemIndex)
  return [{ json: { html: asText(made) ?? "" }, pairedItem: { item: itemIndex } }]
}

/** A part to take out, and the field that gets it. */
type Extraction = {
  readonly key: string
  readonly selector: string
  readonly what: unknown
  readonly attribute: string
  readonly skipped: string
  readonly isList: boolean
}

type Cleaning = {
  readonly trims: boolean
  /** Blanks and line ends become one blank, and none at the ends (documented). */
  readonly cleansText: boolean
  readonly isPlainText: boolean
  /** Characters that may still be taken out of a page: elements inside elements hold the same text again and again. */
  charsLeft: number
}

/** Characters that are taken out of the pages of one item (ours). */
const takenCharsMax = 5_000_000

/** Of a list of pages each makes an item. */
function extract(context: KindContext, item: Item, itemIndex: number): readonly Item[] {
  const says = (path: string): unknown => context.parameter(path, itemIndex)
  if (says("sourceData") === "binary") {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      "HTML in files is not read here; give the node a field with the text.",
    )
  }
  const name = asText(says("dataPropertyName") ?? "data") ?? ""
  const found = fieldValue(item.json, toField(name, { dotNotation: true }))
  if (found === undefined) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `The item has no field ${quote(name)} with HTML; correct its name.`)
  }
  const cleaning: Cleaning = {
    trims: says("options.trimValues") !== false,
    cleansText: says("options.cleanUpText") !== false,
    isPlainText: context.node.typeVersion < 1.2,
    charsLeft: takenCharsMax,
  }
  const extractions = readExtractions(says("extractionValues.values"))
  const pages: readonly JsonValue[] = Array.isArray(found) ? found : [found as JsonValue]
  boundItems(pages.length)
  return pages.map((page): Item => {
    const document = readHtml(asText(page) ?? "")
    const entries = extractions.flatMap((extraction): [string, JsonValue][] => {
      const value = take(document, extraction, cleaning)
      return value === undefined ? [] : [[extraction.key, value]]
    })
    return { json: Object.fromEntries(entries), pairedItem: { item: itemIndex } }
  })
}

function readExtractions(listed: unknown): readonly Extraction[] {
  const entries: readonly unknown[] = Array.isArray(listed) ? listed : []
  const extractions = entries.filter(isJsonObject).map((entry: JsonObject): Extraction => {
    const key = asText(entry.key) ?? ""
    return {
      key: toField(key, { dotNotation: false }).name,
      selector: asText(entry.cssSelector) ?? "",
      what: entry.returnValue ?? "text",
      attribute: asText(entry.attribute) ?? "",
      skipped: asText(entry.skipSelectors) ?? "",
      isList: entry.returnArray === true,
    }
  })
  if (extractions.length > 0) return extractions
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    "The node does not say what it takes out of the HTML; name a selector.",
  )
}

/** Without `isList` the first element alone (recorded outcome). */
function take(document: Document, extraction: Extraction, cleaning: Cleaning): JsonValue | undefined {
  const elements = selectElements(document, extraction.selector)
  if (!extraction.isList) {
    const [first] = elements
    if (first === undefined) return extraction.what === "text" && !cleaning.isPlainText ? "" : undefined
    return cleanValue(first, extraction, cleaning)
  }
  return elements.flatMap((element) => cleanValue(element, extraction, cleaning) ?? [])
}

function cleanValue(element: Element, extraction: Extraction, cleaning: Cleaning): string | undefined {
  const value = rawValue(element, extraction, cleaning)
  if (value === undefined) return undefined
  const trimmed = cleaning.trims ? value.trim() : value
  return cleaning.cleansText ? trimmed.trim().replace(/\s+/g, " ") : trimmed
}

function rawValue(element: Element, { what, attribute, skipped }: Extraction, cleaning: Cleaning): string | undefined {
  switch (what) {
    case "text":
      if (cleaning.isPlainText) return counted(plainText(element), cleaning)
      return readableText(counted(innerHtml(element), cleaning), skipped)
    case "html":
      return counted(innerHtml(element), cleaning)
    case "attribute":
      return Object.hasOwn(element.attribs, attribute) ? element.attribs[attribute] : undefined
    case "value":
      return formValue(element)
    default: {
      const shown = cutText(asText(what) ?? "", 60)
      const message = `The node is to return '${shown}' of an element; choose text, html, an attribute or the value.`
      throw new NodeFailure("NODE_SETTINGS_INVALID", message)
    }
  }
}

function counted(text: string, cleaning: Cleaning): string {
  cleaning.charsLeft -= text.length
  if (cleaning.charsLeft >= 0) return text
  const message = `The selectors take more than ${takenCharsMax} characters out of the HTML; let them mean less of it.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const place = pathTo(path, "parameters")
  const about = (field: string, code: string, message: string): Finding[] => [
    { severity: "error", code, message, node: name, path: pathTo(place, field) },
  ]
  const { operation = firstOperation } = parameters
  if (typeof operation === "string" && operation.startsWith("=")) return []
  if (!operations.includes(operation))
    return about("operation", "SETTING_INVALID", `Choose a known operation for ${quote(name)}.`)
  if (operation === firstOperation && (parameters.html ?? "") === "") {
    return about("html", "SETTING_MISSING", `Give ${quote(name)} its HTML.`)
  }
  if (operation !== "extractHtmlContent") return []
  if (parameters.sourceData === "binary") {
    return about("sourceData", "SETTING_UNSUPPORTED", `Give ${quote(name)} a field with HTML: files are not read here.`)
  }
  if (parameters.extractionValues !== undefined) return []
  return about("extractionValues", "SETTING_MISSING", `Say what ${quote(name)} takes out of the HTML.`)
}
