/**
 * What texts of Flowise's agent flows can refer to, as expressions.
 *
 *     {{ question }}  the chat message        {{ $flow.state.x }}  the last step that wrote x, else its first value
 *     {{ $form.x }}   an input of the turn    {{ llmAgentflow_0 }} what that step answered
 */
import type { JsonValue } from "../../json.ts"
import type { Certainty } from "./certainty.ts"
import { nodeCode, type Piece, pathCode, quoteCode, templateCode } from "./expression-text.ts"
import type { Step } from "./flow.ts"
import { elementCode } from "./iteration.ts"
import type { Making } from "./making.ts"
import { readPlaceholders } from "./placeholders.ts"
import { htmlToText } from "./rich-text.ts"
import type { StateVariables } from "./state-variables.ts"

/** The frame of one flow. */
export type FlowiseScope = {
  readonly making: Making
  readonly certainty: Certainty
  readonly trigger: string
  readonly state: StateVariables
  /** The node that gives the results of an iteration, by the key of the iteration. */
  readonly results: ReadonlyMap<string, string>
}

/** Where the answer of a step stands in the item of its node, by the step's type. Others have it in `output`. */
const answerFields: ReadonlyMap<string, string> = new Map([
  ["llmAgentflow", "text"],
  ["directReplyAgentflow", "text"],
  ["httpAgentflow", "body"],
])

/** A text in pieces; editors keep some texts as pages. `at`: the step that reads it. */
export function flowiseText(scope: FlowiseScope, text: string, at: Step): readonly Piece[] {
  return readPlaceholders(htmlToText(text), { open: "{{", close: "}}" }, (inside) => {
    const code = referenceOf(scope, inside.trim(), at)
    return code === null ? null : { code: scope.making.spend(code) }
  })
}

/** The source of a value: a text that is one reference keeps the type of what it refers to. */
export function flowiseValue(scope: FlowiseScope, value: JsonValue | undefined, at: Step): string {
  if (typeof value !== "string") return quoteCode(value ?? null)
  const pieces = flowiseText(scope, value, at).filter((piece) => typeof piece !== "string" || piece.trim() !== "")
  const [only] = pieces
  if (pieces.length === 1 && typeof only === "object") return only.code
  return templateCode(flowiseText(scope, value, at))
}

function referenceOf(scope: FlowiseScope, inside: string, at: Step): string | null {
  const item = `${nodeCode(scope.trigger)}.first()?.json`
  const fixed = new Map([
    ["question", `${item}?.chatInput`],
    ["chat_history", "null"],
    ["file_attachment", "null"],
    ["runtime_messages_length", "0"],
    ["current_date_time", "$now.toISO()"],
    ["$flow.sessionId", `${item}?.sessionId`],
    ["$flow.chatId", `${item}?.sessionId`],
    ["$flow.input", `${item}?.chatInput`],
  ]).get(inside)
  if (fixed !== undefined) return fixed
  const [, root = "", rest = ""] =
    /^(\$flow\.state|\$form|\$vars|\$iteration|output|[\w-]+)((?:\.[\w-]+)*)$/.exec(inside) ?? []
  const path = rest.split(".").slice(1)
  if (root === "$flow.state") return stateCode(scope, path)
  if (root === "$form") return `(${item}?.metadata${pathCode(path)} ?? ${item}${pathCode(path)})`
  if (root === "$vars") return `$vars${pathCode(path)}`
  if (root === "$iteration") return iterationCode(scope, at, path)
  if (root === "output") return answerCode(scope, at, path)
  const step = scope.making.flow.byKey.get(root)
  if (step === undefined) return null
  const code = answerCode(scope, step, path)
  const isCertain = code === null || step.key === at.key || scope.certainty.isCertain(step.key, at.key)
  return isCertain ? code : `(${nodeCode(nodeOf(scope, step) ?? "")}.isExecuted ? ${code} : null)`
}

function stateCode({ state }: FlowiseScope, [name, ...rest]: readonly string[]): string {
  const code = name === undefined ? null : state.read(name)
  return code === null ? "null" : code + pathCode(rest)
}

function iterationCode({ making }: FlowiseScope, at: Step, path: readonly string[]): string {
  const loop = at.parent === null ? null : making.nameOf(at.parent)
  return loop === null ? "null" : elementCode(loop, "item") + pathCode(path)
}

function nodeOf({ making, results }: FlowiseScope, step: Step): string | null {
  return results.get(step.key) ?? making.nameOf(step.key)
}

/** What a step answered. `output.content` and `output` are the same; further names are fields of a structured answer. */
function answerCode(scope: FlowiseScope, step: Step, path: readonly string[]): string | null {
  const name = nodeOf(scope, step)
  if (name === null) return null
  const rest = path[0] === "output" ? path.slice(1) : path
  const inner = rest[0] === "content" ? rest.slice(1) : rest
  const isStructured = inner.length > 0 && step.type === "llmAgentflow"
  const field = isStructured ? "output" : (answerFields.get(step.type) ?? "output")
  return `${nodeCode(name)}.first()?.json${pathCode([field, ...inner])}`
}
