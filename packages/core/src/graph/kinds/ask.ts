/**
 * Ask: a question, a form or an approval (the workflow language, §5 "Ask"). It asks once for all its items, by the
 * settings as they are for the first of them (ours, as the wait node does); the answer goes to every item.
 */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { durationMs } from "../pauses/duration.ts"
import { approvalSchema, type PauseChoice, type PauseOutcome, type PauseRequest } from "../pauses/pause.ts"
import { asText } from "../value-types.ts"
import { choicesOf, givenSchema, schemaOfFields } from "./ask-fields.ts"
import { type KindContext, type KindResult, NodeFailure, type WaitingKind } from "./kind.ts"
import { findParameter } from "./model-parameters.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const ask: WaitingKind = {
  name: "ask",
  types: ["Ask"],
  title: "Ask",
  help: "Asks a person: a question, a form or an approval. The run goes on with the answer, or when the time is over.",
  group: "ours",
  effect: "wait",
  exclusiveOutputs: () => true,
  inputs: () => onePort,
  outputs: () => [{ name: "answered" }, { name: "timed out" }],
  check,
  ask: request,
  goOn,
}

/** The output of the items to which nobody answered in time. */
export const timedOutOutput = 1

/** False for a node that waits for as long as it takes. */
export function mayTimeOut({ parameters }: GraphNode): boolean {
  return findParameter(parameters, ["timeout"]) !== null
}

const kindNames = ["question", "form", "approval"] as const
type AskKind = (typeof kindNames)[number]

function request(context: KindContext): PauseRequest {
  const read = (...names: string[]): unknown => {
    const found = findParameter(context.node.parameters, names)
    return found === null ? undefined : context.resolve(found.value, 0)
  }
  const fields = givenSchema(read("schema", "json_schema")) ?? schemaOfFields(read("fields"))
  const choices = choicesOf(read("choices"))
  const kind = kindOf(read("kind"), fields)
  const timeout = read("timeout")
  return {
    place: "",
    kind,
    audience: audienceOf(read("audience"), kind),
    title: textOf(read("title")),
    message: textOf(read("message", "text", "question")),
    schema: schemaOf(kind, fields, choices),
    choices: kind === "question" ? choices : null,
    details: {},
    waitMs: timeout === undefined ? null : durationMs(timeout),
  }
}

function textOf(value: unknown): string | null {
  const text = asText(value)
  return text === undefined || text === "" ? null : text
}

function kindOf(value: unknown, fields: JsonObject | null): AskKind {
  if (value === undefined) return fields === null ? "question" : "form"
  const word = (asText(value) ?? "").toLowerCase()
  const kind = kindNames.find((name) => name === word)
  if (kind !== undefined) return kind
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The kind of the question must be question, form or approval.")
}

function audienceOf(value: unknown, kind: AskKind): PauseRequest["audience"] {
  if (value === undefined) return kind === "approval" ? "others" : "chat"
  const word = (asText(value) ?? "").toLowerCase()
  if (word === "chat" || word === "others") return word
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The audience of the question must be chat or others.")
}

/** The schema of the answer. A question with a schema of one field is answered with the value of that field. */
function schemaOf(kind: AskKind, fields: JsonObject | null, choices: readonly PauseChoice[] | null): JsonObject {
  if (kind === "approval") return approvalSchema({ withArguments: false })
  if (kind === "form") return fields ?? { type: "object" }
  if (choices !== null) return { enum: choices.map(({ value }) => value) }
  const properties = isJsonObject(fields?.properties) ? Object.values(fields.properties) : []
  const [only, ...others] = properties
  if (isJsonObject(only) && others.length === 0) return only
  return fields !== null && properties.length === 0 ? fields : { type: "string", minLength: 1 }
}

function goOn({ inputs }: KindContext, outcome: PauseOutcome): KindResult {
  const said: JsonObject =
    outcome.type === "expired"
      ? { timed_out: true }
      : { answer: outcome.answer, answered_by: outcome.by, answered_at: new Date(outcome.atMs).toISOString() }
  const items = (inputs[0] ?? []).map((item, index) => ({
    ...item,
    json: { ...item.json, ...said },
    pairedItem: { item: index },
  }))
  return { outputs: outcome.type === "expired" ? [[], items] : [items, []] }
}

function check(node: GraphNode): Finding[] {
  const findings: Finding[] = []
  const path = pathTo(node.path, "parameters")
  if (findParameter(node.parameters, ["message", "text", "question", "title"]) === null) {
    const message = `Say in message of ${quote(node.name)} what it asks.`
    findings.push({
      severity: "warning",
      code: "SETTING_MISSING",
      message,
      node: node.name,
      path: pathTo(path, "message"),
    })
  }
  return findings
}
