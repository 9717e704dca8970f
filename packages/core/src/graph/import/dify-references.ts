/**
 * References of Dify to expressions: `{{#node.field.…#}}` in texts, lists of the same steps in settings, and the simple
 * places of Jinja templates.
 *
 *     sys.query           the chat message                  conversation.x    the last assigner that ran, else its initial
 *     env.x               its value, unless it is a secret  node.x            the field of that node
 */
import type { JsonValue } from "../../json.ts"
import type { Certainty } from "./certainty.ts"
import { nodeCode, type Piece, pathCode, quoteCode } from "./expression-text.ts"
import type { Step } from "./flow.ts"
import type { Making } from "./making.ts"
import { readNamePath, readPlaceholders } from "./placeholders.ts"
import type { StateVariables } from "./state-variables.ts"

/** What references of an app can mean. */
export type DifyScope = {
  readonly making: Making
  readonly certainty: Certainty
  /** The name of the trigger. */
  readonly trigger: string
  readonly environment: ReadonlyMap<string, JsonValue>
  readonly conversation: StateVariables
  /** The node that gives the results of an iteration, by the key of the iteration. */
  readonly results: ReadonlyMap<string, string>
}

/** The source of a value that a step of that key reads; `null` as source where nothing here gives it. */
export function referenceCode(scope: DifyScope, path: readonly (string | number)[], at: string): string {
  return scope.making.spend(findCode(scope, path, at) ?? "null")
}

function findCode(scope: DifyScope, path: readonly (string | number)[], at: string): string | null {
  const [key, name, ...rest] = path
  if (typeof key !== "string" || name === undefined) return null
  if (key === "sys") return systemCode(scope, String(name))
  if (key === "env") {
    const value = scope.environment.get(String(name))
    return value === undefined ? null : quoteCode(value)
  }
  if (key === "conversation") {
    const code = scope.conversation.read(String(name))
    return code === null ? null : code + pathCode(rest)
  }
  const step = scope.making.flow.byKey.get(key)
  return step === undefined ? null : stepCode(scope, step, { path: [name, ...rest], at })
}

function systemCode({ trigger }: DifyScope, name: string): string | null {
  const item = `${nodeCode(trigger)}.first()?.json`
  const known = new Map([
    ["query", `${item}?.chatInput`],
    ["conversation_id", `${item}?.sessionId`],
    ["user_id", `${item}?.metadata?.user_id`],
    ["workflow_id", "$workflow.id"],
    ["app_id", "$workflow.id"],
    ["workflow_run_id", "$execution.id"],
    ["timestamp", "Math.floor($now.toMillis() / 1000)"],
    // A chat message brings no files here.
    ["files", "[]"],
  ])
  return known.get(name) ?? null
}

/** Fields of the items of our nodes, by the type of step and the name of its output there. Others keep their names. */
const renamed: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["llm", new Map([["structured_output", "output"]])],
  ["agent", new Map([["text", "output"]])],
  ["http-request", new Map([["status_code", "statusCode"]])],
])

function stepCode(
  scope: DifyScope,
  step: Step,
  { path, at }: { readonly path: readonly (string | number)[]; readonly at: string },
): string | null {
  const [name = "", ...rest] = path
  const isResult = step.type === "iteration" && name === "output"
  const node = isResult ? scope.results.get(step.key) : scope.making.nameOf(step.key)
  if (node === undefined || node === null) return null
  const fields = fieldsOf(step, String(name))
  if (fields === null) return null
  const code = `${nodeCode(node)}.first()?.json${pathCode([...fields, ...rest])}`
  return scope.certainty.isCertain(step.key, at) || step.key === at
    ? code
    : `(${nodeCode(node)}.isExecuted ? ${code} : null)`
}

/** Where an output of a step stands in the item; null where it stands nowhere. */
function fieldsOf(step: Step, name: string): readonly (string | number)[] | null {
  if (step.type === "parameter-extractor") return name.startsWith("__") ? null : ["output", name]
  // A classifier hands on what it gets, and says by its output which class it was.
  if (step.type === "question-classifier") return null
  return [renamed.get(step.type)?.get(name) ?? name]
}

/** A text with `{{#…#}}` in pieces. `special` knows places such as `context`. */
export function textPieces(
  scope: DifyScope,
  text: string,
  { at, special = new Map() }: { readonly at: string; readonly special?: ReadonlyMap<string, string> },
): readonly Piece[] {
  return readPlaceholders(text, { open: "{{#", close: "#}}" }, (inside) => {
    const known = special.get(inside)
    if (known !== undefined) return { code: known }
    const path = inside.split(".")
    const constant = path[0] === "env" ? scope.environment.get(path.slice(1).join(".")) : undefined
    // A constant is written out, so that the prompt that holds it is known before any run.
    if (typeof constant === "string") return constant
    // In texts a missing value is an empty text, here as there.
    return path.length < 2 || path.includes("") ? null : { code: referenceCode(scope, path, at) }
  })
}

/** A Jinja template in pieces, its variables given by their sources; null where it does more than insert values. */
export function jinjaPieces(
  { spend }: Making,
  text: string,
  variables: ReadonlyMap<string, string>,
): readonly Piece[] | null {
  if (/\{%|\{#/.test(text)) return null
  let isPlain = true
  const pieces = readPlaceholders(text, { open: "{{", close: "}}" }, (inside) => {
    const path = readNamePath(inside)
    const [name, ...rest] = path ?? []
    const code = typeof name === "string" ? variables.get(name) : undefined
    if (path === null || code === undefined) isPlain = isPlain && path !== null
    return path === null ? null : { code: code === undefined ? "null" : spend(code + pathCode(rest)) }
  })
  return isPlain ? pieces : null
}
