/** Steps of Dify that talk to models: llm, agent, question-classifier, parameter-extractor. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { type DifyScope, jinjaPieces, referenceCode, textPieces } from "./dify-references.ts"
import { recordOf } from "./draft.ts"
import type { Piece } from "./expression-text.ts"
import { asRecord, field, isShallow, listAt, numberAt, objectAt, objectsAt, textAt, textsAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import { type ForeignModel, freddySettings, modelNode, tellProvider } from "./foreign-model.ts"
import {
  agentNode,
  classifierNode,
  extractorNode,
  freddyNode,
  memoryNode,
  type Remembered,
} from "./made-model-nodes.ts"
import { addBeside, addStep, type Doors, elementOf, foreignType, importedOf, namedDoors } from "./making.ts"
import { askedOf, type ForeignMessage, roleOf } from "./messages.ts"

/** A step that asks a model. */
export function convertLlm(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const element = elementOf(step)
  const messages = promptMessages(scope, step)
  const query = memoryQuery(scope, step)
  const asked = askedOf(messages, query ?? "nothing")
  const settings = freddySettings(difyModel(objectAt(data, "model")), element, making.fidelity)
  const outputSchema = structuredSchema(data)
  const made = freddyNode(asked, { settings, remembers: memoryOf(data), outputSchema })
  const name = addStep(making, step, { ...made, rules: rulesOf(scope, step) })
  if (objectAt(data, "vision").enabled === true) {
    const why = "pictures are not handed to models here"
    making.fidelity.lost({ ...element, was: "vision" }, { why, advice: "Describe the picture in the chat message." })
  }
  if (asked.why === null) making.fidelity.kept(element, "FreddyLLM")
  else making.fidelity.changed(element, "FreddyLLM", { why: asked.why, advice: "Check the prompt of the node." })
  return failDoors(name)
}

/** The messages of a step: a list of them, or one text of a completion model. */
function promptMessages(scope: DifyScope, step: Step): readonly ForeignMessage[] {
  const { data, key } = step
  const context = listAt(objectAt(data, "context"), "variable_selector")
  const special = new Map([
    ["context", context.length === 0 ? "null" : referenceCode(scope, selectorOf(context), key)],
    ["histories", "null"],
    ["query", referenceCode(scope, ["sys", "query"], key)],
  ])
  const variables = variablesOf(scope, objectsAt(objectAt(data, "prompt_config"), "jinja2_variables"), key)
  const template = field(data, "prompt_template")
  const entries = Array.isArray(template) ? template.filter(isJsonObject) : [{ role: "user", ...asRecord(template) }]
  return entries.map((entry: JsonObject): ForeignMessage => {
    const role = roleOf(textAt(entry, "role"))
    const text = textAt(entry, "text")
    const isJinja = textAt(entry, "edition_type") === "jinja2"
    const jinja = isJinja ? jinjaPieces(scope.making, textAt(entry, "jinja2_text", "text"), variables) : null
    if (isJinja && jinja === null) {
      const why = "the prompt is a Jinja template with more than places for values"
      const advice = "Write the prompt with expressions."
      scope.making.fidelity.changed({ ...elementOf(step), was: "prompt" }, "its text as it stands", { why, advice })
    }
    return { role, pieces: jinja ?? textPieces(scope, text, { at: key, special }) }
  })
}

/** Names of variables and the sources of their values: `[{variable, value_selector}]`. */
export function variablesOf(
  scope: DifyScope,
  variables: readonly JsonObject[],
  at: string,
): ReadonlyMap<string, string> {
  return new Map(
    variables.map((entry) => [
      textAt(entry, "variable"),
      referenceCode(scope, selectorOf(listAt(entry, "value_selector")), at),
    ]),
  )
}

/** A list of steps as a path. */
export function selectorOf(list: readonly JsonValue[]): readonly (string | number)[] {
  return list.filter((part) => typeof part === "string" || typeof part === "number").slice(0, 20)
}

/** What a step with a memory is asked last: its own template, else the chat message. Null where it has no memory. */
function memoryQuery(scope: DifyScope, { data, key }: Step): readonly Piece[] | null {
  const memory = field(data, "memory")
  if (!isJsonObject(memory)) return null
  const template = textAt(memory, "query_prompt_template")
  return textPieces(scope, template === "" ? "{{#sys.query#}}" : template, { at: key })
}

