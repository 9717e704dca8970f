/** JSON to XML: a field is an element, a list is several, `attributeKey` holds attributes, `characterKey` the text. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { NodeFailure } from "../kinds/kind.ts"

/** How fields become elements. The names are those of the node's options (documented). */
export type XmlWriting = {
  readonly rootName: string
  readonly attributeKey: string
  readonly characterKey: string
  /** Texts with marks in them stand in CDATA instead of being escaped. */
  readonly cdata: boolean
  /** No declaration at the beginning. */
  readonly headless: boolean
}

/** What a root is called that has no name of its own. */
export const defaultRootName = "root"

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

/** The XML of an object. One field alone is the root; several stand in one of the root's name. */
export function writeXml(json: JsonObject, writing: XmlWriting): string {
  const [only, ...others] = Object.entries(json)
  const isRoot =
    only !== undefined && others.length === 0 && writing.rootName === defaultRootName && !Array.isArray(only[1])
  const [name, value]: [string, JsonValue] = isRoot ? only : [writing.rootName, json]
  const lines: string[] = writing.headless ? [] : [declaration]
  writeElement(lines, { name, value, depth: 0 }, writing)
  return lines.join("\n")
}

type ElementToWrite = { readonly name: string; readonly value: JsonValue; readonly depth: number }

function writeElement(lines: string[], { name, value, depth }: ElementToWrite, writing: XmlWriting): void {
  const indent = "  ".repeat(depth)
  const tag = checkedName(name)
  const { attributes, text, children } = partsOf(value, writing)
  const open = `${indent}<${tag}${attributes}`
  if (children.length === 0) {
    lines.push(text === "" ? `${open}/>` : `${open}>${textOf(text, writing)}</${tag}>`)
    return
  }
  lines.push(`${open}>${text === "" ? "" : textOf(text, writing)}`)
  for (const [childName, child] of children)
    writeElement(lines, { name: childName, value: child, depth: depth + 1 }, writing)
  lines.push(`${indent}</${tag}>`)
}

type Parts = {
  readonly attributes: string
  readonly text: string
  readonly children: readonly (readonly [string, JsonValue])[]
}

function partsOf(value: JsonValue, { attributeKey, characterKey }: XmlWriting): Parts {
  if (!isJsonObject(value)) {
    const listed = Array.isArray(value) ? (value as readonly JsonValue[]).map((entry) => ["item", entry] as const) : []
    return { attributes: "", text: Array.isArray(value) ? "" : scalarText(value), children: listed }
  }
  const held = value[attributeKey]
  const attributes = isJsonObject(held)
    ? Object.entries(held).map(([name, one]) => ` ${checkedName(name)}="${escapeAttribute(scalarText(one))}"`)
    : []
  const children = Object.entries(value).flatMap(([name, child]): (readonly [string, JsonValue])[] => {
    if (name === characterKey || (name === attributeKey && isJsonObject(held))) return []
    if (!Array.isArray(child)) return [[name, child]]
    return (child as readonly JsonValue[]).map((entry) => [name, entry] as const)
  })
  return { attributes: attributes.join(""), text: scalarText(value[characterKey] ?? null), children }
}

function scalarText(value: JsonValue): string {
  if (value === null) return ""
  return typeof value === "object" ? JSON.stringify(value) : String(value)
}

const nameStart = /^[\p{L}_:][\p{L}\p{N}_:.·-]*$/u

function checkedName(name: string): string {
  if (name.length <= 1_000 && nameStart.test(name)) return name
  const message = "A field's name can not be the name of an XML element or attribute; rename it to letters and digits."
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

function textOf(text: string, { cdata }: XmlWriting): string {
  if (cdata && /[<>&]/.test(text)) return `<![CDATA[${text.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`
  return escapeText(text)
}

/** Characters that XML has no place for are left out. */
function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 forbids
  const allowed = text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "")
  return allowed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\r", "&#xD;")
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;").replaceAll("\t", "&#x9;").replaceAll("\n", "&#xA;")
}
