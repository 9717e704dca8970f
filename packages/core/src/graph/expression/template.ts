/**
 * A parameter's text with `{{ … }}` in it: how it is cut into parts, and what the parts give together.
 *
 *     =Dear {{ $json.name }},     text "Dear ", expression, text ","     a text
 *     ={{ $json.age }}            one expression and nothing else        the value with its type
 *
 * The rules are recorded ones: an expression ends at the first `}}`, whatever stands around it; one that is not closed
 * goes on to the end; an empty one is an error; even a blank beside the braces makes the whole a text.
 */

import { compileExpression, type Program } from "./compile.ts"
import { toText } from "./convert.ts"
import { limitError } from "./errors.ts"
import { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { OBJECT_METHODS } from "./methods-collection.ts"
import { functionError, toResult } from "./result.ts"
import type { ExpressionScope } from "./scope.ts"
import { FunctionValue, Thrown } from "./values.ts"

const OPENING = "{{"
const CLOSING = "}}"

/** A parameter's text, ready to be evaluated. */
export type Template = {
  readonly parts: readonly (string | Program)[]
  /** The expression that is all of the text, else null. */
  readonly single: Program | null
  readonly tracksChanges: boolean
  /** Names of the nodes that stand literally in it. */
  readonly nodeNames: ReadonlySet<string>
  /** What it weighs in memory, about one unit for a byte. */
  readonly weight: number
}

/** Compiles what follows the `=`. Throws `ExpressionError`. */
export function compileTemplate(text: string): Template {
  if (text.length > EXPRESSION_LIMITS.templateCharsMax) {
    throw limitError("a text that is too long", `${EXPRESSION_LIMITS.templateCharsMax} characters`)
  }
  const raw = splitTemplate(text)
  const codeChars = raw.reduce((sum, part) => sum + (part.isExpression ? part.source.length : 0), 0)
  if (codeChars > EXPRESSION_LIMITS.templateCodeCharsMax) {
    throw limitError("expressions in one text", `${EXPRESSION_LIMITS.templateCodeCharsMax} characters`)
  }
  let patternSize = 0
  const parts = raw.map((part) => {
    if (!part.isExpression) return part.source
    const program = compileExpression(part.source)
    patternSize += program.patternSize
    admitPatterns(patternSize)
    return program
  })
  const programs = parts.filter((part) => typeof part !== "string")
  const [first] = parts
  return {
    parts,
    single: parts.length === 1 && first !== undefined && typeof first !== "string" ? first : null,
    tracksChanges: programs.some((program) => program.tracksChanges),
    nodeNames: new Set(programs.flatMap((program) => [...program.nodeNames])),
    weight: BASE_WEIGHT + text.length * 2 + codeChars * WEIGHT_PER_CODE_CHAR + patternSize * WEIGHT_PER_INSTRUCTION,
  }
}

function admitPatterns(size: number): void {
  if (size <= EXPRESSION_LIMITS.templatePatternSizeMax) return
  throw limitError("regular expressions", `${EXPRESSION_LIMITS.templatePatternSizeMax} instructions in one parameter`)
}

const BASE_WEIGHT = 500
const WEIGHT_PER_CODE_CHAR = 125
const WEIGHT_PER_INSTRUCTION = 200

/** A part of a template as it stands: text, or the source of an expression. */
export type RawPart = { readonly isExpression: boolean; readonly source: string }

/** The parts of what follows the `=`. Throws `ExpressionError` where there are too many. */
export function splitTemplate(text: string): RawPart[] {
  const parts: RawPart[] = []
  let at = 0
  while (at < text.length) {
    const opening = text.indexOf(OPENING, at)
    const end = opening < 0 ? text.length : opening
    if (end > at) parts.push({ isExpression: false, source: text.slice(at, end) })
    if (opening < 0) break
    const from = opening + OPENING.length
    const closing = text.indexOf(CLOSING, from)
    parts.push({ isExpression: true, source: text.slice(from, closing < 0 ? text.length : closing) })
    at = closing < 0 ? text.length : closing + CLOSING.length
    if (parts.length > EXPRESSION_LIMITS.templatePartsMax) {
      throw limitError("expressions in one text", `${EXPRESSION_LIMITS.templatePartsMax} parts`)
    }
  }
  return parts
}

/** What a template gives: the value of its one expression, or a text. Throws `ExpressionError`. */
export function evaluateTemplate(template: Template, scope: ExpressionScope): unknown {
  const turn = new TemplateTurn(template, scope)
  try {
    return template.single === null ? turn.text() : turn.value(template.single)
  } catch (error) {
    throw turn.explained(error)
  } finally {
    turn.settle()
  }
}

/** Says that a value can not be read along a path alone. */
const NOT_PLAIN: unique symbol = Symbol("not plain")

/** One evaluation of a template. The evaluation's state is made only if a part needs more than a path. */
class TemplateTurn {
  private readonly template: Template
  private readonly scope: ExpressionScope
  private evaluation: Evaluation | null = null

  constructor(template: Template, scope: ExpressionScope) {
    this.template = template
    this.scope = scope
  }

  private get run(): Evaluation {
    this.evaluation ??= new Evaluation(this.scope, { tracksChanges: this.template.tracksChanges })
    return this.evaluation
  }

  settle(): void {
    this.evaluation?.settle()
  }

  /** The value of an expression as plain data; null where it failed with an error of the language. */
  value(program: Program): unknown {
    if (program.path !== null) {
      const found = readPath(this.scope.item.json, program.path)
      if (found !== NOT_PLAIN) return found
    }
    const value = this.raw(program)
    return typeof value === "object" && value !== null ? toResult(this.run, value) : value
  }

  text(): string {
    let text = ""
    for (const part of this.template.parts) {
      const added = typeof part === "string" ? part : this.inserted(part)
      if (text.length + added.length > EXPRESSION_LIMITS.textCharsMax) {
        this.run.chargeNewText(text.length + added.length)
      }
      text += added
    }
    return text
  }

  private inserted(program: Program): string {
    const found = program.path === null ? NOT_PLAIN : readPath(this.scope.item.json, program.path)
    const value = found === NOT_PLAIN ? this.raw(program) : found
    if (typeof value === "string") return value
    if (value === null || value === undefined || Number.isNaN(value)) return ""
    if (value instanceof FunctionValue) throw functionError()
    return toText(this.run, value)
  }

  private raw(program: Program): unknown {
    const { run } = this
    run.charge(program.steps)
    run.stackUnits = program.height
    try {
      return program.code([undefined], run)
    } catch (error) {
      // An error of the language makes the expression null and is no error of the node (recorded).
      if (error instanceof Thrown) return null
      throw error
    }
  }

  /** The platform's own stack ends later than ours; should it end first, that is the same limit. */
  explained(error: unknown): unknown {
    if (!(error instanceof RangeError)) return error
    return limitError("calls inside calls", "too deep a recursion")
  }
}

/** `$json.a.b` without any machinery: undefined where the last field is missing, null where an earlier one is. */
function readPath(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const name of path) {
    if (value === null || value === undefined) return null
    if (typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return NOT_PLAIN
    if (Object.hasOwn(value, name)) value = (value as Record<string, unknown>)[name]
    else if (OBJECT_METHODS.has(name)) return NOT_PLAIN
    else value = undefined
  }
  return value
}
