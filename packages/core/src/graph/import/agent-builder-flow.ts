/** Steps of the OpenAI Agent Builder as nodes: agents, branches, approvals, state, and what ends a workflow. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { type BuilderScope, expressionCode, inputCode, messagePieces } from "./agent-builder-scope.ts"
import { certaintyOf } from "./certainty.ts"
import { recordOf } from "./draft.ts"
import { nodeCode, type Piece, quoteCode } from "./expression-text.ts"
import { asRecord, field, isShallow, objectAt, objectsAt, squashed, textAt, textsAt } from "./fields.ts"
import { type Flow, makeFlow, readArrows, readPosition, type Step } from "./flow.ts"
import { type ForeignModel, freddySettings, modelNode } from "./foreign-model.ts"
import type { Conversion } from "./importer.ts"
import { agentNode, classifierNode, freddyNode, mcpToolNode, memoryNode, parserNode } from "./made-model-nodes.ts"
import {
  approvalNode,
  approvedNode,
  chatTriggerNode,
  ifNode,
  noteNode,
  passNode,
  setNode,
  switchNode,
  truthOf,
  type WrittenField,
} from "./made-nodes.ts"
import {
  addBeside,
  addStep,
  beginMaking,
  connectSteps,
  type Doors,
  elementOf,
  foreignType,
  importedOf,
  keepForeign,
  namedDoors,
  noDoors,
  oneDoor,
} from "./making.ts"
import { askedOf } from "./messages.ts"
import { makeStateVariables } from "./state-variables.ts"

type Convert = (scope: BuilderScope, step: Step) => Doors

const converters: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ["start", convertStart],
  ["agent", convertAgent],
  ["classify", convertClassify],
  ["ifelse", convertBranch],
  ["userapproval", convertApproval],
  ["setstate", convertState],
  ["transform", convertTransform],
  ["end", convertEnd],
  ["note", convertNote],
])

/** Why the others are kept as what they were. */
const foreign: ReadonlyMap<string, { readonly why: string; readonly advice: string }> = new Map([
  [
    "filesearch",
    {
      why: "there are no vector stores here",
      advice: "Fetch what is to be known with an HTTP request or an MCP tool.",
    },
  ],
  [
    "guardrails",
    {
      why: "texts are not moderated here",
      advice: "Check the text with a Text Classifier or an If node, or remove the step.",
    },
  ],
  [
    "mcp",
    {
      why: "an MCP tool is called by an agent here",
      advice: "Give an agent the MCP client tool, or call the service with an HTTP request.",
    },
  ],
  [
    "while",
    {
      why: "steps that run until a condition holds have no counterpart",
      advice: "Draw the loop with an If node whose one output leads back.",
    },
  ],
])

const branching: ReadonlySet<string> = new Set(["ifelse", "userapproval", "classify", "guardrails", "while"])

/** Converts a workflow. */
export function convertBuilderFlow(document: JsonObject): Pick<Conversion, "definition" | "report"> {
  const flow = readSteps(document)
  const making = beginMaking("openai-agent-builder", flow)
  const start = flow.steps.find(({ type }) => type === "start")
  const trigger = (start && making.nameOf(start.key)) ?? making.draft.nameFor("Chat message", "Chat message")
  const certainty = certaintyOf(flow, (key) => branching.has(flow.byKey.get(key)?.type ?? ""))
  const scope: BuilderScope = { making, certainty, trigger, state: makeStateVariables() }
  declareState(scope, start)
  const doors = new Map(flow.steps.map((step) => [step.key, convertStep(scope, step)] as const))
  connectSteps(making, doors)
  return { definition: making.draft.finish(), report: making.fidelity.report() }
}

/** Settings stand in `data`, or one level deeper. */
function readSteps(document: JsonObject): Flow {
  const steps = objectsAt(document, "nodes").map((node, index): Step => {
    const outer = asRecord(field(node, "data"))
    const data = {
      ...outer,
      ...objectAt(outer, "config"),
      ...objectAt(outer, "parameters"),
      ...objectAt(node, "config"),
    }
    return {
      key: textAt(node, "id") || `step ${index + 1}`,
      title: textAt(data, "name", "label", "title") || textAt(node, "name", "label"),
      type: squashed(textAt(node, "type")),
      data,
      position: readPosition(field(node, "position"), index),
      parent: null,
    }
  })
  return makeFlow(steps, readArrows(document))
}

