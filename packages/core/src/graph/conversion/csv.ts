/** Comma-separated values (RFC 4180): texts in, rows out, and back. Pure, in one pass over the text. */

/** How values are separated. */
export type CsvFormat = { readonly delimiter: string }

/** Cells of one row, and rows of one file (ours). */
const cellsMax = 10_000

/** The rows of a text. Quotes that are never closed reach to the end; `rowsMax`: what is beyond is left out. */
export function readCsv(text: string, { delimiter }: CsvFormat, rowsMax: number): readonly (readonly string[])[] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text
  const endRow = (): void => {
    // An empty line is no row.
    if (row.length > 1 || row[0] !== "") rows.push(row)
    row = []
  }
  while (at < source.length && rows.length < rowsMax) {
    const cell = source[at] === '"' ? quotedCell(source, at, delimiter) : plainCell(source, at, delimiter)
    if (row.length < cellsMax) row.push(cell.text)
    at = cell.end
    if (source.startsWith(delimiter, at)) {
      at += delimiter.length
      // Nothing follows the last delimiter: one more empty cell.
      if (at >= source.length && row.length < cellsMax) row.push("")
      continue
    }
    at += source.startsWith("\r\n", at) ? 2 : 1
    endRow()
  }
  if (row.length > 0 && rows.length < rowsMax) endRow()
  return rows
}

type Cell = { readonly text: string; readonly end: number }

function plainCell(source: string, from: number, delimiter: string): Cell {
  let end = from
  while (end < source.length && source[end] !== "\n" && source[end] !== "\r" && !source.startsWith(delimiter, end))
    end += 1
  return { text: source.slice(from, end), end }
}

/** A doubled quote stands for one; what follows the closing one up to the delimiter belongs to the cell. */
function quotedCell(source: string, from: number, delimiter: string): Cell {
  const parts: string[] = []
  let at = from + 1
  for (;;) {
    const quote = source.indexOf('"', at)
    if (quote < 0) return { text: parts.join("") + source.slice(at), end: source.length }
    parts.push(source.slice(at, quote))
    if (source[quote + 1] !== '"') {
      const rest = plainCell(source, quote + 1, delimiter)
      return { text: parts.join("") + rest.text, end: rest.end }
    }
    parts.push('"')
    at = quote + 2
  }
}

/** Rows as a text; a line break ends each. */
export function writeCsv(rows: readonly (readonly string[])[], { delimiter }: CsvFormat): string {
  const cell = (text: string): string => {
    const isPlain = !/["\r\n]/.test(text) && !text.includes(delimiter) && text === text.trim()
    return isPlain ? text : `"${text.replaceAll('"', '""')}"`
  }
  return rows.map((row) => `${row.map(cell).join(delimiter)}\n`).join("")
}
