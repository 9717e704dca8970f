/** Texts that other systems keep as pages or trees, as the plain text that they show. */
import { isJsonObject, type JsonValue } from "../../json.ts"
import { isShallow, listAt, textAt } from "./fields.ts"

/** Tags behind which a line ends. */
const blocks: ReadonlySet<string> = new Set([
  "p",
  "/p",
  "br",
  "div",
  "/div",
  "li",
  "/li",
  "h1",
  "h2",
  "h3",
  "h4",
  "/ul",
  "/ol",
  "tr",
])

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["#39", "'"],
  ["nbsp", " "],
])

/**
 * The text of a small page, as editors of prompts write them: blocks on lines of their own, tags and entities gone. A text
 * without tags stays as it is. Linear in the text.
 */
export function htmlToText(html: string): string {
  if (!/<\/?[a-z][^<>]{0,300}>/i.test(html)) return html
  let text = ""
  let at = 0
  while (at < html.length) {
    const open = html.indexOf("<", at)
    const end = open < 0 ? html.length : open
    text += html.slice(at, end)
    if (open < 0) break
    const [tag, name] = /^<(\/?[a-zA-Z][\w-]{0,30})[^<>]{0,2000}>/.exec(html.slice(open, open + 2_100)) ?? []
    if (tag === undefined) {
      text += "<"
      at = open + 1
      continue
    }
    if (blocks.has(name?.toLowerCase() ?? "") && text !== "" && !text.endsWith("\n")) text += "\n"
    if (name?.toLowerCase() === "li") text += "- "
    at = open + tag.length
  }
  return text.replace(/&([a-z]{2,5}|#39);/g, (whole, name: string) => entities.get(name) ?? whole).trim()
}

/** The text of a note that is kept as the tree of an editor (`{"root":{"children":[…]}}`); other texts stay as they are. */
export function lexicalText(text: string): string {
  if (!text.startsWith("{")) return text
  const tree = parsed(text)
  if (!isJsonObject(tree) || !isShallow(tree, 60)) return text
  const lines: string[] = []
  const visit = (node: JsonValue): string => {
    if (!isJsonObject(node)) return ""
    const own = textAt(node, "text")
    const inner = listAt(node, "children").map(visit).join("")
    const isBlock = ["paragraph", "heading", "listitem", "quote"].includes(textAt(node, "type"))
    if (!isBlock) return own + inner
    lines.push(own + inner)
    return ""
  }
  const rest = visit(tree.root ?? null)
  return [...lines, ...(rest === "" ? [] : [rest])].join("\n")
}

function parsed(text: string): JsonValue | null {
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null
    throw error
  }
}
