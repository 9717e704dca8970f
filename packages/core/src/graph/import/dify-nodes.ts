/** Steps of Dify other than those that talk to models: code, requests, texts, variables, branches, answers. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { caseConditions } from "./dify-conditions.ts"
import { failDoors, rulesOf, selectorOf, variablesOf } from "./dify-model-nodes.ts"
import { type DifyScope, jinjaPieces, referenceCode, textPieces } from "./dify-references.ts"
import { nodeCode, type Piece, quoteCode } from "./expression-text.ts"
import { field, firstField, listAt, objectAt, objectsAt, textAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import {
  codeNode,
  foreignCodeNode,
  ifNode,
  type MadeRequest,
  noteNode,
  passNode,
  requestNode,
  sayNode,
  setNode,
  switchNode,
  type WrittenField,
} from "./made-nodes.ts"
import { addStep, type Doors, elementOf, keepForeign, namedDoors, noDoors, oneDoor } from "./making.ts"
import { lexicalText } from "./rich-text.ts"

/** Code: JavaScript runs here, Python does not. */
export function convertCode(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const code = textAt(data, "code")
  const language = textAt(data, "code_language") || "python3"
  if (language !== "javascript") {
    const name = addStep(making, step, { ...foreignCodeNode("python", code), rules: rulesOf(scope, step) })
    const why = "Python is not run here"
    const advice = "Write the code of the node in JavaScript."
    making.fidelity.lost(elementOf(step, `code (${language})`), { became: "n8n-nodes-base.code", why, advice })
    return failDoors(name)
  }
  const inputs = [...variablesOf(scope, objectsAt(data, "variables"), key)]
  const entries = inputs.map(([name, value]) => `  ${quoteCode(name)}: ${value},\n`)
  const jsCode = `${code}\n\nreturn { json: await main({\n${entries.join("")}}) }\n`
  const name = addStep(making, step, { ...codeNode(jsCode), rules: rulesOf(scope, step) })
  making.fidelity.kept(elementOf(step, "code (javascript)"), "n8n-nodes-base.code")
  return failDoors(name)
}

/** A text made of values. */
export function convertTemplate(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const variables = variablesOf(scope, objectsAt(step.data, "variables"), step.key)
  const pieces = jinjaPieces(making, textAt(step.data, "template"), variables)
  if (pieces === null) {
    const why = "the Jinja template does more than insert values"
    return keepForeign(making, step, { why, advice: "Write the template in a Code node that gives `output`." })
  }
  const name = addStep(making, step, { ...setNode([["output", pieces]]), rules: rulesOf(scope, step) })
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.set")
  return failDoors(name)
}

/** The first of several values whose step ran, alone or in groups. */
export function convertAggregator(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const first = (list: readonly unknown[]): { readonly code: string } => {
    const codes = list.flatMap((selector) =>
      Array.isArray(selector) ? [referenceCode(scope, selectorOf(selector), key)] : [],
    )
    return { code: codes.length === 0 ? "null" : `(${codes.join(" ?? ")})` }
  }
  const advanced = objectAt(data, "advanced_settings")
  const groups = advanced.group_enabled === true ? objectsAt(advanced, "groups") : []
  const fields: readonly WrittenField[] =
    groups.length === 0
      ? [["output", first(listAt(data, "variables"))]]
      : groups.map((group) => [
          textAt(group, "group_name"),
          { code: `{ "output": ${first(listAt(group, "variables")).code} }` },
        ])
  const name = addStep(making, step, setNode(fields))
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.set")
  return oneDoor(name)
}

/** An assignment: the variable and the source of its new value. */
type Assignment = { readonly variable: string; readonly code: string }

/** The assignments of a step, in both of the forms that there are. */
export function assignmentsOf(scope: DifyScope, step: Step): readonly Assignment[] {
  const { data, key } = step
  const items = objectsAt(data, "items")
  const first = {
    variable_selector: field(data, "assigned_variable_selector") ?? null,
    operation: textAt(data, "write_mode"),
    input_type: "variable",
    value: field(data, "input_variable_selector") ?? null,
  }
  return (items.length === 0 ? [first] : items).flatMap((item: JsonObject): Assignment[] => {
    const [scopeName, variable] = selectorOf(listAt(item, "variable_selector"))
    if (typeof variable !== "string" || variable === "__proto__") return []
    const value = field(item, "value")
    const isReference = Array.isArray(value) && textAt(item, "input_type") !== "constant"
    const input = isReference
      ? referenceCode(scope, selectorOf(value), key)
      : typeof value === "string"
        ? templateOf(textPieces(scope, value, { at: key }))
        : quoteCode(value)
    const current = scopeName === "conversation" ? (scope.conversation.read(variable) ?? "null") : "null"
    return [{ variable, code: scope.making.spend(assignmentCode(textAt(item, "operation"), { current, input })) }]
  })
}