/** Where a step has a memory it sees the conversation, or so many of its last messages. */
function memoryOf(data: JsonObject): Remembered {
  const memory = field(data, "memory")
  if (!isJsonObject(memory)) return "none"
  const window = objectAt(memory, "window")
  const size = numberAt(window, "size")
  // A window counts exchanges, history messages.
  return window.enabled === true && size !== undefined ? { messages: Math.max(0, Math.trunc(size) * 2) } : "all"
}

function structuredSchema(data: JsonObject): JsonObject | null {
  const schema = field(objectAt(data, "structured_output"), "schema")
  const isWanted = data.structured_output_enabled === true || data.structured_output_switch_on === true
  return isWanted && isJsonObject(schema) && isShallow(schema, 50) ? schema : null
}

/** A model of Dify: `{provider, name, completion_params}`. */
export function difyModel(model: JsonObject): ForeignModel {
  return {
    // Since version 1.0 providers are named by their plugins: `langgenius/openai/openai`.
    provider: textAt(model, "provider").split("/").at(-1) ?? "",
    key: textAt(model, "name", "model"),
    settings: objectAt(model, "completion_params"),
  }
}

/** What happens on an error, as every step of Dify may say. A value in the place of the answer is not kept. */
export function rulesOf({ making }: DifyScope, step: Step): JsonObject {
  const { data } = step
  const retry = objectAt(data, "retry_config")
  const tries = numberAt(retry, "max_retries")
  const wait = numberAt(retry, "retry_interval")
  const strategy = textAt(data, "error_strategy")
  if (strategy === "default-value") {
    const why = "there is no value in the place of one that failed"
    const advice = "Connect the error output of the node with a node that gives the value."
    making.fidelity.lost({ ...elementOf(step), was: "error_strategy: default-value" }, { why, advice })
  }
  return {
    ...(retry.retry_enabled === true
      ? { retryOnFail: true, maxTries: (tries ?? 2) + 1, waitBetweenTries: wait ?? 1_000 }
      : {}),
    ...(strategy === "fail-branch" ? { onError: "continueErrorOutput" } : {}),
  }
}

/** A step with one exit, and one for failures. */
export function failDoors(name: string): Doors {
  return { entrance: name, exit: (exit) => ({ node: name, output: exit === "fail-branch" ? 1 : 0 }), exits: null }
}

/** A step that lets a model choose among tools. Its tools are plugins of Dify. */
export function convertAgent(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const parameters = objectAt(step.data, "agent_parameters")
  const value = (name: string): JsonValue | undefined => field(objectAt(parameters, name), "value")
  const text = (name: string): readonly Piece[] | null => {
    const found = value(name)
    if (Array.isArray(found)) return [{ code: referenceCode(scope, selectorOf(found), step.key) }]
    return typeof found === "string" && found !== "" ? textPieces(scope, found, { at: step.key }) : null
  }
  const model = difyModel(asRecord(value("model")))
  const asked = {
    system: text("instruction"),
    prompt: text("query") ?? textPieces(scope, "{{#sys.query#}}", { at: step.key }),
  }
  const iterations = numberAt(objectAt(parameters, "maximum_iterations"), "value")
  const iterationsMax = iterations !== undefined && iterations >= 1 ? Math.trunc(iterations) : undefined
  const name = addStep(making, step, { ...agentNode(asked, { iterationsMax }), rules: rulesOf(scope, step) })
  serveModel(scope, step, { model, node: name })
  addToolsLost(scope, step, { tools: objectsIn(value("tools")), node: name })
  if (isJsonObject(step.data.memory)) {
    const memory = addBeside(making, step, { ...memoryNode(null), wished: `Memory of ${name}`, shift: [120, 200] })
    making.draft.connect({ from: memory, to: name, type: "ai_memory" })
  }
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
  return failDoors(name)
}

function objectsIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

