/** Steps of Flowise's agent flows: answers, branches, requests, code, questions to a person, loops. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { nodeCode, type Piece, quoteCode, templateText } from "./expression-text.ts"
import { field, numberAt, objectsAt, textAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import { type FlowiseScope, flowiseText, flowiseValue } from "./flowise-scope.ts"
import { comparisonOf } from "./foreign-conditions.ts"
import {
  approvalNode,
  approvedNode,
  codeNode,
  ifNode,
  type MadeCondition,
  type MadeRequest,
  noteNode,
  passNode,
  requestNode,
  sayNode,
  setNode,
  switchNode,
  truthOf,
} from "./made-nodes.ts"
import { addBeside, addStep, type Doors, elementOf, keepForeign, namedDoors, noDoors, oneDoor } from "./making.ts"

/** An answer: in the middle of a flow it is said at once, at the end its text is the reply. */
export function convertReply(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const pieces = flowiseText(scope, textAt(step.data, "directReplyMessage"), step)
  const isLast = !making.flow.leaving.has(step.key)
  const name = addStep(making, step, isLast ? setNode([["text", pieces]]) : sayNode(pieces))
  making.fidelity.kept(elementOf(step), isLast ? "n8n-nodes-base.set" : "@n8n/n8n-nodes-langchain.chat")
  return oneDoor(name)
}

/** Conditions: the first that holds says the exit; behind them one for everything else. */
export function convertCondition(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const listed = objectsAt(step.data, "conditions")
  const conditions = listed.flatMap((entry): MadeCondition[] => {
    const type = ["number", "boolean"].includes(textAt(entry, "type")) ? textAt(entry, "type") : "string"
    const left = templateText([{ code: flowiseValue(scope, field(entry, "value1"), step) }])
    const right = templateText([{ code: flowiseValue(scope, field(entry, "value2"), step) }])
    const comparison = comparisonOf(textAt(entry, "operation"), { type, left, right })
    return comparison === null ? [] : [comparison]
  })
  if (conditions.length < listed.length || listed.length === 0) {
    const why = "a condition compares what there is nothing like here"
    return keepForeign(making, step, { why, advice: "Write the condition in an If or Switch node." })
  }
  const rules = conditions.map((condition, index) => {
    return { all: [condition], combinator: "and" as const, name: `Condition ${index}` }
  })
  const [only] = rules
  const made = only !== undefined && rules.length === 1 ? ifNode(only) : switchNode(rules)
  const name = addStep(making, step, made)
  making.fidelity.kept(elementOf(step), made.type)
  return namedDoors(name, [...rules.map((_, index) => String(index)), String(rules.length)])
}

/** A request to a service. */
export function convertHttp(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const pieces = (text: string): readonly Piece[] => flowiseText(scope, text, step)
  const pairs = (name: string) =>
    objectsAt(data, name).map((entry) => [textAt(entry, "key"), pieces(textAt(entry, "value"))] as const)
  const hasCredential = textAt(data, "credential") !== "" || textAt(data, "FLOWISE_CREDENTIAL_ID") !== ""
  const made = requestNode({
    method: textAt(data, "method") || "GET",
    url: pieces(textAt(data, "url")),
    query: pairs("queryParams"),
    headers: pairs("headers"),
    body: bodyOf(data, pieces),
    ...(hasCredential ? { credential: "httpHeaderAuth" } : {}),
  })
  const name = addStep(making, step, made)
  if (hasCredential) {
    const why = "an export names credentials and does not hold them"
    const advice = "Create the credential and choose it in the node."
    making.fidelity.changed(elementOf(step), made.type, { why, advice })
  } else making.fidelity.kept(elementOf(step), made.type)
  return oneDoor(name)
}

function bodyOf(data: JsonObject, pieces: (text: string) => readonly Piece[]): MadeRequest["body"] {
  const type = textAt(data, "bodyType")
  const body = field(data, "body")
  if (type === "formData" || type === "xWwwFormUrlencoded") {
    const fields = objectsAt(data, "body").map(
      (entry) => [textAt(entry, "key"), pieces(textAt(entry, "value"))] as const,
    )
    return { type: type === "formData" ? "multipart-form-data" : "form-urlencoded", fields }
  }
  if (typeof body !== "string" || body === "") return { type: "none" }
  return { type: type === "raw" ? "raw" : "json", text: pieces(body) }
}

