/**
 * The entries of a feed as items, with the fields that workflows know from n8n: those of RSS (`title`, `link`, `pubDate`,
 * `creator`, `content`, `guid`, `categories`) and of Atom under the same names where they mean the same. `…Snippet` is the
 * text without markup, `isoDate` the instant in ISO 8601.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { markupText } from "../../conversion/html-tree.ts"
import { readXml } from "../../conversion/xml-reading.ts"
import { asInstant } from "../../value-types.ts"
import { NodeFailure } from "../kind.ts"

const reading = {
  attributeKey: "$",
  characterKey: "_",
  explicitArray: true,
  explicitRoot: true,
  ignoreAttributes: false,
  mergeAttributes: false,
  normalize: false,
  normalizeTags: false,
  trim: true,
} as const

/** Texts that are made of an entry's markup are cut there (ours). */
const snippetCharsMax = 100_000

/** The entries of a feed. Throws HTTP_ERROR for what is none. */
export function feedEntries(xml: string): readonly JsonObject[] {
  const root = parse(xml)
  const rss = childOf(root, "rss")
  const rdf = childOf(root, "rdf:RDF")
  const atom = childOf(root, "feed")
  if (rss !== null) return listOf(childOf(rss, "channel"), "item").map(rssEntry)
  if (rdf !== null) return listOf(rdf, "item").map(rssEntry)
  if (atom !== null) return listOf(atom, "entry").map(atomEntry)
  throw new NodeFailure("HTTP_ERROR", "The answer is no feed: neither RSS nor Atom.")
}

function parse(xml: string): JsonObject {
  try {
    return readXml(xml.replace(/^\ufeff/, ""), reading)
  } catch (error) {
    if (!(error instanceof NodeFailure)) throw error
    throw new NodeFailure("HTTP_ERROR", `The answer is no feed. ${error.message}`, { cause: error })
  }
}

function rssEntry(entry: JsonObject): JsonObject {
  const content = textOf(entry, "description")
  const encoded = textOf(entry, "content:encoded")
  const date = textOf(entry, "pubDate") ?? textOf(entry, "dc:date")
  const enclosure = attributesOf(entry, "enclosure")
  return given({
    creator: textOf(entry, "dc:creator"),
    title: textOf(entry, "title"),
    link: textOf(entry, "link"),
    pubDate: date,
    author: textOf(entry, "author"),
    "content:encoded": encoded,
    "content:encodedSnippet": snippetOf(encoded),
    "dc:creator": textOf(entry, "dc:creator"),
    comments: textOf(entry, "comments"),
    content,
    contentSnippet: snippetOf(content),
    guid: textOf(entry, "guid"),
    categories: textsOf(entry, "category"),
    enclosure,
    isoDate: isoDateOf(date),
  })
}

function atomEntry(entry: JsonObject): JsonObject {
  const content = textOf(entry, "content")
  const summary = textOf(entry, "summary")
  const date = textOf(entry, "updated") ?? textOf(entry, "published")
  const links = listOf(entry, "link").map((link) => (isJsonObject(link.$) ? link.$ : {}))
  const link = links.find(({ rel }) => rel === undefined || rel === "alternate") ?? links[0]
  const categories = listOf(entry, "category").flatMap(({ $ }) => (isJsonObject($) ? [$.term ?? null] : []))
  return given({
    title: textOf(entry, "title"),
    link: typeof link?.href === "string" ? link.href : undefined,
    pubDate: date,
    author: textOf(listOf(entry, "author")[0] ?? {}, "name"),
    content,
    contentSnippet: snippetOf(content),
    summary,
    id: textOf(entry, "id"),
    categories: categories.length === 0 ? undefined : categories,
    isoDate: isoDateOf(date),
  })
}

/** The fields that are there. */
function given(fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, JsonValue] => pair[1] !== undefined))
}

function valuesOf(holder: JsonObject, name: string): readonly JsonValue[] {
  const value = Object.hasOwn(holder, name) ? holder[name] : undefined
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly JsonValue[]) : [value]
}

function childOf(holder: JsonObject, name: string): JsonObject | null {
  return valuesOf(holder, name).find(isJsonObject) ?? null
}

function listOf(holder: JsonObject | null, name: string): readonly JsonObject[] {
  if (holder === null) return []
  return valuesOf(holder, name).map((value) => (isJsonObject(value) ? value : { _: value }))
}

function attributesOf(holder: JsonObject, name: string): JsonObject | undefined {
  const attributes = listOf(holder, name)[0]?.$
  return isJsonObject(attributes) ? attributes : undefined
}

/** The text of the first element of that name; markup that stands in it as elements is read as its text. */
function textOf(holder: JsonObject, name: string): string | undefined {
  const [first] = textsOf(holder, name) ?? []
  return first
}

function textsOf(holder: JsonObject, name: string): string[] | undefined {
  const texts = valuesOf(holder, name).flatMap((value) => {
    const text = isJsonObject(value) ? value._ : value
    return typeof text === "string" && text !== "" ? [text] : []
  })
  return texts.length === 0 ? undefined : texts
}

function snippetOf(markup: string | undefined): string | undefined {
  return markup === undefined ? undefined : markupText(markup.slice(0, snippetCharsMax))
}

function isoDateOf(date: string | undefined): string | undefined {
  const instant = asInstant(date, "UTC")
  return instant === undefined ? undefined : new Date(instant).toISOString()
}
