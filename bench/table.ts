/** Rows as a Markdown table that can also be read in a terminal. */
import type { Aim, Row } from "./figures.ts"
import type { Spread } from "./statistics.ts"

/** The table. Each cell is the median of the rounds, with the smallest and the largest in parentheses. */
export function renderTable(rows: readonly Row[]): string {
  const heads = ["what", "Brevet", "floor", "ratio", "aim"]
  const cells = rows.map((row) => [
    `${row.what} (${row.unit})`,
    renderSpread(row.brevet, row.digits),
    row.floor === null ? "–" : renderSpread(row.floor, row.digits),
    row.ratio === null ? "–" : renderSpread(row.ratio, 2),
    renderAim(row),
  ])
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map((line) => line[column]?.length ?? 0)))
  const isText = (column: number): boolean => column === 0 || column === heads.length - 1
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, column) => {
      const width = widths[column] ?? 0
      return isText(column) ? text.padEnd(width) : text.padStart(width)
    })
    return `| ${padded.join(" | ")} |`
  }
  const rule = widths.map((width, column) => (isText(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [line(heads), line(rule), ...cells.map(line)].join("\n")
}

function renderSpread({ median, min, max, values }: Spread, digits: number): string {
  if (values.length === 1) return renderNumber(median, digits)
  return `${renderNumber(median, digits)} (${renderNumber(min, digits)}–${renderNumber(max, digits)})`
}

function renderAim({ aim, reached, digits }: Row): string {
  if (aim === null) return ""
  const sign = aim.at === "least" ? "≥" : "≤"
  const verdict = reached === null ? "" : reached ? ", reached" : ", **missed**"
  return `${sign} ${renderAimed(aim, digits)}${verdict}`
}

function renderAimed({ of, value }: Aim, digits: number): string {
  return of === "ratio" ? `${value} of the floor` : renderNumber(value, Number.isInteger(value) ? 0 : digits)
}

/** A number with a comma between thousands. */
function renderNumber(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
