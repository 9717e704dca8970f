/**
 * HTML to Markdown. Our own, since the libraries that do it take time that grows with the square of how deep a page is, or
 * more; this one takes as long as the page is long.
 *
 *     blocks   a list of texts, joined by a blank line: paragraphs, headings, lists, quotes, code, tables
 *     inline   one text: emphasis, links, images, code, line breaks
 */
import type { ChildNode, Document, Element } from "domhandler"
import { isTag, isText } from "domhandler"
import { textContent } from "domutils"

/** How Markdown is written. The defaults are n8n's (documented). */
export type MarkdownStyle = {
  readonly bullet: string
  readonly fence: string
  readonly isFenced: boolean
  readonly emphasis: string
  readonly strong: string
  readonly ignored: ReadonlySet<string>
  /** Elements that are blocks beside those that are. */
  readonly blocks: ReadonlySet<string>
  readonly newLinesMax: number
  readonly keepsDataImages: boolean
  /** Links as `[text][1]`, with their addresses at the end. */
  readonly linksAtEnd: boolean
}

/** The default style. */
export const markdownStyle: MarkdownStyle = {
  bullet: "*",
  fence: "```",
  isFenced: true,
  emphasis: "_",
  strong: "**",
  ignored: new Set(),
  blocks: new Set(),
  newLinesMax: 3,
  keepsDataImages: false,
  linksAtEnd: false,
}

/** The Markdown of a page. */
export function writeMarkdown(document: Document, style: MarkdownStyle): string {
  const writer: Writer = { style, links: new Map(), nesting: 0 }
  const text = blocksOf(writer, document.children).join("\n\n")
  const links = [...writer.links].map(([address, number]) => `[${number}]: ${address}`)
  const whole = links.length === 0 ? text : `${text}\n\n${links.join("\n")}`
  return limitNewLines(whole, style.newLinesMax).replace(/^\n+/, "").trimEnd()
}

type Writer = {
  readonly style: MarkdownStyle
  readonly links: Map<string, number>
  /** Lists and quotes that the place is in. */
  readonly nesting: number
}

/** Lists in lists and quotes in quotes that are written as such (ours): each adds to every line in it. */
const nestingMax = 20

const never: ReadonlySet<string> = new Set([
  "script",
  "style",
  "head",
  "title",
  "noscript",
  "template",
  "iframe",
  "object",
  "svg",
])
const blockNames: ReadonlySet<string> = new Set(
  "address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split(
    " ",
  ),
)

function isBlock({ style }: Writer, node: ChildNode): boolean {
  return isTag(node) && (blockNames.has(node.name) || style.blocks.has(node.name))
}

/** The blocks of a list of nodes; what stands between blocks is a paragraph. */
function blocksOf(writer: Writer, nodes: readonly ChildNode[]): string[] {
  const blocks: string[] = []
  let loose: ChildNode[] = []
  const flush = (): void => {
    const text = inlineOf(writer, loose).trim()
    if (text !== "") blocks.push(text)
    loose = []
  }
  for (const node of nodes) {
    if (isTag(node) && (never.has(node.name) || writer.style.ignored.has(node.name))) continue
    if (isTag(node) && isBlock(writer, node)) {
      flush()
      blocks.push(...blockOf(writer, node))
    } else if (isTag(node) && node.children.some((child) => isBlock(writer, child))) {
      flush()
      blocks.push(...blocksOf(writer, node.children))
    } else {
      loose.push(node)
    }
  }
  flush()
  return blocks
}

function blockOf(outer: Writer, element: Element): string[] {
  const { name, children } = element
  const isNesting = name === "blockquote" || name === "ul" || name === "ol" || name === "menu"
  const writer = isNesting ? { ...outer, nesting: outer.nesting + 1 } : outer
  if (writer.nesting > nestingMax) return blocksOf(writer, children)
  const heading = /^h([1-6])$/.exec(name)?.[1]
  if (heading !== undefined) {
    const text = inlineOf(writer, children)
      .replace(/\s*\n\s*/g, " ")
      .trim()
    return text === "" ? [] : [`${"#".repeat(Number(heading))} ${text}`]
  }
  switch (name) {
    case "hr":
      return ["---"]
    case "pre":
      return codeBlock(writer, element)
    case "blockquote":
      return quoteOf(blocksOf(writer, children))
    case "ul":
    case "menu":
    case "ol":
      return listOf(writer, element)
    case "table":
      return tableOf(writer, element)
    default:
      return blocksOf(writer, children)
  }
}

