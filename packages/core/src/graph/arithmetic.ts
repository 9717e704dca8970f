/**
 * Arithmetic in the notation that people and models write: `2*(3+4)`, `sqrt(2)^3`, `-5 % 3`. A parser of its own, so that
 * nothing but numbers can come of a text from outside. Pure; the text's length and nesting are bounded.
 *
 *     sum      := product  { ("+" | "-") product }
 *     product  := unary    { ("*" | "/" | "%") unary }
 *     unary    := ("+" | "-") unary | power
 *     power    := atom [ ("^" | "**") unary ]            binds to the right: 2^3^2 = 2^9; -2^2 = -4
 *     atom     := number | name | name "(" [ sum { "," sum } ] ")" | "(" sum ")"      each may be followed by "!"
 */

/** A text that is no arithmetic, or too much of it; the message says what is wrong. */
export class ArithmeticError extends Error {
  override readonly name = "ArithmeticError"
}

const charsMax = 2_000
const depthMax = 100
/** Beyond it factorials are infinite anyway. */
const factorialMax = 170

const constants: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["e", Math.E],
])

type Numeric = (...values: number[]) => number

const functions: ReadonlyMap<string, Numeric> = new Map<string, Numeric>([
  ...(["abs", "ceil", "floor", "round", "trunc", "sign", "sqrt", "cbrt", "exp", "log2", "log10"] as const).map(unary),
  ...(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"] as const).map(
    unary,
  ),
  ["ln", (value = Number.NaN) => Math.log(value)],
  ["log", (value = Number.NaN, base) => (base === undefined ? Math.log(value) : Math.log(value) / Math.log(base))],
  ["pow", (value = Number.NaN, exponent = Number.NaN) => value ** exponent],
  ["min", (...values) => (values.length === 0 ? Number.NaN : Math.min(...values))],
  ["max", (...values) => (values.length === 0 ? Number.NaN : Math.max(...values))],
  ["hypot", (...values) => Math.hypot(...values)],
  ["atan2", (y = Number.NaN, x = Number.NaN) => Math.atan2(y, x)],
  ["fac", (value = Number.NaN) => factorial(value)],
])

function unary(name: Exclude<keyof typeof Math & string, "PI">): readonly [string, Numeric] {
  const operation = Math[name] as Numeric
  return [name, (value = Number.NaN) => operation(value)]
}

/** The value of a text; infinite and undefined values are numbers here too. Throws ArithmeticError. */
export function calculate(text: string): number {
  if (text.length > charsMax) throw new ArithmeticError(`The calculation is longer than ${charsMax} characters.`)
  const reader = new Reader(text)
  const value = sum(reader, 0)
  if (!reader.isAtEnd) throw reader.unexpected()
  return value
}

/** Reads a text from left to right. Blanks mean nothing. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    this.#skipBlanks()
    return this.#at >= this.#text.length
  }

  /** Takes one of these signs if it is next; the longer ones come first. */
  takeOne(...signs: readonly string[]): string | null {
    this.#skipBlanks()
    const sign = signs.find((candidate) => this.#text.startsWith(candidate, this.#at)) ?? null
    this.#at += sign?.length ?? 0
    return sign
  }

  /** Takes what fits a sticky pattern if it is next. */
  take(pattern: RegExp): string | null {
    this.#skipBlanks()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    this.#at += found?.length ?? 0
    return found
  }

  unexpected(): ArithmeticError {
    if (this.isAtEnd) return new ArithmeticError("The calculation ends too early.")
    return new ArithmeticError(
      `${JSON.stringify(this.#text.charAt(this.#at))} at place ${this.#at + 1} is not expected.`,
    )
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1
  }
}

function sum(reader: Reader, depth: number): number {
  if (depth > depthMax) throw new ArithmeticError(`The calculation is nested more than ${depthMax} times.`)
  let value = product(reader, depth)
  for (let sign = reader.takeOne("+", "-"); sign !== null; sign = reader.takeOne("+", "-")) {
    const next = product(reader, depth)
    value = sign === "+" ? value + next : value - next
  }
  return value
}

function product(reader: Reader, depth: number): number {
  let value = signed(reader, depth)
  for (let sign = reader.takeOne("*", "/", "%"); sign !== null; sign = reader.takeOne("*", "/", "%")) {
    const next = signed(reader, depth)
    value = sign === "*" ? value * next : sign === "/" ? value / next : value % next
  }
  return value
}

function signed(reader: Reader, depth: number): number {
  if (depth > depthMax) throw new ArithmeticError(`The calculation is nested more than ${depthMax} times.`)
  const sign = reader.takeOne("+", "-")
  if (sign === null) return power(reader, depth)
  return sign === "-" ? -signed(reader, depth + 1) : signed(reader, depth + 1)
}

function power(reader: Reader, depth: number): number {
  const value = atom(reader, depth)
  return reader.takeOne("**", "^") === null ? value : value ** signed(reader, depth + 1)
}

const numberPattern = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const namePattern = /[A-Za-z][A-Za-z0-9]*/y

function atom(reader: Reader, depth: number): number {
  let value = plainAtom(reader, depth)
  while (reader.takeOne("!") !== null) value = factorial(value)
  return value
}

function plainAtom(reader: Reader, depth: number): number {
  const number = reader.take(numberPattern)
  if (number !== null) return Number(number)
  if (reader.takeOne("(") !== null) return closed(reader, sum(reader, depth + 1))
  const name = reader.take(namePattern)?.toLowerCase()
  if (name === undefined) throw reader.unexpected()
  const constant = constants.get(name)
  if (constant !== undefined) return constant
  const operation = functions.get(name)
  if (operation === undefined) throw new ArithmeticError(`There is no function or constant ${JSON.stringify(name)}.`)
  if (reader.takeOne("(") === null) throw reader.unexpected()
  return operation(...argumentsOf(reader, depth + 1))
}

function argumentsOf(reader: Reader, depth: number): number[] {
  if (reader.takeOne(")") !== null) return []
  const values = [sum(reader, depth)]
  while (reader.takeOne(",") !== null) values.push(sum(reader, depth))
  closed(reader, 0)
  return values
}

function closed(reader: Reader, value: number): number {
  if (reader.takeOne(")") === null) throw reader.unexpected()
  return value
}

function factorial(value: number): number {
  if (!Number.isInteger(value) || value < 0) return Number.NaN
  if (value > factorialMax) return Number.POSITIVE_INFINITY
  let result = 1
  for (let factor = 2; factor <= value; factor += 1) result *= factor
  return result
}
