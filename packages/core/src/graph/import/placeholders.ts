/**
 * Texts with places for values, as other systems write them: `{{#node.field#}}`, `{{ name }}`, `{name}`. What stands
 * between the signs is handed to whoever knows what it means; what nobody knows stays as it is.
 */
import type { Piece } from "./expression-text.ts"

/** The signs around a place, and how much may stand between them. */
export type Signs = { readonly open: string; readonly close: string; readonly charsMax?: number }

/** Characters between the signs, where a format does not say otherwise (ours): longer ones are text that looks alike. */
const insideCharsMax = 300

/** The text in pieces. `read` gives the value of a place, or null where it is none. Linear in the text. */
export function readPlaceholders(
  text: string,
  { open, close, charsMax = insideCharsMax }: Signs,
  read: (inside: string) => Piece | null,
): readonly Piece[] {
  const pieces: Piece[] = []
  let from = 0
  let at = text.indexOf(open)
  while (at >= 0) {
    const begin = at + open.length
    const length = text.slice(begin, begin + charsMax + close.length).indexOf(close)
    const piece = length < 0 ? null : read(text.slice(begin, begin + length))
    if (piece === null) {
      at = text.indexOf(open, at + 1)
      continue
    }
    if (at > from) pieces.push(text.slice(from, at))
    pieces.push(piece)
    from = begin + length + close.length
    at = text.indexOf(open, from)
  }
  if (from < text.length) pieces.push(text.slice(from))
  return pieces
}

/**
 * A name with steps behind it: `user.address["street name"][0]`. Null for anything else: calls, filters, operators.
 */
export function readNamePath(text: string): readonly (string | number)[] | null {
  const path: (string | number)[] = []
  let rest = text.trim()
  while (rest !== "") {
    const [whole, name, index, quoted] =
      /^(?:\.?([\p{L}_$][\p{L}\p{N}_$-]*)|\[(\d{1,9})\]|\[(?:'([^'\\\]]*)'|"[^"\\\]]*")\])/u.exec(rest) ?? []
    if (whole === undefined || (path.length === 0 && name === undefined)) return null
    if (path.length > 0 && name !== undefined && !whole.startsWith(".")) return null
    if (path.length === 0 && whole.startsWith(".")) return null
    if (name !== undefined) path.push(name)
    else if (index !== undefined) path.push(Number(index))
    else path.push(quoted ?? whole.slice(2, -2))
    rest = rest.slice(whole.length)
  }
  return path.length === 0 ? null : path
}
