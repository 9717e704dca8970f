/** Agent flows of Flowise (version 2): steps that run one after the other, each with settings named for itself. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { certaintyOf } from "./certainty.ts"
import { recordOf } from "./draft.ts"
import { nodeCode } from "./expression-text.ts"
import { asRecord, field, numberAt, objectAt, objectsAt, textAt } from "./fields.ts"
import { type Arrow, type Flow, makeFlow, readArrows, readPosition, type Step } from "./flow.ts"
import {
  answerSchema,
  convertCondition,
  convertFunction,
  convertHttp,
  convertHumanInput,
  convertLoop,
  convertReply,
  convertSticky,
} from "./flowise-nodes.ts"
import { type FlowiseScope, flowiseText, flowiseValue } from "./flowise-scope.ts"
import { type ForeignModel, freddySettings, modelNode, tellProvider } from "./foreign-model.ts"
import type { Conversion } from "./importer.ts"
import { closeIteration, type IterationPlan, makeIteration } from "./iteration.ts"
import {
  agentNode,
  calculatorNode,
  classifierNode,
  freddyNode,
  memoryNode,
  type Remembered,
} from "./made-model-nodes.ts"
import { chatTriggerNode } from "./made-nodes.ts"
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
  oneDoor,
} from "./making.ts"
import { askedOf, type ForeignMessage, roleOf } from "./messages.ts"
import { makeStateVariables, type StateVariables } from "./state-variables.ts"

/** How each type of step is converted. Others are kept as what they were. */
const converters: ReadonlyMap<string, (scope: FlowiseScope, step: Step) => Doors> = new Map([
  ["startAgentflow", convertStart],
  ["llmAgentflow", convertLlm],
  ["agentAgentflow", convertAgent],
  ["conditionAgentAgentflow", convertClassifier],
  ["conditionAgentflow", convertCondition],
  ["httpAgentflow", convertHttp],
  ["customFunctionAgentflow", convertFunction],
  ["directReplyAgentflow", convertReply],
  ["humanInputAgentflow", convertHumanInput],
  ["loopAgentflow", convertLoop],
  ["stickyNoteAgentflow", convertSticky],
])

const branching: ReadonlySet<string> = new Set(["conditionAgentflow", "conditionAgentAgentflow", "humanInputAgentflow"])

/** Converts a flow. */
export function convertAgentflow(document: JsonObject): Pick<Conversion, "definition" | "report"> {
  const flow = readAgentflow(document)
  const making = beginMaking("flowise", flow)
  const start = flow.steps.find(({ type }) => type === "startAgentflow")
  const trigger = (start && making.nameOf(start.key)) ?? making.draft.nameFor("Chat message", "Chat message")
  const iterations = flow.steps.filter(({ type }) => type === "iterationAgentflow")
  const scope: FlowiseScope = {
    making,
    trigger,
    certainty: certaintyOf(flow, (key) => branching.has(flow.byKey.get(key)?.type ?? "")),
    state: makeStateVariables(),
    results: new Map(
      iterations.map(({ key }) => [
        key,
        making.draft.nameFor(`${making.nameOf(key) ?? "Iteration"} results`, "Results"),
      ]),
    ),
  }
  declareState(scope, start)
  const doors = new Map<string, Doors>()
  const plans: (readonly [Step, IterationPlan])[] = []
  for (const step of flow.steps) {
    if (step.type === "iterationAgentflow") {
      const plan = planIteration(scope, step)
      plans.push([step, plan])
      doors.set(step.key, makeIteration(making, step, plan))
    } else doors.set(step.key, convertStep(scope, step))
  }
  if (start === undefined) addTrigger(scope, doors)
  connectSteps(making, doors)
  for (const [step, plan] of plans) closeIteration(making, step, { plan, doors })
  return { definition: making.draft.finish(inputsOf(start)), report: making.fidelity.report() }
}

function readAgentflow(document: JsonObject): Flow {
  const steps = objectsAt(document, "nodes").map((node, index): Step => {
    const data = objectAt(node, "data")
    return {
      key: textAt(node, "id") || `step ${index + 1}`,
      title: textAt(data, "label"),
      type: textAt(data, "name"),
      data: objectAt(data, "inputs"),
      position: readPosition(field(node, "position"), index),
      parent: textAt(node, "parentNode", "parentId") || null,
    }
  })
  const iterations = new Set(steps.filter(({ type }) => type === "iterationAgentflow").map(({ key }) => key))
  // What lies inside of something that is no iteration stands outside.
  const placed = steps.map((step) =>
    step.parent !== null && !iterations.has(step.parent) ? { ...step, parent: null } : step,
  )
  const arrows = readArrows(document).map(
    (arrow): Arrow => ({ ...arrow, exit: arrow.exit.split("-output-").at(-1) ?? "" }),
  )
  return makeFlow(placed, arrows)
}