/** Connects a model node to the node that it serves. */
export function serveModel(
  { making }: Pick<DifyScope, "making">,
  step: Step,
  { model, node }: { readonly model: ForeignModel; readonly node: string },
): void {
  tellProvider(model, elementOf(step), making.fidelity)
  const served = { ...modelNode(model), wished: model.key === "" ? `Model of ${node}` : model.key }
  const name = addBeside(making, step, { ...served, shift: [0, 200] })
  making.draft.connect({ from: name, to: node, type: "ai_languageModel" })
}

/** Tools of Dify: kept beside the agent, switched off, so that the agent answers without them. */
export function addToolsLost(
  { making }: Pick<DifyScope, "making">,
  step: Step,
  { tools, node }: { readonly tools: readonly JsonObject[]; readonly node: string },
): void {
  tools.slice(0, 100).forEach((tool, index) => {
    if (tool.enabled === false) return
    const type = textAt(tool, "tool_name", "provider_name", "type") || "tool"
    const kind = foreignType(making.format, type)
    const shown = { ...tool, schemas: [], parameters: objectAt(tool, "parameters") }
    const made = {
      type: kind,
      typeVersion: 1,
      parameters: {},
      disabled: true,
      imported: importedOf({ type, data: shown }),
    }
    const name = addBeside(making, step, { ...made, wished: type, shift: [240 + index * 120, 200] })
    making.draft.connect({ from: name, to: node, type: "ai_tool" })
    const why = "the tools of this system are programs of its own"
    const advice = `Replace the node '${name}' by an MCP client tool or an HTTP request tool, and switch it on.`
    making.fidelity.lost({ ...elementOf(step), was: `tool ${type}` }, { became: `${kind}, switched off`, why, advice })
  })
}

/** A step that chooses among classes. */
export function convertClassifier(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const classes = objectsAt(data, "classes")
  const text = [{ code: referenceCode(scope, selectorOf(listAt(data, "query_variable_selector")), key) }]
  const instruction = textAt(data, "instruction", "instructions")
  const categories = classes.map((entry) => ({ name: textAt(entry, "name") || textAt(entry, "id"), description: "" }))
  const pieces = instruction === "" ? null : textPieces(scope, instruction, { at: key })
  const name = addStep(making, step, { ...classifierNode(text, categories, pieces), rules: rulesOf(scope, step) })
  serveModel(scope, step, { model: difyModel(objectAt(data, "model")), node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.textClassifier")
  return namedDoors(
    name,
    classes.map((entry) => textAt(entry, "id")),
  )
}

const jsonTypes: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ["string", { type: "string" }],
  ["number", { type: "number" }],
  ["boolean", { type: "boolean" }],
  ["bool", { type: "boolean" }],
  ["select", { type: "string" }],
  ["object", { type: "object" }],
])

/** A step that reads values out of a text. */
export function convertExtractor(scope: DifyScope, step: Step): Doors {
  const { making } = scope
  const { data, key } = step
  const text = [{ code: referenceCode(scope, selectorOf(listAt(data, "query")), key) }]
  const parameters = objectsAt(data, "parameters").filter((entry) => textAt(entry, "name") !== "")
  const schema: JsonObject = {
    type: "object",
    properties: recordOf(parameters.map((entry) => [textAt(entry, "name"), parameterSchema(entry)])),
    required: parameters.filter(({ required }) => required === true).map((entry) => textAt(entry, "name")),
  }
  const instruction = textAt(data, "instruction", "instructions")
  const pieces = instruction === "" ? null : textPieces(scope, instruction, { at: key })
  const name = addStep(making, step, { ...extractorNode(text, schema, pieces), rules: rulesOf(scope, step) })
  serveModel(scope, step, { model: difyModel(objectAt(data, "model")), node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.informationExtractor")
  return failDoors(name)
}

function parameterSchema(entry: JsonObject): JsonObject {
  const [, item] = /^array\[(\w+)\]$/.exec(textAt(entry, "type")) ?? []
  const type = jsonTypes.get(item ?? textAt(entry, "type")) ?? { type: "string" }
  const options = textsAt(entry, "options")
  const description = textAt(entry, "description")
  return {
    ...(item === undefined ? type : { type: "array", items: type }),
    ...(options.length === 0 ? {} : { enum: options }),
    ...(description === "" ? {} : { description }),
  }
}
