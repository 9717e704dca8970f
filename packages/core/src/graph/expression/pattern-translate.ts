/**
 * Turns the source of a JavaScript regular expression into the syntax of the linear-time engine, and computes its size
 * with all repetitions written out, so that a small pattern can not become a giant program.
 *
 * Owns: the differences between the two syntaxes (classes of white space, the dot, escapes, braces that are literal,
 * names of groups). Not: whether the source is valid JavaScript, which was checked before. What the engine can not do
 * in linear time (looking around, back-references) is refused here with a sentence that says so.
 *
 * Known differences that stay: without the `u` flag characters beyond U+FFFF count as one, `m` takes only `\n` as the
 * end of a line, a group in a repetition keeps what it matched last, ignoring case folds a few more letters (`ſ` is an
 * `s`), and a repetition whose content matches nothing ends there (`(a??)*` does not look for another way).
 */

import { ExpressionError, limitError } from "./errors.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"

/** A pattern for the engine. */
export type TranslatedPattern = {
  readonly source: string
  /** Number of every named group. */
  readonly groupNumbers: ReadonlyMap<string, number>
  readonly groupCount: number
  /** About the number of instructions it will become. */
  readonly size: number
}

const SPACE = "\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
const NOT_SPACE =
  "\\x00-\\x08\\x0e-\\x1f!-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}" +
  "\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
const LINE_ENDS = "\\n\\r\\x{2028}\\x{2029}"
const ENGINE_REPEAT_MAX = 1000

/** Translates a source that is valid JavaScript. Throws `ExpressionError` for what the engine can not do. */
export function translatePattern(source: string, flags: string): TranslatedPattern {
  const translation = new Translation(source, flags)
  return translation.run()
}

/** One group being read: the size of what is in it, and of its last piece, which a quantifier would repeat. */
type OpenGroup = { size: number; last: number; alternatives: number }

class Translation {
  private readonly source: string
  private readonly unicode: boolean
  private readonly dotAll: boolean
  private readonly totalGroups: number
  private readonly hasNames: boolean
  private readonly groupNumbers = new Map<string, number>()
  private readonly open: OpenGroup[] = [{ size: 0, last: 0, alternatives: 1 }]
  private groupCount = 0
  private at = 0
  private out = ""

  constructor(source: string, flags: string) {
    this.source = source
    this.unicode = flags.includes("u")
    this.dotAll = flags.includes("s")
    const counts = countGroups(source)
    this.totalGroups = counts.groups
    this.hasNames = counts.hasNames
    if (counts.groups > EXPRESSION_LIMITS.patternGroupsMax) {
      throw limitError("groups in a regular expression", `${EXPRESSION_LIMITS.patternGroupsMax} groups`)
    }
  }

  run(): TranslatedPattern {
    while (this.at < this.source.length) this.next()
    const size = this.open.reduce((sum, group) => sum + group.size + group.last, 0)
    this.checkSize(size)
    return { source: this.out, groupNumbers: this.groupNumbers, groupCount: this.groupCount, size }
  }

  private next(): void {
    const char = this.source.charAt(this.at)
    if (char === "(") this.openGroup()
    else if (char === ")") this.closeGroup()
    else if (char === "[") this.readClass()
    else if (char === "\\") this.readEscape()
    else if (char === "*" || char === "+" || char === "?") this.readQuantifier(char)
    else if (char === "{") this.readBrace()
    else this.readPlain(char)
  }

  private readPlain(char: string): void {
    this.at++
    if (char === "|" || char === "^" || char === "$") this.piece(1, char)
    else if (char === ".") this.piece(1, this.dotAll ? "[\\x00-\\x{10ffff}]" : `[^${LINE_ENDS}]`)
    else this.literal(this.readCodePoint(this.at - 1))
  }

  private readCodePoint(at: number): number {
    const code = this.source.codePointAt(at) ?? 0
    this.at = at + (code > 0xffff ? 2 : 1)
    return code
  }

  private literal(code: number): void {
    this.piece(1, escapeCode(code))
  }

  /** Ends the piece before and begins one of this size. */
  private piece(size: number, text = ""): void {
    const group = this.innermost()
    group.size += group.last
    group.last = size
    this.out += text
  }

  private innermost(): OpenGroup {
    const group = this.open.at(-1)
    if (group === undefined) throw new ExpressionError("The regular expression closes a group that was not opened.")
    return group
  }

