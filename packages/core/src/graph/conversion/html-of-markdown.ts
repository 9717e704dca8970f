/** Markdown to HTML, by a library that takes as long as the text is long. */
import MakeMarkdown, { type MarkdownIt, type Token } from "markdown-it"
import { NodeFailure } from "../kinds/kind.ts"

/** What of Markdown is understood, and how headings and links are written. The defaults are n8n's (documented). */
export type HtmlStyle = {
  readonly tables: boolean
  readonly strikethrough: boolean
  readonly taskLists: boolean
  /** Every line end is one. */
  readonly lineBreaks: boolean
  /** Addresses in the text become links. */
  readonly autoLinks: boolean
  readonly linksInNewWindow: boolean
  readonly headingIds: "none" | "words" | "hyphens"
  readonly idPrefix: string
  /** The level of a heading with one mark: 1–6. */
  readonly headingStart: number
  readonly fencedCode: boolean
  readonly wholeDocument: boolean
}

/** Characters that are converted at once (ours). */
export const markdownCharsMax = 300_000

/** The HTML of Markdown. Throws NODE_SETTINGS_INVALID for a text that is too long. */
export function writeHtml(markdown: string, style: HtmlStyle): string {
  if (markdown.length > markdownCharsMax) {
    const message = `The Markdown has more than ${markdownCharsMax} characters; convert a smaller part of it.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  const html = converter(style).render(markdown).trimEnd()
  return style.wholeDocument
    ? `<!DOCTYPE HTML>\n<html>\n<head>\n<meta charset="utf-8">\n</head>\n<body>\n${html}\n</body>\n</html>`
    : html
}

function converter(style: HtmlStyle): MarkdownIt {
  const markdown = new MakeMarkdown({ html: true, breaks: style.lineBreaks, linkify: style.autoLinks })
  const off = [
    ...(style.tables ? [] : ["table"]),
    ...(style.strikethrough ? [] : ["strikethrough"]),
    ...(style.fencedCode ? [] : ["fence"]),
  ]
  markdown.disable(off)
  const ids = new Map<string, number>()
  markdown.core.ruler.push("ours", ({ tokens }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type === "heading_open" || token.type === "heading_close") {
        token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + style.headingStart - 1)}`
      }
      if (token.type === "heading_open" && style.headingIds !== "none") {
        token.attrSet("id", headingId(tokens[index + 1]?.content ?? "", style, ids))
      }
      for (const child of token.children ?? []) {
        if (child.type === "link_open" && style.linksInNewWindow) {
          child.attrSet("rel", "noopener noreferrer")
          child.attrSet("target", "_blank")
        }
      }
      if (style.taskLists && token.type === "inline" && tokens[index - 2]?.type === "list_item_open") markTask(token)
    }
  })
  return markdown
}

/** `[x]` at the beginning of a list item is a box. */
function markTask({ children }: Token): void {
  const first = children?.[0]
  const found = first?.type === "text" ? /^\[([ xX])\] /.exec(first.content) : null
  if (first === undefined || found === null) return
  first.type = "html_inline"
  const box = `<input type="checkbox" disabled${found[1] === " " ? "" : " checked"}>`
  first.content = `${box} ${escapeHtml(first.content.slice(found[0].length))}`
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
}

/** The words of a heading in small letters; a second one of the same gets a number. */
function headingId(title: string, { headingIds, idPrefix }: HtmlStyle, ids: Map<string, number>): string {
  const lower = title.toLowerCase()
  const words =
    headingIds === "hyphens" ? lower.replace(/ /g, "-").replace(/[^\p{L}\p{N}_-]/gu, "") : lower.replace(/[^\w]/g, "")
  const id = idPrefix + words
  const count = ids.get(id) ?? 0
  ids.set(id, count + 1)
  return count === 0 ? id : `${id}-${count}`
}
