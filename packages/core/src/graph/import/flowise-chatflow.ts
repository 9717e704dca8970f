/**
 * Chat flows of Flowise: a chain or an agent, and the parts that serve it.
 *
 *     chat model ──model──> conversation chain <──memory── buffer memory
 *     prompt template ──prompt──> LLM chain ──promptValues──> prompt template ──prompt──> LLM chain
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { makeWiring, nodesBefore, type Wire, type Wiring } from "./dataflow.ts"
import { nodeCode, type Piece } from "./expression-text.ts"
import { asRecord, field, numberAt, objectAt, objectsAt, textAt } from "./fields.ts"
import { type Flow, makeFlow, readArrows, readPosition, type Step } from "./flow.ts"
import { type ForeignModel, freddySettings, modelNode, tellProvider } from "./foreign-model.ts"
import type { Conversion } from "./importer.ts"
import { agentNode, calculatorNode, freddyNode, memoryNode, type Remembered } from "./made-model-nodes.ts"
import { chatTriggerNode, noteNode } from "./made-nodes.ts"
import {
  addBeside,
  addStep,
  beginMaking,
  elementOf,
  foreignType,
  importedOf,
  keepForeign,
  type Making,
} from "./making.ts"
import { askedOf, type ForeignMessage } from "./messages.ts"
import { readPlaceholders } from "./placeholders.ts"

type ChatScope = {
  readonly making: Making
  readonly wiring: Wiring
  readonly trigger: string
  /** Parts that became settings of a node, and those that are tools. */
  readonly served: Set<string>
  readonly tools: Set<string>
}

/** Parts that answer, by their names: chains and agents, but for what serves them. */
const answering = /(chain|agent(chat|llm)?|assistant|chatEngine)$/i
const retrieving = /retriev|vector|embedding|documentStore|textSplitter|loader$|file$|scraper$/i

/** Converts a flow. */
export function convertChatflow(document: JsonObject): Pick<Conversion, "definition" | "report"> {
  const flow = readParts(document)
  const making = beginMaking("flowise", flow)
  const trigger = making.draft.nameFor("Chat message", "Chat message")
  making.draft.add({ name: trigger, position: [-200, 0], ...chatTriggerNode() })
  const scope: ChatScope = {
    making,
    trigger,
    wiring: makeWiring(wiresOf(document, flow)),
    served: new Set(),
    tools: new Set(),
  }
  for (const step of flow.steps) if (isAnswering(step)) addAnswering(scope, step)
  const answers = flow.steps.filter(isAnswering)
  for (const step of answers) {
    const before = nodesBefore(flow, scope.wiring, { key: step.key, isNode: isAnswering })
    const sources = before.length === 0 ? [trigger] : before.flatMap((key) => making.nameOf(key) ?? [])
    for (const from of sources) making.draft.connect({ from, to: making.nameOf(step.key) ?? "" })
  }
  for (const step of flow.steps) if (!isAnswering(step)) tellPart(scope, step)
  return { definition: making.draft.finish(), report: making.fidelity.report() }
}

const isAnswering = ({ type }: Step): boolean => answering.test(type)

function readParts(document: JsonObject): Flow {
  const steps = objectsAt(document, "nodes").map((node, index): Step => {
    const data = objectAt(node, "data")
    return {
      key: textAt(node, "id") || `part ${index + 1}`,
      title: textAt(data, "label"),
      type: textAt(data, "name"),
      data: objectAt(data, "inputs"),
      position: readPosition(field(node, "position"), index),
      parent: null,
    }
  })
  return makeFlow(steps, [])
}

/** What stands between the braces of a field that another part fills: `{{chatOpenAI_0.data.instance}}`. */
const reference = /\{\{\s*([\w-]+)\.data\.instance\s*\}\}/g

/** Wires are drawn as edges, and named in the fields too; older flows have only one of both. */
function wiresOf(document: JsonObject, flow: Flow): readonly Wire[] {
  const drawn = readArrows(document).map(({ from, exit, to, entrance }): Wire => {
    const [, name = ""] = /-input-([\w]+)/.exec(entrance) ?? []
    return { from, output: exit, to, field: name }
  })
  const named = flow.steps.flatMap(({ key, data }) =>
    Object.entries(data).flatMap(([name, value]) =>
      textsIn(value).flatMap((text) =>
        [...text.slice(0, 20_000).matchAll(reference)].map(
          ([, from = ""]): Wire => ({ from, output: "", to: key, field: name }),
        ),
      ),
    ),
  )
  const distinct = new Map<string, Wire>()
  for (const wire of [...drawn, ...named]) {
    if (flow.byKey.has(wire.from) && flow.byKey.has(wire.to))
      distinct.set(JSON.stringify([wire.from, wire.to, wire.field]), wire)
  }
  return [...distinct.values()]
}

