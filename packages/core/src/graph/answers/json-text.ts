/** The JSON that a model's text holds. Pure. */
import { findJsonFault, type JsonValue } from "../../json.ts"

/** The JSON of an answer: what stands in its fence, where it has one, else all of it. Undefined where that is no JSON. */
export function jsonInText(text: string): JsonValue | undefined {
  const json = fencedPart(text) ?? text
  const value = parse(json) ?? parse(withEscapedBreaks(json))
  return value === undefined || findJsonFault(value) !== null ? undefined : value
}

/**
 * What stands between the first fence and the one that closes it. Looked for by hand: a pattern with a lazy middle would
 * look at long texts again and again.
 */
function fencedPart(text: string): string | null {
  const opening = text.indexOf("```")
  if (opening < 0) return null
  let from = opening + 3
  while (from < text.length && /[A-Za-z0-9]/.test(text.charAt(from))) from += 1
  const closing = text.indexOf("```", from)
  return text.slice(from, closing < 0 ? text.length : closing)
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    // No JSON is an answer here: the caller says what it means.
    return undefined
  }
}

/** Models write line breaks inside of texts as they are; JSON wants them escaped. */
function withEscapedBreaks(text: string): string {
  const parts: string[] = []
  let isInside = false
  let from = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (isInside && char === "\\") at += 1
    else if (char === '"') isInside = !isInside
    else if (isInside && (char === "\n" || char === "\r" || char === "\t")) {
      parts.push(text.slice(from, at), char === "\n" ? "\\n" : char === "\r" ? "\\r" : "\\t")
      from = at + 1
    }
  }
  return parts.length === 0 ? text : parts.join("") + text.slice(from)
}