/** The variables of a flow, and who writes them, before any step is converted. */
function declareState(scope: FlowiseScope, start: Step | undefined): void {
  const { making, state, certainty } = scope
  for (const entry of objectsAt(start?.data ?? {}, "startState"))
    state.declare(textAt(entry, "key"), field(entry, "value") ?? null)
  for (const step of making.flow.steps) {
    const prefix = step.type.replace(/Agentflow$/, "")
    const node = making.nameOf(step.key) ?? ""
    for (const entry of objectsAt(step.data, `${prefix}UpdateState`)) {
      const code = flowiseValue({ ...scope, state: noState }, field(entry, "value"), step)
      state.write(textAt(entry, "key"), { node, rank: certainty.rank(step.key), code })
    }
  }
}

/** What a variable is written from must not read variables itself: each would be written out inside of the other. */
const noState: StateVariables = { declare: () => {}, write: () => {}, read: () => null, names: () => [] }

function convertStep(scope: FlowiseScope, step: Step): Doors {
  const convert = converters.get(step.type)
  if (convert !== undefined) return convert(scope, step)
  const why = /retriever/i.test(step.type)
    ? "there are no knowledge bases here"
    : "nothing here does what this step does"
  const advice = "Do the same with an HTTP request, a Code node or an MCP tool in the place of this node."
  return keepForeign(scope.making, step, { why, advice })
}

function addTrigger({ making, trigger }: FlowiseScope, doors: ReadonlyMap<string, Doors>): void {
  making.draft.add({ name: trigger, position: [-200, 0], ...chatTriggerNode() })
  for (const { key, parent } of making.flow.steps) {
    const entrance = doors.get(key)?.entrance ?? null
    const isRoot = parent === null && !making.flow.arriving.has(key)
    if (entrance !== null && isRoot) making.draft.connect({ from: trigger, to: entrance })
  }
}

function convertStart({ making }: FlowiseScope, step: Step): Doors {
  const name = addStep(making, step, chatTriggerNode())
  if (textAt(step.data, "startInputType") === "formInput") {
    const why = "inputs beside the chat message come as its metadata"
    const advice = "Send the inputs as metadata of the chat message, or as inputs of an execution."
    making.fidelity.changed(elementOf(step), "@n8n/n8n-nodes-langchain.chatTrigger", { why, advice })
  } else making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.chatTrigger")
  return oneDoor(name)
}

/** The inputs of a form, declared as those of a turn. */
function inputsOf(start: Step | undefined): JsonObject {
  const forms = objectsAt(start?.data ?? {}, "formInputTypes").filter((entry) => textAt(entry, "name") !== "")
  if (forms.length === 0) return {}
  const properties = forms.map((entry) => {
    const type = ["number", "boolean"].includes(textAt(entry, "type")) ? textAt(entry, "type") : "string"
    return [textAt(entry, "name"), { type, title: textAt(entry, "label") || textAt(entry, "name") }] as const
  })
  return { meta: { inputs: { per_turn: { type: "object", properties: recordOf(properties) } } } }
}

/** A model by its kind of node in Flowise (`chatOpenAI`) and the settings of that. */
function modelOf(data: JsonObject, prefix: string): ForeignModel {
  const settings = objectAt(data, `${prefix}ModelConfig`)
  const provider = textAt(data, `${prefix}Model`).replace(/^chat/i, "")
  return { provider, key: textAt(settings, "modelName", "customModel", "model"), settings }
}

function messagesOf(scope: FlowiseScope, step: Step, prefix: string): readonly ForeignMessage[] {
  return objectsAt(step.data, `${prefix}Messages`).map((entry) => ({
    role: roleOf(textAt(entry, "role")),
    pieces: flowiseText(scope, textAt(entry, "content"), step),
  }))
}

/** What is asked after the messages: the step's own text; the chat message where nobody has asked anything. */
function askedBy(scope: FlowiseScope, step: Step, prefix: string) {
  const messages = messagesOf(scope, step, prefix)
  const own = textAt(step.data, `${prefix}UserMessage`)
  const hasQuestion = messages.some(({ role }) => role === "user")
  const chat = [{ code: `${nodeCode(scope.trigger)}.first()?.json?.chatInput` }]
  if (own !== "") return askedOf(messages, flowiseText(scope, own, step))
  return askedOf(messages, hasQuestion ? "nothing" : chat)
}

function convertLlm(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const asked = askedBy(scope, step, "llm")
  const settings = freddySettings(modelOf(data, "llm"), elementOf(step), making.fidelity)
  const outputSchema = answerSchema(field(data, "llmStructuredOutput"))
  const name = addStep(
    making,
    step,
    freddyNode(asked, { settings, remembers: rememberedBy(data, "llm"), outputSchema }),
  )
  if (asked.why === null) making.fidelity.kept(elementOf(step), "FreddyLLM")
  else
    making.fidelity.changed(elementOf(step), "FreddyLLM", { why: asked.why, advice: "Check the prompt of the node." })
  return oneDoor(name)
}

