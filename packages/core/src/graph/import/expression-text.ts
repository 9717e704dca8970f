/**
 * Texts of parameters, written so that they mean what a foreign text meant: what was literal stays literal, whatever signs
 * of our expressions it holds, and what referred to a value becomes an expression.
 *
 *     Dear {{#start.name#}}, …     [ "Dear ", { code: "$('Start').first().json.name" }, ", …" ]
 *                                  =Dear {{ $('Start').first().json.name }}, …
 */

/** A piece of a text: literal, or an expression without its braces. */
export type Piece = string | { readonly code: string }

/** A text whose every sign means itself. */
export function literalText(text: string): string {
  return text.startsWith("=") ? `=${escaped(text, "")}` : text
}

/** A text of pieces. A single expression keeps the type of its value; without expressions it is literal. */
export function templateText(pieces: readonly Piece[]): string {
  const whole = joined(pieces)
  if (whole.every((piece) => typeof piece === "string")) return literalText(whole.join(""))
  const parts = whole.map((piece, index) => {
    if (typeof piece !== "string") return `{{ ${inBraces(piece.code)} }}`
    return escaped(piece, whole[index + 1] === undefined ? "" : "{")
  })
  return `=${parts.join("")}`
}

/** The same as the source of an expression that always gives a text, for places inside of other expressions. */
export function templateCode(pieces: readonly Piece[]): string {
  const parts = joined(pieces).map((piece) => (typeof piece === "string" ? quoteCode(piece) : `(${piece.code} ?? "")`))
  const [first] = parts
  if (first === undefined) return '""'
  return parts.length === 1 && first.startsWith('"') ? first : `[${parts.join(", ")}].join("")`
}

/** A value of JSON as the source of an expression. */
export function quoteCode(value: unknown): string {
  if (typeof value === "object" && value !== null) return `JSON.parse(${quoteCode(JSON.stringify(value))})`
  if (typeof value !== "string") return String(value ?? null)
  // Closing braces would end the expression, and the separators of lines end a text in older grammars.
  return JSON.stringify(value)
    .replaceAll("}", "\\u007d")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029")
}

const plainName = /^[^'\\{}\p{C}\u2028\u2029]*$/u

/** The source that means a node by its name. */
export function nodeCode(name: string): string {
  return plainName.test(name) ? `$('${name}')` : `$(${quoteCode(name)})`
}

const identifier = /^[A-Za-z_$][\w$]*$/

/** The source that reads a path of fields: `.a["b c"][0]`. Where `safe`, a missing step gives nothing. */
export function pathCode(path: readonly (string | number)[]): string {
  return path
    .map((step) => {
      if (typeof step === "string" && identifier.test(step)) return `?.${step}`
      return `?.[${quoteCode(step)}]`
    })
    .join("")
}

/** Neighbouring literal pieces as one. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const whole: Piece[] = []
  for (const piece of pieces) {
    const last = whole.at(-1)
    if (typeof piece === "string" && typeof last === "string") whole[whole.length - 1] = last + piece
    else if (piece !== "") whole.push(piece)
  }
  return whole
}

/** Literal text inside a template: two opening braces that follow each other there would begin an expression. */
function escaped(text: string, next: "" | "{"): string {
  const safe = text.replaceAll("{{", '{{ "{" }}{{ "{" }}')
  return next === "{" && safe.endsWith("{") ? `${safe.slice(0, -1)}{{ "{" }}` : safe
}

/** An expression ends at the first two closing braces, whatever stands around them. */
function inBraces(code: string): string {
  return code.replaceAll("}}", "} }")
}
