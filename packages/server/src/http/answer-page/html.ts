/** HTML as text, with everything that is put into it escaped, unless it is HTML itself. */

/** A piece of HTML. Only `html` makes it, so that no text can be taken for it. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | readonly Html[] | null

/** HTML from a template: what is put in is escaped; pieces of HTML, and lists of them, stand as they are; null is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.map((text, index) => text + partOf(parts[index] ?? null)).join(""))
}

function partOf(part: Part): string {
  if (part === null) return ""
  if (part instanceof Html) return part.text
  if (typeof part === "object") return part.map((piece) => piece.text).join("")
  return String(part).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