function codeBlock({ style }: Writer, element: Element): string[] {
  const code = textContent(element).replace(/\n$/, "")
  if (!style.isFenced) return [code.replace(/^/gm, "    ")]
  const inner = element.children.find((child): child is Element => isTag(child) && child.name === "code")
  const language =
    /(?:^|\s)(?:language|lang)-([\w+#.-]+)/.exec(inner?.attribs.class ?? element.attribs.class ?? "")?.[1] ?? ""
  let fence = style.fence
  while (code.includes(fence) && fence.length < 100) fence += fence[0] ?? "`"
  return [`${fence}${language}\n${code}\n${fence}`]
}

function quoteOf(blocks: readonly string[]): string[] {
  if (blocks.length === 0) return []
  return [blocks.join("\n\n").replace(/^/gm, "> ").replace(/^> $/gm, ">")]
}

function listOf(writer: Writer, list: Element): string[] {
  const first = Number(list.attribs.start ?? 1)
  let number = Number.isSafeInteger(first) ? first : 1
  const items = list.children.filter(isTag).map((item) => {
    const marker = list.name === "ol" ? `${number}. ` : `${writer.style.bullet} `
    number += 1
    const isNested = item.name === "ul" || item.name === "ol"
    const blocks = isNested ? blockOf(writer, item) : blocksOf(writer, item.children)
    const isTight = item.children.every((child) => !isTag(child) || child.name !== "p")
    const text = blocks.join(isTight ? "\n" : "\n\n")
    return marker + text.replace(/\n(?=[^\n])/g, `\n${" ".repeat(marker.length)}`)
  })
  return items.length === 0 ? [] : [items.join("\n")]
}

function tableOf(writer: Writer, table: Element): string[] {
  const rows = rowsOf(table).map((row) =>
    row.children
      .filter((cell): cell is Element => isTag(cell) && (cell.name === "td" || cell.name === "th"))
      .map((cell) =>
        blocksOf(writer, cell.children)
          .join(" ")
          .replace(/\s*\n\s*/g, " ")
          .replaceAll("|", "\\|"),
      ),
  )
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0)
  const [head, ...body] = rows
  if (head === undefined || width === 0 || width > tableColumnsMax)
    return blocksOf(writer, table.children.flatMap(childrenOf))
  const lineOf = (cells: readonly string[]): string =>
    `| ${Array.from({ length: width }, (_, index) => cells[index] ?? "").join(" | ")} |`
  return [[lineOf(head), lineOf(new Array<string>(width).fill("---")), ...body.map(lineOf)].join("\n")]
}

/** Columns of a table that is written as one (ours): each row is filled up to as many. */
const tableColumnsMax = 100

const childrenOf = (node: ChildNode): readonly ChildNode[] => ("children" in node ? node.children : [])

function rowsOf(table: Element): readonly Element[] {
  return table.children.filter(isTag).flatMap((child): readonly Element[] => {
    if (child.name === "tr") return [child]
    return child.children.filter((row): row is Element => isTag(row) && row.name === "tr")
  })
}

/** The text of nodes without blocks; blanks between words are one. */
function inlineOf(writer: Writer, nodes: readonly ChildNode[]): string {
  const parts: string[] = []
  let endsBlank = false
  for (const node of nodes) {
    const part = isText(node)
      ? escapeText(node.data.replace(/\s+/g, " "))
      : isTag(node)
        ? inlineElement(writer, node)
        : ""
    // A blank behind a blank, or at the beginning of a line, is none.
    const added: string = endsBlank ? part.replace(/^ /, "") : part
    if (added === "") continue
    parts.push(added)
    endsBlank = added.endsWith("\n") || added.endsWith(" ")
  }
  return parts.join("")
}

const marks: Readonly<Record<string, (style: MarkdownStyle) => string>> = {
  em: (style) => style.emphasis,
  i: (style) => style.emphasis,
  strong: (style) => style.strong,
  b: (style) => style.strong,
  del: () => "~~",
  s: () => "~~",
  strike: () => "~~",
}

function inlineElement(writer: Writer, element: Element): string {
  const { name, children, attribs } = element
  if (never.has(name) || writer.style.ignored.has(name)) return ""
  if (name === "br") return "  \n"
  if (name === "img") return imageOf(writer, attribs)
  if (name === "code" || name === "kbd" || name === "samp") return inlineCode(textContent(element))
  const text = inlineOf(writer, children)
  if (name === "a") return linkOf(writer, attribs.href ?? "", text)
  const mark = Object.hasOwn(marks, name) ? marks[name]?.(writer.style) : undefined
  return mark === undefined ? text : marked(text, mark)
}

/** Marks stand at the words: blanks inside of them would undo them. */
function marked(text: string, mark: string): string {
  const inner = text.trim()
  if (inner === "") return text
  return `${text.startsWith(" ") ? " " : ""}${mark}${inner}${mark}${text.endsWith(" ") ? " " : ""}`
}

function inlineCode(code: string): string {
  if (code === "") return ""
  const longest = code.match(/`+/g)?.reduce((most, run) => Math.max(most, run.length), 0) ?? 0
  const mark = "`".repeat(longest + 1)
  const gap = code.startsWith("`") || code.endsWith("`") ? " " : ""
  return `${mark}${gap}${code.replace(/\s+/g, " ")}${gap}${mark}`
}

function linkOf({ style, links }: Writer, address: string, text: string): string {
  const shown = text.trim()
  if (address === "" || shown === "") return text
  if (!style.linksAtEnd) return `[${shown}](${addressOf(address)})`
  const number = links.get(address) ?? links.size + 1
  links.set(address, number)
  return `[${shown}][${number}]`
}

function imageOf({ style }: Writer, { src = "", alt = "", title }: { readonly [name: string]: string }): string {
  if (src === "" || (src.startsWith("data:") && !style.keepsDataImages)) return ""
  const named = title === undefined || title === "" ? "" : ` "${title.replaceAll('"', '\\"')}"`
  return `![${escapeText(alt)}](${addressOf(src)}${named})`
}

/** Addresses with blanks or brackets stand in angle brackets. */
const addressOf = (address: string): string =>
  /[\s()]/.test(address) ? `<${address.replace(/[<>\s]/g, encodeURIComponent)}>` : address

/** Characters that would mean something else in Markdown. */
function escapeText(text: string): string {
  return text.replace(/[\\`*_[\]]/g, "\\$&")
}

function limitNewLines(text: string, most: number): string {
  return text.replace(/\n{2,}/g, (lines) => (lines.length > most ? "\n".repeat(most) : lines))
}
