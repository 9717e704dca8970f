/** Long texts in pieces: at blank lines where that is possible, else at line ends, else at blanks, else anywhere. Pure. */

/** In this order texts are cut. */
const separators = ["\n\n", "\n", " "] as const

/** Characters of a piece at most, and how many of the one before it begins with. */
export type SplitBounds = { readonly size: number; readonly overlap: number }

/** The pieces of a text, without blanks around them; none of nothing. */
export function splitText(text: string, { size, overlap }: SplitBounds): readonly string[] {
  const pieceMax = Math.max(1, Math.trunc(size))
  const shared = Math.max(0, Math.min(Math.trunc(overlap), pieceMax - 1))
  return joinParts(cut(text, pieceMax, 0), { size: pieceMax, overlap: shared })
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "")
}

/** Parts that are each short enough, and make the text together. */
function cut(text: string, pieceMax: number, level: number): readonly string[] {
  if (text.length <= pieceMax) return [text]
  const separator = separators[level]
  if (separator === undefined) return slices(text, pieceMax)
  const parts = text.split(separator)
  return parts.flatMap((part, index) => cut(index < parts.length - 1 ? part + separator : part, pieceMax, level + 1))
}

function slices(text: string, pieceMax: number): readonly string[] {
  const count = Math.ceil(text.length / pieceMax)
  return Array.from({ length: count }, (_, index) => text.slice(index * pieceMax, (index + 1) * pieceMax))
}

function joinParts(parts: readonly string[], { size, overlap }: SplitBounds): readonly string[] {
  const pieces: string[] = []
  const open: string[] = []
  let chars = 0
  for (const part of parts) {
    if (chars + part.length > size && open.length > 0) {
      pieces.push(open.join(""))
      while (open.length > 0 && (chars > overlap || chars + part.length > size)) chars -= open.shift()?.length ?? 0
    }
    open.push(part)
    chars += part.length
  }
  return open.length === 0 ? pieces : [...pieces, open.join("")]
}