function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value]
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : []
}

/** The first part that fills one of these fields. */
function partAt({ making, wiring }: ChatScope, { key }: Step, fields: readonly string[]): Step | undefined {
  const wires = fields.flatMap((name) => wiring.into(key, name))
  return wires.flatMap(({ from }) => making.flow.byKey.get(from) ?? [])[0]
}

function addAnswering(scope: ChatScope, step: Step): void {
  const { making } = scope
  const model = partAt(scope, step, ["model", "llm", "languageModel"])
  if (model === undefined && !/openAIAssistant/i.test(step.type)) {
    const why = "it has no model that answers"
    keepForeign(making, step, { why, advice: "Ask a model with a FreddyLLM node in the place of this node." })
    return
  }
  if (/agent/i.test(step.type)) addAgent(scope, step, model)
  else addChain(scope, step, model)
}

/** A model part: `chatOpenAI` with its settings. */
function modelOf(model: Step | undefined): ForeignModel {
  const settings = model?.data ?? {}
  return {
    provider: (model?.type ?? "").replace(/^chat/i, ""),
    key: textAt(settings, "modelName", "customModelName", "model"),
    settings,
  }
}

function addChain(scope: ChatScope, step: Step, model: Step | undefined): void {
  const { making, served } = scope
  const element = elementOf(step)
  const asked = askedOf(messagesOf(scope, step), questionOf(scope, step))
  const settings = freddySettings(modelOf(model), element, making.fidelity)
  const memory = partAt(scope, step, ["memory"])
  const isConversation = /conversation/i.test(step.type)
  addStep(
    making,
    step,
    freddyNode(asked, { settings, remembers: rememberedBy(memory, isConversation ? "all" : "none") }),
  )
  for (const part of [model, memory, partAt(scope, step, ["prompt", "chatPromptTemplate"])])
    if (part !== undefined) served.add(part.key)
  const retriever = partAt(scope, step, ["vectorStoreRetriever", "retriever", "vectorStore"])
  if (retriever !== undefined) {
    const why = "it answers without the documents that were looked up there"
    const advice = "Fetch what is to be known with an HTTP request before this node."
    making.fidelity.changed(element, "FreddyLLM", { why, advice })
  } else if (asked.why !== null) {
    making.fidelity.changed(element, "FreddyLLM", { why: asked.why, advice: "Check the prompt of the node." })
  } else making.fidelity.kept(element, "FreddyLLM")
}

function rememberedBy(memory: Step | undefined, otherwise: Remembered): Remembered {
  if (memory === undefined) return otherwise
  const exchanges = numberAt(memory.data, "k")
  return exchanges === undefined ? "all" : { messages: Math.max(0, Math.trunc(exchanges) * 2) }
}

/** A chain whose prompt says where the message goes asks nothing else. */
function questionOf(scope: ChatScope, step: Step): "nothing" | readonly Piece[] {
  const prompt = partAt(scope, step, ["prompt"])
  const hasQuestion =
    prompt !== undefined && (textAt(prompt.data, "template") !== "" || textAt(prompt.data, "humanMessagePrompt") !== "")
  return hasQuestion ? "nothing" : chatPieces(scope)
}

const chatPieces = ({ trigger }: ChatScope): readonly Piece[] => [
  { code: `${nodeCode(trigger)}.first()?.json?.chatInput` },
]

function messagesOf(scope: ChatScope, step: Step): readonly ForeignMessage[] {
  const prompt = partAt(scope, step, ["prompt", "chatPromptTemplate"])
  const own = textAt(step.data, "systemMessagePrompt", "systemMessage", "responsePrompt", "prefix")
  const messages: ForeignMessage[] = own === "" ? [] : [{ role: "system", pieces: templatePieces(scope, own, step) }]
  if (prompt === undefined) return messages
  const said = (role: ForeignMessage["role"], name: string): ForeignMessage[] => {
    const text = textAt(prompt.data, name)
    return text === "" ? [] : [{ role, pieces: templatePieces(scope, text, prompt) }]
  }
  return [
    ...messages,
    ...said("system", "systemMessagePrompt"),
    ...said("user", "template"),
    ...said("user", "humanMessagePrompt"),
  ]
}