function templateOf(pieces: readonly Piece[]): string {
  const [only] = pieces
  if (pieces.length === 1 && typeof only === "object") return only.code
  return pieces.every((piece) => typeof piece === "string")
    ? quoteCode(pieces.join(""))
    : `[${pieces.map((piece) => (typeof piece === "string" ? quoteCode(piece) : piece.code)).join(", ")}].join("")`
}

function assignmentCode(
  operation: string,
  { current, input }: { readonly current: string; readonly input: string },
): string {
  switch (operation) {
    case "append":
      return `[...(${current} ?? []), ${input}]`
    case "extend":
      return `[...(${current} ?? []), ...(${input} ?? [])]`
    case "clear":
      return "null"
    case "remove-first":
      return `(${current} ?? []).slice(1)`
    case "remove-last":
      return `(${current} ?? []).slice(0, -1)`
    case "+=":
    case "-=":
    case "*=":
    case "/=":
      return `(${current} ${operation.slice(0, 1)} ${input})`
    default:
      return input
  }
}

/** Writes variables of the conversation; how they are read is told in `dify.ts`, before any step is converted. */
export function convertAssigner(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const fields = assignmentsOf(scope, step).map(({ variable, code }): WrittenField => [variable, { code }])
  const name = addStep(making, step, setNode(fields, { keeps: true }))
  const why = "variables are written within a run here, and a conversation keeps none"
  const advice = "Keep what has to last in the messages of the conversation."
  making.fidelity.changed(elementOf(step), "n8n-nodes-base.set", { why, advice })
  return oneDoor(name)
}

/** The source that reads what an assigner wrote. */
export function assignedCode(node: string, variable: string): string {
  return `${nodeCode(node)}.first()?.json?.[${quoteCode(variable)}]`
}

/** Branches: an If for one case, a Switch for several. */
export function convertBranch(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const listed = objectsAt(data, "cases")
  const cases = listed.length > 0 ? listed : [{ ...data, case_id: "true" }]
  const ids = cases.map((entry) => textAt(entry, "case_id", "id") || "true")
  const conditions = cases.map((entry) => caseConditions(scope, entry, key))
  const known = conditions.flatMap((entry) => (entry === null ? [] : [entry]))
  if (known.length < cases.length) {
    const why = "a condition compares what there is nothing like here"
    return keepForeign(making, step, { why, advice: "Write the condition in an If or Switch node." })
  }
  const [only] = known
  const made =
    only !== undefined && known.length === 1
      ? ifNode(only)
      : switchNode(known.map((entry, index) => ({ ...entry, name: `Case ${index + 1}` })))
  const name = addStep(making, step, made)
  making.fidelity.kept(elementOf(step), made.type)
  return namedDoors(name, [...ids, "false"])
}

/** An answer: in the middle of a flow it is said at once, at the end its text is the reply. */
export function convertAnswer(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const pieces = textPieces(scope, textAt(step.data, "answer"), { at: step.key })
  const element = elementOf(step)
  if (making.flow.leaving.has(step.key)) {
    const name = addStep(making, step, sayNode(pieces))
    const why = "each answer in the middle of a flow is a message of its own here"
    const advice = "Join the texts in the last node if they should be one message."
    making.fidelity.changed(element, "@n8n/n8n-nodes-langchain.chat", { why, advice })
    return oneDoor(name)
  }
  const [only] = pieces
  const isUnchanged = pieces.length === 1 && typeof only === "object" && isReplyBefore(scope, step, only.code)
  const name = addStep(making, step, isUnchanged ? passNode() : setNode([["text", pieces]]))
  making.fidelity.kept(element, isUnchanged ? "n8n-nodes-base.noOp" : "n8n-nodes-base.set")
  return oneDoor(name)
}