function convertStep(scope: BuilderScope, step: Step): Doors {
  const convert = converters.get(step.type)
  if (convert !== undefined) return convert(scope, step)
  const told = foreign.get(step.type) ?? {
    why: "nothing here does what this step does",
    advice: "Write it in a Code node.",
  }
  return keepForeign(scope.making, step, told)
}

/** Variables of a workflow and their first values, in any of the forms in which they are kept. */
function declareState(scope: BuilderScope, start: Step | undefined): void {
  const { making, state, certainty } = scope
  const data = start?.data ?? {}
  for (const entry of [
    ...objectsAt(data, "state_variables"),
    ...objectsAt(data, "stateVariables"),
    ...objectsAt(data, "state"),
  ]) {
    state.declare(
      textAt(entry, "name", "key"),
      field(entry, "default") ?? field(entry, "default_value") ?? field(entry, "value") ?? null,
    )
  }
  for (const [name, value] of Object.entries(objectAt(data, "state")))
    state.declare(name, isJsonObject(value) ? (field(value, "default") ?? null) : value)
  for (const step of making.flow.steps) {
    if (step.type !== "setstate") continue
    const node = making.nameOf(step.key) ?? ""
    for (const { name } of assignmentsOf(step)) {
      state.write(name, {
        node,
        rank: certainty.rank(step.key),
        code: `${nodeCode(node)}.first()?.json?.[${quoteCode(name)}]`,
      })
    }
  }
}

function convertStart({ making }: BuilderScope, step: Step): Doors {
  const name = addStep(making, step, chatTriggerNode())
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.chatTrigger")
  return oneDoor(name)
}

function modelOf({ data }: Step): ForeignModel {
  const model = field(data, "model")
  const key = typeof model === "string" ? model : textAt(asRecord(model), "id", "name", "value", "model")
  return {
    provider: "openai",
    key,
    settings: { ...objectAt(data, "model_settings"), ...data, reasoning: field(data, "reasoning") ?? null },
  }
}

/** The JSON Schema of an agent's answer; null where it is text. */
function schemaOf({ data }: Step): JsonObject | null {
  const candidates = [
    objectAt(data, "output_schema"),
    objectAt(data, "outputSchema"),
    objectAt(data, "text", "format"),
    objectAt(data, "output_format"),
    objectAt(data, "response_format"),
  ]
  for (const candidate of candidates) {
    const inner = objectAt(candidate, "schema")
    const schema = Object.keys(inner).length > 0 ? inner : candidate
    if (isJsonObject(field(schema, "properties")) && isShallow(schema, 50)) return schema
  }
  return null
}

