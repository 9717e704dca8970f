/**
 * A document as it was sent to JSON: a JSON value stays as it is, a text is read as JSON or as YAML. What comes out of a
 * text is a tree of JSON within bounds: aliases of YAML are written out, and what would grow beyond all bounds by them is
 * refused before it grows.
 */
import { parseDocument } from "yaml"
import { findJsonFault, type JsonValue } from "../../json.ts"
import { treeOf } from "./yaml-tree.ts"

/** What a text holds, or why it cannot be read, in words that follow "the document". */
export type ReadDocument =
  | {
      readonly value: JsonValue
      /** Something stands behind the value and was left out: documents that were copied from pages have that. */
      readonly hasRest?: boolean
    }
  | { readonly fault: string }

/** Characters of YAML that are read (ours): reading is slow, up to two seconds for a text that was made for it, and exports are far shorter. */
export const yamlCharsMax = 500_000

/** Values of one document with its aliases written out (ours). */
const valuesMax = 500_000

/** Characters of all texts of one document with its aliases written out: as many as a request may have. */
const charsMax = 5_000_000

/** Nesting of a document that is a text: less than that of a body, since it is put into a definition. */
const depthMax = 90

/** Reads a document. Never throws. */
export function readDocument(document: JsonValue): ReadDocument {
  if (typeof document !== "string") return { value: document }
  const text = document.startsWith("\ufeff") ? document.slice(1) : document
  const read = readJsonText(text) ?? readYamlText(text)
  if ("fault" in read) return read
  const checked = bounded(read.value)
  return "fault" in checked ? checked : { ...checked, hasRest: read.hasRest === true }
}

/** Null where the text neither is nor begins with JSON. */
function readJsonText(text: string): { readonly value: JsonValue; readonly hasRest?: boolean } | null {
  if (!/^\s*[[{]/.test(text)) return null
  const whole = parsed(text)
  if (whole !== null) return whole
  const end = endOfValue(text)
  const first = end === null ? null : parsed(text.slice(0, end))
  return first === null ? null : { ...first, hasRest: true }
}

/** Where the brackets that a text begins with are closed, texts inside of it left alone; null where they are not. */
function endOfValue(text: string): number | null {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]
    if (sign === "\\" && isText) at += 1
    else if (sign === '"') isText = !isText
    else if (isText) continue
    else if (sign === "{" || sign === "[") depth += 1
    else if (sign === "}" || sign === "]") depth -= 1
    if (depth === 0 && (sign === "}" || sign === "]")) return at + 1
  }
  return null
}

function parsed(text: string): { readonly value: JsonValue } | null {
  try {
    return { value: JSON.parse(text) as JsonValue }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null
    throw error
  }
}

function readYamlText(text: string): ReadDocument {
  if (isCode(text)) {
    return {
      fault:
        "is code of an agents SDK: a program is not imported; send the workflow itself, as the JSON that the builder keeps",
    }
  }
  if (text.length > yamlCharsMax) return { fault: `is YAML of more than ${yamlCharsMax} characters; send it as JSON` }
  if (deepFlow(text)) return { fault: `is nested more than ${depthMax} levels deep` }
  try {
    // Duplicate keys are looked for by comparing each with each: the last one counts instead, as in JSON.
    const options = { version: "1.2", schema: "core", uniqueKeys: false, prettyErrors: false, merge: false } as const
    const parsed = parseDocument(text, options)
    const [error] = parsed.errors
    if (error !== undefined) return { fault: `is neither JSON nor YAML (${error.code} at character ${error.pos[0]})` }
    return treeOf(parsed, { valuesMax, charsMax, depthMax })
  } catch (error) {
    // The reader calls itself for each level.
    if (error instanceof RangeError) return { fault: `is nested more than ${depthMax} levels deep` }
    throw error
  }
}

/** Programs that builders give in the place of a workflow. */
function isCode(text: string): boolean {
  return /^\s*(import\s+[\w*{"'][^\n]*|from\s+[\w.]+\s+import\s[^\n]*|#!)/.test(text)
}

/** Brackets inside of brackets: the reader would exhaust its stack on them. */
function deepFlow(text: string): boolean {
  let run = 0
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]
    if (sign === "[" || sign === "{") run += 1
    else if (sign !== " " && sign !== "\n" && sign !== "\r" && sign !== "\t") run = 0
    if (run > depthMax) return true
  }
  return false
}

/** The same value, or what is wrong with it. */
function bounded(value: JsonValue): ReadDocument {
  let values = 0
  const stack: { value: unknown; depth: number }[] = [{ value, depth: 0 }]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    values += 1
    if (values > valuesMax) return { fault: `holds more than ${valuesMax} values` }
    if (typeof entry.value !== "object" || entry.value === null) continue
    if (entry.depth >= depthMax) return { fault: `is nested more than ${depthMax} levels deep` }
    for (const child of Object.values(entry.value)) stack.push({ value: child, depth: entry.depth + 1 })
  }
  const fault = findJsonFault(value)
  if (fault !== null) return { fault: `has a value that is not accepted (${fault.reason} at ${fault.path})` }
  return { value }
}
