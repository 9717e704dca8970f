/** Text without its Markdown, for `output_mode: plain` (documented: "all markdown formatting stripped"). */

/** Marks at the beginning of a line: heading, quote, bullet. Numbers of lists stay: they are part of what is said. */
const lineMark = /^[ \t]*(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)/
const rule = /^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/
const fence = /^[ \t]*(?:```|~~~)/
/** A link or picture: its text, then its address. Bounded, so that hostile text costs no more than its length. */
const link = /!?\[([^[\]\n]{0,1000})\]\([^()\s]{0,2000}(?:[ \t]+"[^"\n]{0,200}")?\)/g
const code = /`{1,3}([^`\n]{1,2000})`{1,3}/g
const strong = /(\*\*|__|~~)(?=\S)([^\n*_~]{1,2000}?)\1/g
/** Emphasis stands at the edges of words, so that names_with_underscores and 2*3*4 stay. */
const emphasis = /(^|[\s("'])([*_])(?=\S)([^\n*_]{1,2000}?)\2(?=$|[\s.,;:!?)"'])/g

/** The text with headings, lists, quotes, emphasis, links and code shown as plain words. Fenced code keeps its lines. */
export function stripMarkdown(text: string): string {
  const stripper = makeMarkdownStripper()
  return stripper.push(text) + stripper.end()
}

/** Strips a text that comes in pieces. Nothing is given of a line before it is whole. */
export type MarkdownStripper = { push(piece: string): string; end(): string }

/** A stripper for one text: all that it gives is what `stripMarkdown` gives of the whole. */
export function makeMarkdownStripper(): MarkdownStripper {
  let open = ""
  let isCode = false
  let isFirst = true
  const give = (line: string): string => {
    if (fence.test(line)) {
      isCode = !isCode
      return ""
    }
    if (!isCode && rule.test(line)) return ""
    const given = `${isFirst ? "" : "\n"}${isCode ? line : stripLine(line)}`
    isFirst = false
    return given
  }
  return {
    push(piece) {
      const lines = (open + piece).split("\n")
      open = lines.pop() ?? ""
      return lines.map(give).join("")
    },
    end: () => give(open),
  }
}

function stripLine(line: string): string {
  return line
    .replace(lineMark, "")
    .replace(link, "$1")
    .replace(code, "$1")
    .replace(strong, "$2")
    .replace(emphasis, "$1$3")
}