function rememberedBy(data: JsonObject, prefix: string): Remembered {
  if (field(data, `${prefix}EnableMemory`) !== true) return "none"
  const size = numberAt(data, `${prefix}MemoryWindowSize`)
  const isWindow = textAt(data, `${prefix}MemoryType`) === "windowSize" && size !== undefined
  return isWindow ? { messages: Math.max(0, Math.trunc(size)) } : "all"
}

function convertAgent(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const asked = askedBy(scope, step, "agent")
  const name = addStep(making, step, agentNode(asked, {}))
  addModel(scope, step, { prefix: "agent", node: name })
  if (field(data, "agentEnableMemory") === true) {
    const memory = addBeside(making, step, { ...memoryNode(null), wished: `Memory of ${name}`, shift: [120, 200] })
    making.draft.connect({ from: memory, to: name, type: "ai_memory" })
  }
  const tools = objectsAt(data, "agentTools").slice(0, 100)
  for (const [index, tool] of tools.entries()) addTool(scope, step, { tool, index, node: name })
  for (const known of ["agentKnowledgeDocumentStores", "agentKnowledgeVSEmbeddings"]) {
    if (objectsAt(data, known).length === 0) continue
    const why = "there are no knowledge bases here"
    const advice = "Give the agent an HTTP request or MCP tool that finds what is to be known."
    making.fidelity.lost({ ...elementOf(step), was: known }, { why, advice })
  }
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
  return oneDoor(name)
}

function addModel(
  { making }: FlowiseScope,
  step: Step,
  { prefix, node }: { readonly prefix: string; readonly node: string },
): void {
  const model = modelOf(step.data, prefix)
  tellProvider(model, elementOf(step), making.fidelity)
  const name = addBeside(making, step, {
    ...modelNode(model),
    wished: model.key || `Model of ${node}`,
    shift: [0, 200],
  })
  making.draft.connect({ from: name, to: node, type: "ai_languageModel" })
}

/** A tool of an agent: the calculator, else kept and switched off, so that the agent answers without it. */
function addTool(
  { making }: FlowiseScope,
  step: Step,
  { tool, index, node }: { readonly tool: JsonObject; readonly index: number; readonly node: string },
): void {
  const type = textAt(tool, "agentSelectedTool") || "tool"
  const shift = [240 + index * 120, 200] as const
  if (type === "calculator") {
    const name = addBeside(making, step, { ...calculatorNode(), wished: "Calculator", shift })
    making.draft.connect({ from: name, to: node, type: "ai_tool" })
    making.fidelity.kept({ ...elementOf(step), was: "tool calculator" }, "@n8n/n8n-nodes-langchain.toolCalculator")
    return
  }
  const kind = foreignType(making.format, type)
  const data = asRecord(isJsonObject(tool.agentSelectedToolConfig) ? tool.agentSelectedToolConfig : tool)
  const made = { type: kind, typeVersion: 1, parameters: {}, disabled: true, imported: importedOf({ type, data }) }
  const name = addBeside(making, step, { ...made, wished: type, shift })
  making.draft.connect({ from: name, to: node, type: "ai_tool" })
  const why = "the tools of this system are programs of its own"
  const advice = `Replace the node '${name}' by an MCP client tool or an HTTP request tool, and switch it on.`
  making.fidelity.lost({ ...elementOf(step), was: `tool ${type}` }, { became: `${kind}, switched off`, why, advice })
}

function convertClassifier(scope: FlowiseScope, step: Step): Doors {
  const { making } = scope
  const { data } = step
  const scenarios = objectsAt(data, "conditionAgentScenarios").map((entry) => textAt(entry, "scenario"))
  const input = textAt(data, "conditionAgentInput") || "{{ question }}"
  const instructions = textAt(data, "conditionAgentInstructions")
  const pieces = instructions === "" ? null : flowiseText(scope, instructions, step)
  const categories = scenarios.map((scenario) => ({ name: scenario, description: "" }))
  const name = addStep(making, step, classifierNode(flowiseText(scope, input, step), categories, pieces))
  addModel(scope, step, { prefix: "conditionAgent", node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.textClassifier")
  return namedDoors(
    name,
    scenarios.map((_, index) => String(index)),
  )
}

function planIteration(scope: FlowiseScope, step: Step): IterationPlan {
  const { flow } = scope.making
  const inside = flow.inside.get(step.key) ?? []
  const isFirst = ({ key }: Step): boolean => (flow.arriving.get(key) ?? []).length === 0
  const last = inside.findLast(({ key }) => (flow.leaving.get(key) ?? []).length === 0)
  const list = flowiseValue(scope, field(step.data, "iterationInput"), step)
  return {
    list: `((value) => (typeof value === "string" ? JSON.parse(value) : value))(${list})`,
    result: last === undefined ? "null" : flowiseValue(scope, `{{ ${last.key} }}`, last),
    flattens: false,
    results: scope.results.get(step.key) ?? "Results",
    first: inside.filter(isFirst).map(({ key }) => key),
  }
}