/** An agent: asked alone where it has no tools, else with its tools beside it. */
function convertAgent(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const instructions = textAt(data, "instructions", "system_prompt", "systemPrompt")
  const listed = objectsAt(data, "messages").map((entry) => ({
    role: "user" as const,
    pieces: messagePieces(scope, textAt(entry, "content", "text"), step),
  }))
  const system =
    instructions === "" ? [] : [{ role: "system" as const, pieces: messagePieces(scope, instructions, step) }]
  const asked = askedOf(
    [...system, ...listed],
    listed.length === 0 ? [{ code: inputCode(scope, step, "text") }] : "nothing",
  )
  const tools = objectsAt(data, "tools")
  const remembers = field(data, "include_chat_history") !== false && field(data, "includeChatHistory") !== false
  const outputSchema = schemaOf(step)
  if (tools.length === 0) {
    const settings = freddySettings(modelOf(step), elementOf(step), making.fidelity)
    const name = addStep(
      making,
      step,
      freddyNode(asked, { settings, remembers: remembers ? "all" : "none", outputSchema }),
    )
    making.fidelity.kept(elementOf(step), "FreddyLLM")
    return oneDoor(name)
  }
  const name = addStep(making, step, agentNode(asked, { hasParser: outputSchema !== null }))
  const serve = (type: string, made: Parameters<typeof addBeside>[2]): void => {
    making.draft.connect({ from: addBeside(making, step, made), to: name, type })
  }
  const model = modelOf(step)
  serve("ai_languageModel", { ...modelNode(model), wished: model.key || "Model", shift: [0, 200] })
  if (remembers) serve("ai_memory", { ...memoryNode(null), wished: `Memory of ${name}`, shift: [120, 200] })
  if (outputSchema !== null)
    serve("ai_outputParser", { ...parserNode(outputSchema), wished: `Form of ${name}`, shift: [240, 200] })
  for (const [index, tool] of tools.slice(0, 100).entries()) addTool(scope, step, { tool, index, node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
  return oneDoor(name)
}

/** A tool: an MCP server by its address, else kept and switched off, so that the agent answers without it. */
function addTool(
  { making }: BuilderScope,
  step: Step,
  { tool, index, node }: { readonly tool: JsonObject; readonly index: number; readonly node: string },
): void {
  const type = textAt(tool, "type") || "tool"
  const url = textAt(tool, "server_url", "serverUrl", "url")
  const shift = [360 + index * 120, 200] as const
  if (squashed(type).includes("mcp") && /^https?:\/\//.test(url)) {
    const allowed = textsAt(tool, "allowed_tools")
    const made = {
      ...mcpToolNode(url, allowed.length === 0 ? null : allowed),
      wished: textAt(tool, "server_label", "name") || "MCP",
      shift,
    }
    making.draft.connect({ from: addBeside(making, step, made), to: node, type: "ai_tool" })
    making.fidelity.kept({ ...elementOf(step), was: `tool ${type}` }, "@n8n/n8n-nodes-langchain.mcpClientTool")
    return
  }
  const kind = foreignType(making.format, type)
  const made = {
    type: kind,
    typeVersion: 1,
    parameters: {},
    disabled: true,
    imported: importedOf({ type, data: tool }),
  }
  const name = addBeside(making, step, { ...made, wished: textAt(tool, "name") || type, shift })
  making.draft.connect({ from: name, to: node, type: "ai_tool" })
  const why = "this tool is run by the service that it belongs to"
  const advice = `Replace the node '${name}' by an MCP client tool or an HTTP request tool, and switch it on.`
  making.fidelity.lost({ ...elementOf(step), was: `tool ${type}` }, { became: `${kind}, switched off`, why, advice })
}

function convertClassify(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const categories = [...objectsAt(step.data, "categories"), ...objectsAt(step.data, "classes")]
  const named = categories.map((entry) => ({
    name: textAt(entry, "name", "label", "value"),
    description: textAt(entry, "description"),
  }))
  const text: readonly Piece[] = [{ code: inputCode(scope, step, "text") }]
  const instructions = textAt(step.data, "instructions")
  const name = addStep(
    making,
    step,
    classifierNode(text, named, instructions === "" ? null : messagePieces(scope, instructions, step)),
  )
  const model = modelOf(step)
  const served = addBeside(making, step, { ...modelNode(model), wished: model.key || "Model", shift: [0, 200] })
  making.draft.connect({ from: served, to: name, type: "ai_languageModel" })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.textClassifier")
  return exitsOf(name, categories)
}

/** Exits by the id, name or place of each case, whichever the arrows use; a last one for everything else. */
function exitsOf(name: string, cases: readonly JsonObject[]): Doors {
  const outputs = new Map<string, number>()
  for (const [index, entry] of cases.entries()) {
    for (const exit of [
      textAt(entry, "id"),
      textAt(entry, "name", "label", "value"),
      `case-${index}`,
      `case_${index}`,
      String(index),
    ]) {
      if (exit !== "" && !outputs.has(exit)) outputs.set(exit, index)
    }
  }
  const exit = (wanted: string) => {
    const isElse = /else|fallback|default|false/i.test(wanted)
    const output = outputs.get(wanted) ?? (isElse ? cases.length : wanted === "true" ? 0 : undefined)
    return output === undefined ? null : { node: name, output }
  }
  return { entrance: name, exit, exits: [...cases.keys(), "else"].map(String) }
}

function convertBranch(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const listed = [...objectsAt(step.data, "cases"), ...objectsAt(step.data, "conditions")]
  const cases = listed.length > 0 ? listed : [step.data]
  const codes = cases.map((entry) => expressionCode(scope, textOfExpression(entry), step))
  const known = codes.flatMap((code) => (code === null ? [] : [code]))
  if (known.length < cases.length) {
    const why = "its condition says what cannot be said here"
    return keepForeign(making, step, { why, advice: "Write the condition in an If or Switch node." })
  }
  const rules = known.map((code, index) => ({
    all: [truthOf(code)],
    combinator: "and" as const,
    name: textAt(cases[index] ?? {}, "label", "name"),
  }))
  const [only] = rules
  const made = only !== undefined && rules.length === 1 ? ifNode(only) : switchNode(rules)
  const name = addStep(making, step, made)
  making.fidelity.kept(elementOf(step), made.type)
  return exitsOf(name, cases)
}

/** An expression as a text, or inside of an object that says its language. */
function textOfExpression(entry: JsonObject): string {
  for (const name of ["expression", "condition", "predicate", "expr", "value"]) {
    const value = field(entry, name)
    if (typeof value === "string") return value
    if (isJsonObject(value)) return textAt(value, "expression", "value", "text")
    if (typeof value === "number" || typeof value === "boolean") return String(value)
  }
  return ""
}

function convertApproval(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const message = messagePieces(scope, textAt(step.data, "message", "prompt", "text"), step)
  const ask = addStep(making, step, approvalNode(step.title || "Approve", message))
  const decided = addBeside(making, step, { ...approvedNode(), wished: `${ask} approved`, shift: [200, 0] })
  making.draft.connect({ from: ask, to: decided })
  making.fidelity.kept(elementOf(step), "Ask")
  const exit = (name: string) => ({ node: decided, output: /reject|den|false|no/i.test(name) ? 1 : 0 })
  return { entrance: ask, exit, exits: ["approve", "reject"] }
}

type Assignment = { readonly name: string; readonly text: string }

function assignmentsOf({ data }: Step): readonly Assignment[] {
  const listed = [...objectsAt(data, "assignments"), ...objectsAt(data, "updates"), ...objectsAt(data, "state")]
  const all = listed.length > 0 ? listed : [data]
  return all.flatMap((entry) => {
    const name = textAt(entry, "variable", "key", "target", "to") || (listed.length > 0 ? textAt(entry, "name") : "")
    return name === "" || name === "__proto__"
      ? []
      : [{ name: name.replace(/^state\./, ""), text: textOfExpression(entry) }]
  })
}

function convertState(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const fields = assignmentsOf(step).map(
    ({ name, text }): WrittenField => [name, { code: expressionCode(scope, text, step) ?? quoteCode(text) }],
  )
  const name = addStep(making, step, setNode(fields, { keeps: true }))
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.set")
  return oneDoor(name)
}

function convertTransform(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const listed = [
    ...objectsAt(step.data, "fields"),
    ...objectsAt(step.data, "outputs"),
    ...objectsAt(step.data, "expressions"),
  ]
  const entries = listed.map((entry) => [textAt(entry, "name", "key"), textOfExpression(entry)] as const)
  const fields = entries.map(([key, text]): readonly [string, string | null] => [
    key,
    expressionCode(scope, text, step),
  ])
  if (fields.length === 0 || fields.some(([key, code]) => key === "" || code === null)) {
    const why = "its expressions say what cannot be said here"
    return keepForeign(making, step, { why, advice: "Write the fields in an Edit Fields node." })
  }
  const name = addStep(
    making,
    step,
    setNode(fields.map(([key, code]): WrittenField => [key, { code: code ?? "null" }])),
  )
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.set")
  return oneDoor(name)
}

/** The end: the reply is what came to it, unless it says its output. */
function convertEnd(scope: BuilderScope, step: Step): Doors {
  const { making } = scope
  const output = field(step.data, "output")
  const entries = isJsonObject(output) ? Object.entries(output) : []
  const fields = entries.flatMap(([key, value]: readonly [string, JsonValue]): WrittenField[] => {
    const code = typeof value === "string" ? expressionCode(scope, value, step) : null
    return code === null ? [] : [[key, { code }]]
  })
  const known = recordOf(fields.map(([key]) => [key, true]))
  const made = fields.length === 0 || Object.keys(known).length < entries.length ? passNode() : setNode(fields)
  const name = addStep(making, step, made)
  making.fidelity.kept(elementOf(step), made.type)
  return namedDoors(name, [])
}

function convertNote({ making }: BuilderScope, step: Step): Doors {
  addStep(making, step, noteNode(textAt(step.data, "text", "content", "note")))
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.stickyNote")
  return noDoors
}