/** Whether an answer is the text of the one step before it: then that one's text is the reply, and may stream. */
function isReplyBefore({ making }: DifyScope, step: Step, code: string): boolean {
  const before = making.flow.arriving.get(step.key) ?? []
  const [only] = before
  const source = before.length === 1 && only !== undefined ? making.flow.byKey.get(only.from) : undefined
  if (source === undefined || !["llm", "agent"].includes(source.type)) return false
  const name = making.nameOf(source.key)
  const field = source.type === "llm" ? "text" : "output"
  return name !== null && code === `${nodeCode(name)}.first()?.json?.${field}`
}

/** The end of a workflow: its outputs are the fields of the last item. */
export function convertEnd(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const outputs = objectsAt(step.data, "outputs").filter((entry) => textAt(entry, "variable") !== "")
  const fields = outputs.map(
    (entry): WrittenField => [
      textAt(entry, "variable"),
      { code: referenceCode(scope, selectorOf(listAt(entry, "value_selector")), step.key) },
    ],
  )
  const name = addStep(making, step, fields.length === 0 ? passNode() : setNode(fields))
  making.fidelity.kept(elementOf(step), fields.length === 0 ? "n8n-nodes-base.noOp" : "n8n-nodes-base.set")
  return oneDoor(name)
}

/** A request to a service. */
export function convertRequest(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const pieces = (text: string): readonly Piece[] => textPieces(scope, text, { at: key })
  const credential = credentialOf(objectAt(data, "authorization"))
  const made = requestNode({
    method: textAt(data, "method") || "GET",
    url: pieces(textAt(data, "url")),
    query: linesOf(textAt(data, "params")).map(([name, value]) => [name, pieces(value)]),
    headers: linesOf(textAt(data, "headers")).map(([name, value]) => [name, pieces(value)]),
    body: bodyOf(scope, step),
    ...(credential === null ? {} : { credential }),
  })
  const name = addStep(making, step, { ...made, rules: rulesOf(scope, step) })
  if (credential === null) making.fidelity.kept(elementOf(step), "n8n-nodes-base.httpRequest")
  else {
    const why = "keys that stand in a document are not taken over"
    const advice = `Make a credential of type ${credential} and choose it in the node.`
    making.fidelity.changed(elementOf(step), "n8n-nodes-base.httpRequest", { why, advice })
  }
  return failDoors(name)
}

function credentialOf(authorization: JsonObject): string | null {
  if (textAt(authorization, "type") !== "api-key") return null
  const type = textAt(objectAt(authorization, "config"), "type")
  if (type === "basic") return "httpBasicAuth"
  return type === "bearer" ? "httpBearerAuth" : "httpHeaderAuth"
}

/** `name:value` lines. */
function linesOf(text: string): readonly (readonly [string, string])[] {
  return text.split("\n").flatMap((line): (readonly [string, string])[] => {
    const colon = line.indexOf(":")
    const name = (colon < 0 ? line : line.slice(0, colon)).trim()
    return name === "" || name === "__proto__" ? [] : [[name, colon < 0 ? "" : line.slice(colon + 1).trim()]]
  })
}

function bodyOf(scope: DifyScope, { data, key }: Step): MadeRequest["body"] {
  const body = objectAt(data, "body")
  const listed = field(body, "data")
  const entries = Array.isArray(listed) ? listed.filter(isJsonObject) : []
  const raw = Array.isArray(listed) ? textAt(entries[0] ?? {}, "value") : textAt(body, "data")
  const pieces = (text: string): readonly Piece[] => textPieces(scope, text, { at: key })
  switch (textAt(body, "type")) {
    case "json":
      return { type: "json", text: pieces(raw) }
    case "raw-text":
      return { type: "raw", text: pieces(raw) }
    case "x-www-form-urlencoded":
    case "form-data": {
      const fields = Array.isArray(listed)
        ? entries.map((entry) => [textAt(entry, "key"), textAt(entry, "value")] as const)
        : linesOf(raw)
      const type = textAt(body, "type") === "form-data" ? "multipart-form-data" : "form-urlencoded"
      return { type, fields: fields.map(([name, value]) => [name, pieces(value)]) }
    }
    default:
      return { type: "none" }
  }
}

/** A note on the canvas. */
export function convertNote({ making }: DifyScope, step: Step): Doors {
  const text = lexicalText(textAt(step.data, "text"))
  const width = firstField(step.data, ["width"])
  const height = firstField(step.data, ["height"])
  const size = typeof width === "number" && typeof height === "number" ? { width, height } : {}
  addStep(making, step, noteNode(text, size))
  making.fidelity.kept(elementOf(step, "note"), "n8n-nodes-base.stickyNote")
  return noDoors
}
