/** Titles of threads made from what was said: short, one line, plain text (documented: at most 50 characters). */
import { stripMarkdown } from "../graph/markdown.ts"

/** Characters of a made title (documented). */
export const madeTitleLengthMax = 50

/** How much of a text is looked at for a title. */
const readLengthMax = 2_000

const unwanted = /[\p{Cc}\p{Surrogate}]+/gu
const quoted = /^["'“”„«»‘’`]+|["'“”„«»‘’`]+$/gu
const label = /^(?:title|titel|titre)\s*:\s*/i
const closing = /[\s.,;:!?…-]+$/u

/** A title cut from a text: its first line that says something; null where none does. */
export function titleFromText(text: string): string | null {
  for (const line of stripMarkdown(text.slice(0, readLengthMax)).split(/[\n\r]+/)) {
    const title = shorten(oneLine(line))
    if (title !== "") return title
  }
  return null
}

/** What a model gave as a title, without the quotes, labels and full stops that models add; null where nothing is left. */
export function cleanTitle(text: string): string | null {
  const line = titleFromText(text)
  if (line === null) return null
  const bare = line.replace(quoted, "").replace(label, "").replace(quoted, "").replace(closing, "").trim()
  return bare === "" ? null : bare
}

function oneLine(text: string): string {
  return text.replace(unwanted, " ").replace(/\s+/gu, " ").trim()
}

/** At most so many characters, cut between words where a word ends in the second half. */
function shorten(text: string): string {
  const characters = [...text]
  if (characters.length <= madeTitleLengthMax) return text
  const head = characters.slice(0, madeTitleLengthMax - 1).join("")
  const blank = head.lastIndexOf(" ")
  const cut = blank > head.length / 2 ? head.slice(0, blank) : head
  return `${cut.replace(closing, "")}…`
}
