/**
 * XML to JSON. The parser knows no external entities and none of a document's own, so that a small text can not become a
 * large one and nothing is fetched.
 *
 *     <a x="1">t<b/><b/></a>     { a: { $: { x: "1" }, _: "t", b: ["", ""] } }     attributes apart
 *                                { a: { x: "1", _: "t", b: ["", ""] } }            attributes merged
 */
import { parseXml, XmlCdata, XmlElement, XmlError, type XmlNode, XmlText } from "@rgrove/parse-xml"
import type { JsonObject, JsonValue } from "../../json.ts"
import { NodeFailure } from "../kinds/kind.ts"

/** How elements become fields. The names are those of the node's options (documented). */
export type XmlReading = {
  readonly attributeKey: string
  readonly characterKey: string
  readonly explicitArray: boolean
  readonly explicitRoot: boolean
  readonly ignoreAttributes: boolean
  readonly mergeAttributes: boolean
  readonly normalize: boolean
  readonly normalizeTags: boolean
  readonly trim: boolean
}

/** Characters of a document and elements inside elements (ours). */
export const xmlCharsMax = 2_000_000
const depthMax = 100

/** The JSON of a document. Throws NODE_SETTINGS_INVALID for one that is none, too large or too deep. */
export function readXml(xml: string, reading: XmlReading): JsonObject {
  if (xml.length > xmlCharsMax) throw refusal(`has more than ${xmlCharsMax} characters`)
  const root = parse(xml)
  const value = elementValue(root, reading, 1)
  if (reading.explicitRoot) return { [tagOf(root, reading)]: value }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : { [reading.characterKey]: value }
}

function parse(xml: string): XmlElement {
  try {
    const { root } = parseXml(xml.trimStart())
    if (root !== null) return root
  } catch (error) {
    // A document that is nested beyond the stack is refused by the parser's own recursion.
    if (error instanceof RangeError) throw refusal(`has elements more than ${depthMax} levels deep`, error)
    if (!(error instanceof XmlError)) throw error
    throw refusal(`is not well-formed: line ${error.line}, column ${error.column}`, error)
  }
  throw refusal("has no element")
}

function refusal(what: string, cause?: unknown): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The XML ${what}; correct it.`, { cause })
}

const tagOf = ({ name }: XmlElement, { normalizeTags }: XmlReading): string =>
  normalizeTags ? name.toLowerCase() : name

/** A text where an element holds nothing else, an object of fields otherwise. */
function elementValue(element: XmlElement, reading: XmlReading, depth: number): JsonValue {
  if (depth > depthMax) throw refusal(`has elements more than ${depthMax} levels deep`)
  const fields = new Map<string, JsonValue[]>()
  const attributes = reading.ignoreAttributes ? [] : Object.entries(element.attributes)
  const apart = attributes.length > 0 && !reading.mergeAttributes
  if (!apart) for (const [name, value] of attributes) add(fields, name, value)
  for (const child of element.children) {
    if (child instanceof XmlElement) add(fields, tagOf(child, reading), elementValue(child, reading, depth + 1))
  }
  const text = textOf(element.children, reading)
  if (fields.size === 0 && !apart) return text
  const made = [...fields].map(([name, values]): [string, JsonValue] => [
    name,
    reading.explicitArray || values.length > 1 ? values : (values[0] ?? ""),
  ])
  return Object.fromEntries([
    ...(apart ? [[reading.attributeKey, Object.fromEntries(attributes)] as const] : []),
    ...(text === "" ? [] : [[reading.characterKey, text] as const]),
    ...made,
  ])
}

function add(fields: Map<string, JsonValue[]>, name: string, value: JsonValue): void {
  if (name === "__proto__") return
  const known = fields.get(name)
  if (known === undefined) fields.set(name, [value])
  else known.push(value)
}

/** The characters of an element; blanks alone are none. */
function textOf(children: readonly XmlNode[], { normalize, trim }: XmlReading): string {
  const texts = children.flatMap((child) => (child instanceof XmlText || child instanceof XmlCdata ? [child.text] : []))
  const text = texts.join("")
  if (text.trim() === "") return ""
  const collapsed = normalize ? text.replace(/\s{2,}/g, " ") : text
  return trim || normalize ? collapsed.trim() : collapsed
}