  private openGroup(): void {
    const rest = this.source.slice(this.at, this.at + 4)
    if (rest.startsWith("(?=") || rest.startsWith("(?!") || rest.startsWith("(?<=") || rest.startsWith("(?<!")) {
      throw refusal("looks ahead or behind ((?=, (?!, (?<=, (?<!)")
    }
    if (rest.startsWith("(?:")) {
      this.at += 3
      this.out += "(?:"
    } else if (rest.startsWith("(?<")) {
      const end = this.source.indexOf(">", this.at)
      this.groupCount++
      this.groupNumbers.set(this.source.slice(this.at + 3, end), this.groupCount)
      this.at = end + 1
      this.out += "("
    } else if (rest.startsWith("(?")) {
      throw refusal("changes its flags in the middle ((?i:…))")
    } else {
      this.at++
      this.groupCount++
      this.out += "("
    }
    if (this.open.length > EXPRESSION_LIMITS.valueDepthMax) {
      throw limitError("groups inside groups", `${EXPRESSION_LIMITS.valueDepthMax} levels in a regular expression`)
    }
    this.open.push({ size: 2, last: 0, alternatives: 1 })
  }

  private closeGroup(): void {
    const group = this.innermost()
    this.open.pop()
    this.at++
    this.out += ")"
    this.piece(group.size + group.last)
  }

  private readQuantifier(sign: string): void {
    this.at++
    this.finishQuantifier(sign, sign === "+" ? 2 : 1)
  }