/** A template with `{name}`: the values of the part, else the chat message for the name that means it. */
function templatePieces(scope: ChatScope, template: string, part: Step): readonly Piece[] {
  const values = promptValues(part)
  return readPlaceholders(template, { open: "{", close: "}", charsMax: 60 }, (inside) => {
    const name = inside.trim()
    if (!/^[A-Za-z_]\w*$/.test(name)) return null
    const value = field(values, name)
    if (typeof value === "string" && value !== "") return valuePiece(scope, value)
    if (["context", "chat_history", "history", "agent_scratchpad"].includes(name)) return ""
    return chatPieces(scope)[0] ?? ""
  })
}

function promptValues({ data }: Step): JsonObject {
  const values = field(data, "promptValues")
  if (typeof values !== "string") return asRecord(values)
  try {
    const parsed = JSON.parse(values) as JsonValue
    return asRecord(parsed)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return {}
    throw error
  }
}

function valuePiece(scope: ChatScope, value: string): Piece {
  const [, inside = ""] = /^\{\{\s*([^{}]{1,200}?)\s*\}\}$/.exec(value) ?? []
  if (inside === "") return value
  if (inside === "question") return chatPieces(scope)[0] ?? ""
  const name = scope.making.nameOf(inside.split(".")[0] ?? "")
  const step = scope.making.flow.byKey.get(inside.split(".")[0] ?? "")
  if (name === null || step === undefined || !isAnswering(step)) return ""
  const output = /agent/i.test(step.type) ? "output" : "text"
  return { code: scope.making.spend(`${nodeCode(name)}.first()?.json?.${output}`) }
}

function addAgent(scope: ChatScope, step: Step, model: Step | undefined): void {
  const { making, served, wiring } = scope
  const asked = askedOf(messagesOf(scope, step), chatPieces(scope))
  const iterations = numberAt(step.data, "maxIterations")
  const iterationsMax = iterations !== undefined && iterations >= 1 ? Math.trunc(iterations) : undefined
  const name = addStep(making, step, agentNode(asked, { iterationsMax }))
  const foreign = modelOf(model)
  tellProvider(foreign, elementOf(step), making.fidelity)
  const chosen = addBeside(making, step, {
    ...modelNode(foreign),
    wished: model?.title || foreign.key || "Model",
    shift: [0, 200],
  })
  making.draft.connect({ from: chosen, to: name, type: "ai_languageModel" })
  if (model !== undefined) served.add(model.key)
  const memory = partAt(scope, step, ["memory"])
  if (memory !== undefined) {
    served.add(memory.key)
    const exchanges = numberAt(memory.data, "k") ?? null
    const added = addBeside(making, step, {
      ...memoryNode(exchanges),
      wished: memory.title || "Memory",
      shift: [120, 200],
    })
    making.draft.connect({ from: added, to: name, type: "ai_memory" })
  }
  const tools = wiring.into(step.key, "tools").flatMap(({ from }) => making.flow.byKey.get(from) ?? [])
  for (const [index, tool] of tools.slice(0, 100).entries()) addTool(scope, step, { tool, index, node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
}

function addTool(
  { making, tools }: ChatScope,
  step: Step,
  { tool, index, node }: { readonly tool: Step; readonly index: number; readonly node: string },
): void {
  if (tools.has(tool.key)) return
  tools.add(tool.key)
  const isKnown = tool.type === "calculator"
  const kind = foreignType(making.format, tool.type)
  const made = isKnown
    ? calculatorNode()
    : { type: kind, typeVersion: 1, parameters: {}, disabled: true, imported: importedOf(tool) }
  const name = addBeside(making, step, { ...made, wished: tool.title || tool.type, shift: [240 + index * 120, 200] })
  making.draft.connect({ from: name, to: node, type: "ai_tool" })
  if (isKnown) {
    making.fidelity.kept(elementOf(tool), "@n8n/n8n-nodes-langchain.toolCalculator")
    return
  }
  const why = "the tools of this system are programs of its own"
  const advice = `Replace the node '${name}' by an MCP client tool or an HTTP request tool, and switch it on.`
  making.fidelity.lost(elementOf(tool), { became: `${kind}, switched off`, why, advice })
}

/** What a part that is no node became. */
function tellPart({ making, served, tools }: ChatScope, step: Step): void {
  const element = elementOf(step)
  if (tools.has(step.key)) return
  if (step.type === "stickyNote") {
    addStep(making, step, noteNode(textAt(step.data, "note")))
    making.fidelity.kept(element, "n8n-nodes-base.stickyNote")
  } else if (/promptTemplate$/i.test(step.type) || served.has(step.key)) {
    making.fidelity.kept(element, "settings of the node that it serves")
  } else {
    const why = retrieving.test(step.type)
      ? "there are no knowledge bases here"
      : "nothing here does what this part does"
    making.fidelity.lost(element, { why, advice: "Fetch what it gave with an HTTP request or an MCP tool." })
  }
}
