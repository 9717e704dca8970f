/**
 * What texts and expressions of the OpenAI Agent Builder can refer to.
 *
 *     workflow.input_as_text   the chat message         state.x   the last step that wrote x, else its first value
 *     input.output_text        what the step before it said       input.output_parsed.x   a field of its structured answer
 */

import { celExpression } from "./cel-expression.ts"
import type { Certainty } from "./certainty.ts"
import { nodeCode, type Piece, pathCode, templateCode } from "./expression-text.ts"
import { objectsAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import type { Making } from "./making.ts"
import { readPlaceholders } from "./placeholders.ts"
import type { StateVariables } from "./state-variables.ts"

/** The frame of one workflow. */
export type BuilderScope = {
  readonly making: Making
  readonly certainty: Certainty
  readonly trigger: string
  readonly state: StateVariables
}

/** Steps that hand on what they got. */
const passing: ReadonlySet<string> = new Set(["ifelse", "setstate", "userapproval", "classify", "guardrails", "note"])

/** Steps before a step whose outputs are asked for (ours): more of them would make an expression without an end. */
const sourcesMax = 10

/** A text with `{{ … }}` in pieces. What is no reference is an expression; what is none either stays as it is. */
export function messagePieces(scope: BuilderScope, text: string, step: Step): readonly Piece[] {
  return readPlaceholders(text, { open: "{{", close: "}}", charsMax: 1_000 }, (inside) => {
    const code = celExpression(inside, (path) => pathOf(scope, path, step))
    return code === null ? null : { code: scope.making.spend(code) }
  })
}

/** The source of an expression, or of a text with places for expressions; null where it cannot be said here. */
export function expressionCode(scope: BuilderScope, text: string, step: Step): string | null {
  if (text.trim() === "") return null
  if (!text.includes("{{")) {
    const code = celExpression(text, (path) => pathOf(scope, path, step))
    return code === null ? null : scope.making.spend(`(${code})`)
  }
  const pieces = messagePieces(scope, text, step)
  const [only] = pieces
  return pieces.length === 1 && typeof only === "object" ? `(${only.code})` : templateCode(pieces)
}

function pathOf(scope: BuilderScope, path: readonly string[], step: Step): string | null {
  const [root = "", ...rest] = path
  const item = `${nodeCode(scope.trigger)}.first()?.json`
  if (root === "workflow") {
    return rest[0] === "input_as_text"
      ? `${item}?.chatInput`
      : `(${item}?.metadata${pathCode(rest)} ?? ${item}${pathCode(rest)})`
  }
  if (root === "state" && rest[0] !== undefined) {
    const code = scope.state.read(rest[0])
    return code === null ? "null" : code + pathCode(rest.slice(1))
  }
  if (root !== "input") return null
  if (rest[0] === "output_text") return inputCode(scope, step, "text")
  if (rest[0] === "output_parsed") return inputCode(scope, step, "parsed") + pathCode(rest.slice(1))
  return inputCode(scope, step, "item") + pathCode(rest)
}

/** The source of what came to a step: of the steps before it, through those that only pass on, the one that ran. */
export function inputCode(scope: BuilderScope, step: Step, part: "text" | "parsed" | "item"): string {
  const { making, trigger } = scope
  const sources = sourcesOf(scope, step)
  const otherwise = part === "text" ? `${nodeCode(trigger)}.first()?.json?.chatInput` : "null"
  const codes = sources.map((source) => {
    const name = making.nameOf(source.key) ?? ""
    return { name, code: partCode(source, name, part), isCertain: scope.certainty.isCertain(source.key, step.key) }
  })
  const [only] = codes
  if (only === undefined) return making.spend(otherwise)
  if (codes.length === 1 && only.isCertain) return making.spend(only.code)
  return making.spend(
    `(${codes.map(({ name, code }) => `${nodeCode(name)}.isExecuted ? ${code} : `).join("")}${otherwise})`,
  )
}

function partCode(source: Step, name: string, part: "text" | "parsed" | "item"): string {
  const item = `${nodeCode(name)}.first()?.json`
  if (source.type !== "agent") return item
  // An agent with tools has its answer in `output`, one that is asked alone in `text` and its parsed form in `output`.
  const isAgent = objectsAt(source.data, "tools").length > 0
  if (part === "parsed") return `${item}?.output`
  return part === "text" ? `${item}?.${isAgent ? "output" : "text"}` : item
}

function sourcesOf({ making }: BuilderScope, step: Step): readonly Step[] {
  const found: Step[] = []
  const seen = new Set<string>([step.key])
  const stack = (making.flow.arriving.get(step.key) ?? []).map(({ from }) => from)
  for (let key = stack.pop(); key !== undefined && found.length < sourcesMax; key = stack.pop()) {
    const source = making.flow.byKey.get(key)
    if (source === undefined || seen.has(key)) continue
    seen.add(key)
    if (passing.has(source.type)) stack.push(...(making.flow.arriving.get(key) ?? []).map(({ from }) => from))
    else if (source.type === "agent" || source.type === "transform") found.push(source)
  }
  return found
}