  private readBrace(): void {
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.source.slice(this.at, this.at + 40))
    if (found === null) {
      this.at++
      this.literal("{".charCodeAt(0))
      return
    }
    const least = Number(found[1])
    const most = found[3] === undefined || found[3] === "" ? least : Number(found[3])
    if (Math.max(least, most) > ENGINE_REPEAT_MAX) {
      throw limitError("repetitions in a regular expression", `{${ENGINE_REPEAT_MAX}}`)
    }
    this.at += found[0].length
    this.finishQuantifier(found[0], Math.max(1, least, most) + 1)
  }

  private finishQuantifier(text: string, times: number): void {
    this.out += text
    if (this.source[this.at] === "?") {
      this.out += "?"
      this.at++
    }
    const group = this.innermost()
    group.last = group.last * times + 1
    this.checkSize(group.last)
  }

  private checkSize(size: number): void {
    if (size > EXPRESSION_LIMITS.patternSizeMax) {
      throw limitError("a regular expression that is too large", `${EXPRESSION_LIMITS.patternSizeMax} with repetitions`)
    }
  }

  private readClass(): void {
    this.at++
    const isNegated = this.source[this.at] === "^"
    if (isNegated) this.at++
    let inner = ""
    let members = 0
    // A dash makes a range only right after a single character that does not itself end a range.
    let canBegin = false
    let isOpen = false
    while (this.at < this.source.length && this.source[this.at] !== "]") {
      members++
      const isSet = /^\\[dDwWsSpP]/.test(this.source.slice(this.at, this.at + 2))
      if (this.source[this.at] === "-" && !isOpen) {
        isOpen = canBegin && this.isBeforeCharacter()
        inner += isOpen ? "-" : "\\-"
        canBegin = false
        this.at++
        continue
      }
      inner += this.source[this.at] === "\\" ? this.classEscape() : escapeCode(this.readCodePoint(this.at))
      canBegin = !isOpen && !isSet
      isOpen = false
    }
    this.at++
    if (inner === "") {
      this.piece(1, isNegated ? "[\\x00-\\x{10ffff}]" : "[^\\x00-\\x{10ffff}]")
      return
    }
    this.piece(1 + Math.floor(members / 8), `[${isNegated ? "^" : ""}${inner}]`)
  }

  private isBeforeCharacter(): boolean {
    return !/^(\]|$|\\[dDwWsSpP])/.test(this.source.slice(this.at + 1, this.at + 3))
  }

  private classEscape(): string {
    const char = this.source[this.at + 1] ?? ""
    if (char === "b") {
      this.at += 2
      return "\\x08"
    }
    if (char === "s" || char === "S") {
      this.at += 2
      return char === "s" ? SPACE : NOT_SPACE
    }
    return this.commonEscape(char)
  }

  private readEscape(): void {
    const char = this.source[this.at + 1] ?? ""
    if (char === "b" || char === "B") {
      this.at += 2
      this.piece(1, `\\${char}`)
      return
    }
    if (char === "s" || char === "S") {
      this.at += 2
      this.piece(1, `[${char === "s" ? SPACE : NOT_SPACE}]`)
      return
    }
    const number = /^[1-9]\d*/.exec(this.source.slice(this.at + 1, this.at + 10))?.[0]
    const refersBack = number !== undefined && (this.unicode || Number(number) <= this.totalGroups)
    if (refersBack || (char === "k" && this.hasNames)) throw refusal("refers back to a group (\\1, \\k<name>)")
    this.piece(1, this.commonEscape(char))
  }

  /** An escape that means the same inside and outside of a class; moves past it. */
  private commonEscape(char: string): string {
    const rest = this.source.slice(this.at + 2, this.at + 80)
    if (/[dDwW]/.test(char)) return this.past(2, `\\${char}`)
    if (/[tnrvf]/.test(char)) return this.past(2, escapeCode({ t: 9, n: 10, v: 11, f: 12, r: 13 }[char] ?? 0))
    if ((char === "p" || char === "P") && this.unicode) return this.propertyEscape(char, rest)
    const control = char === "c" ? /^[a-zA-Z]/.exec(rest) : null
    if (control !== null) return this.past(3, escapeCode(control[0].charCodeAt(0) % 32))
    const braced = char === "u" && this.unicode ? /^\{([0-9a-fA-F]+)\}/.exec(rest) : null
    if (braced !== null) return this.past(2 + braced[0].length, escapeCode(Number.parseInt(braced[1] ?? "", 16)))
    const pair = char === "u" ? /^([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(rest) : null
    if (pair !== null) return this.past(12, escapeCode(fromSurrogates(pair[1], pair[2])))
    const hex = char === "u" ? /^[0-9a-fA-F]{4}/.exec(rest) : char === "x" ? /^[0-9a-fA-F]{2}/.exec(rest) : null
    if (hex !== null) return this.past(2 + hex[0].length, escapeCode(Number.parseInt(hex[0], 16)))
    const octal = /^[0-7]{1,3}/.exec(char + rest)
    if (octal !== null) return this.past(1 + octal[0].length, escapeCode(Number.parseInt(octal[0], 8) % 256))
    const code = this.source.codePointAt(this.at + 1) ?? 92
    return this.past(code > 0xffff ? 3 : 2, escapeCode(code))
  }

  private propertyEscape(char: string, rest: string): string {
    const found = /^\{(?:(?:General_Category|gc|Script|sc|Script_Extensions|scx)=)?(\w+)\}/.exec(rest)
    if (found === null) throw refusal("names a set of characters (\\p{…}) that is not known")
    const name = CATEGORY_NAMES.get(found[1] ?? "") ?? found[1]
    return this.past(2 + found[0].length, `\\${char}{${name}}`)
  }

  private past(chars: number, text: string): string {
    this.at += chars
    return text
  }
}

const CATEGORY_NAMES = new Map([
  ["Letter", "L"],
  ["Alphabetic", "L"],
  ["Uppercase_Letter", "Lu"],
  ["Uppercase", "Lu"],
  ["Lowercase_Letter", "Ll"],
  ["Lowercase", "Ll"],
  ["Mark", "M"],
  ["Number", "N"],
  ["Decimal_Number", "Nd"],
  ["Punctuation", "P"],
  ["Symbol", "S"],
  ["Separator", "Z"],
  ["Space_Separator", "Zs"],
])

function escapeCode(code: number): string {
  const isPlain = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isPlain ? String.fromCharCode(code) : `\\x{${code.toString(16)}}`
}

function fromSurrogates(high = "", low = ""): number {
  return String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0) ?? 0
}

function countGroups(source: string): { groups: number; hasNames: boolean } {
  let groups = 0
  let hasNames = false
  let inClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]
    if (char === "\\") at++
    else if (char === "[") inClass = true
    else if (char === "]") inClass = false
    else if (char === "(" && !inClass) {
      const isNamed = /^\(\?<[^=!]/.test(source.slice(at, at + 4))
      hasNames ||= isNamed
      if (isNamed || source[at + 1] !== "?") groups++
    }
  }
  return { groups, hasNames }
}

function refusal(what: string): ExpressionError {
  return new ExpressionError(
    `The regular expression ${what}, which can take endless time and is not supported in expressions. ` +
      "Write it without that, or do the matching in a Code node.",
  )
}
