/**
 * A JSON template of a Set node in raw mode. What expressions give goes into the text as JSON, other than in texts:
 * objects and lists become JSON, null is `null`, a missing value is `undefined` inside quotes and null outside (recorded
 * outcomes). Text goes in as it is, so that quotes in it break the JSON.
 */
import { asText } from "../value-types.ts"
import type { KindContext } from "./kind.ts"

/** Resolves a template for one item: the text made, or the value itself where the template is one expression alone. */
export function resolveJsonTemplate(context: KindContext, template: string, itemIndex: number): unknown {
  if (!template.startsWith("=")) return template
  const parts = splitTemplate(template.slice(1))
  const inked = parts.filter(({ isExpression, text }) => isExpression || text.trim() !== "")
  const value = (part: Part): unknown => context.resolve(`=${part.text}`, itemIndex)
  const [only] = inked
  if (only?.isExpression === true && inked.length === 1) return value(only)
  let text = ""
  let place: Place = "outside"
  for (const part of parts) {
    const added = part.isExpression ? inserted(value(part), place) : part.text
    place = placeAfter(added, place)
    text += added
  }
  return text
}

/** A literal part, or an expression with its braces. */
type Part = { readonly isExpression: boolean; readonly text: string }

/** An expression ends at the first `}}`; one that is not closed goes on to the end (recorded outcomes). */
function splitTemplate(template: string): readonly Part[] {
  const parts: Part[] = []
  let from = 0
  while (from < template.length) {
    const open = template.indexOf("{{", from)
    const end = open < 0 ? template.length : open
    if (end > from) parts.push({ isExpression: false, text: template.slice(from, end) })
    if (open < 0) break
    const close = template.indexOf("}}", open + 2)
    from = close < 0 ? template.length : close + 2
    parts.push({ isExpression: true, text: template.slice(open, from) })
  }
  return parts
}

/** Whether a place in JSON text lies inside a text, between quotes, or outside of any. */
type Place = "inside" | "outside"

function inserted(value: unknown, place: Place): string {
  if (value === undefined) return place === "inside" ? "undefined" : "null"
  return value === null ? "null" : (asText(value) ?? "null")
}

/** The place behind a piece of JSON text that begins at a place. */
function placeAfter(text: string, before: Place): Place {
  let place = before
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\" && place === "inside") at += 1
    else if (text[at] === '"') place = place === "inside" ? "outside" : "inside"
  }
  return place
}