/** JavaScript, which finds its inputs, the state and the message under Flowise's names. */
export function convertFunction(scope: FlowiseScope, step: Step): Doors {
  const { making, state, trigger } = scope
  const code = textAt(step.data, "customFunctionJavascriptFunction", "javascriptFunction")
  const inputs = objectsAt(step.data, "customFunctionInputVariables").flatMap((entry) => {
    const name = textAt(entry, "variableName")
    return /^[A-Za-z_][\w]*$/.test(name)
      ? [[name, flowiseValue(scope, field(entry, "variableValue"), step)] as const]
      : []
  })
  const item = `${nodeCode(trigger)}.first()?.json`
  const states = state.names().map((name) => `${quoteCode(name)}: ${making.spend(state.read(name) ?? "null")}`)
  const lines = [
    `  const $flow = { state: { ${states.join(", ")} }, input: ${item}?.chatInput, sessionId: ${item}?.sessionId, chatId: ${item}?.sessionId }`,
    ...[...new Map(inputs)].map(([name, value]) => `  const $${name} = ${value}`),
  ]
  const jsCode = `const run = async () => {\n${lines.join("\n")}\n${code}\n}\n\nreturn { json: { output: await run() } }\n`
  const name = addStep(making, step, codeNode(jsCode))
  const why = "code runs without a network, files and packages here"
  making.fidelity.changed(elementOf(step), "n8n-nodes-base.code", { why, advice: "Check what the code calls." })
  return oneDoor(name)
}

/** A question to a person: go on, or not. */
export function convertHumanInput(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const message = flowiseText(scope, textAt(step.data, "humanInputDescription", "humanInputModelPrompt"), step)
  const ask = addStep(making, step, approvalNode(step.title, message))
  const wished = `${ask} approved`
  const decided = addBeside(making, step, { ...approvedNode(), wished, shift: [200, 0] })
  making.draft.connect({ from: ask, to: decided })
  if (textAt(step.data, "humanInputDescriptionType") === "dynamic") {
    const why = "the text of the question is not written by a model"
    making.fidelity.changed(elementOf(step), "Ask", { why, advice: "Write the question, or ask a model before it." })
  } else making.fidelity.kept(elementOf(step), "Ask")
  const outputs = new Map([
    ["0", 0],
    ["proceed", 0],
    ["1", 1],
    ["reject", 1],
  ])
  const exit = (name: string) => {
    const output = outputs.get(name)
    return output === undefined ? null : { node: decided, output }
  }
  return { entrance: ask, exit, exits: ["proceed", "reject"] }
}

/** A way back to an earlier step, so many times. */
export function convertLoop({ making }: FlowiseScope, step: Step): Doors {
  const [key = ""] = textAt(step.data, "loopBackToNode").split("-")
  const target = making.flow.byKey.has(key) ? making.nameOf(key) : null
  if (target === null) {
    const why = "it leads back to a step that is not there"
    return keepForeign(making, step, { why, advice: "Connect an If node with the step to go back to." })
  }
  const most = Math.max(1, Math.trunc(numberAt(step.data, "maxLoopCount") ?? 5))
  const name = addStep(making, step, ifNode({ all: [truthOf(`$runIndex < ${most}`)], combinator: "and" }))
  making.draft.connect({ from: name, to: target })
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.if")
  return { entrance: name, exit: () => null, exits: [] }
}

/** A note on the canvas. */
export function convertSticky({ making }: Pick<FlowiseScope, "making">, step: Step): Doors {
  addStep(making, step, noteNode(textAt(step.data, "note")))
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.stickyNote")
  return noDoors
}

/** The JSON Schema of a structured answer: `[{key, type, description, enumValues, jsonSchema}]`; null where there is none. */
export function answerSchema(value: JsonValue | undefined): JsonObject | null {
  const entries = Array.isArray(value) ? value.filter(isJsonObject) : []
  const known = entries.filter((entry) => !["", "__proto__"].includes(textAt(entry, "key")))
  if (known.length === 0) return null
  const properties = known.map((entry): readonly [string, JsonValue] => [textAt(entry, "key"), propertyOf(entry)])
  return { type: "object", properties: Object.fromEntries(properties), required: properties.map(([name]) => name) }
}

function propertyOf(entry: JsonObject): JsonObject {
  const description = textAt(entry, "description")
  const said = description === "" ? {} : { description }
  const values = textAt(entry, "enumValues")
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
  switch (textAt(entry, "type")) {
    case "number":
    case "boolean":
      return { type: textAt(entry, "type"), ...said }
    case "enum":
      return { type: "string", ...(values.length === 0 ? {} : { enum: values }), ...said }
    case "stringArray":
      return { type: "array", items: { type: "string" }, ...said }
    case "jsonArray":
      return { type: "array", items: { type: "object" }, ...said }
    default:
      return { type: "string", ...said }
  }
}

/** Stands for a step that has nothing to do here. */
export function convertPass({ making }: FlowiseScope, step: Step): Doors {
  return oneDoor(addStep(making, step, passNode()))
}
