/** Flows of Langflow: components that answer become nodes, what serves them becomes their settings or servants. */
import type { JsonObject, JsonValue } from "../../json.ts"
import { certaintyOf } from "./certainty.ts"
import { makeWiring, nodesBefore, type Wire } from "./dataflow.ts"
import { templateText } from "./expression-text.ts"
import { asRecord, field, numberAt, objectAt, objectsAt, textAt } from "./fields.ts"
import { type Arrow, type Flow, makeFlow, readPosition, type Step } from "./flow.ts"
import { comparisonOf } from "./foreign-conditions.ts"
import { type ForeignModel, freddySettings, modelNode, tellProvider } from "./foreign-model.ts"
import type { Conversion } from "./importer.ts"
import {
  fieldPieces,
  isNodeRole,
  type LangflowScope,
  ownValue,
  promptPieces,
  type Role,
  roleOf,
  seesHistory,
  settingsOf,
} from "./langflow-scope.ts"
import { agentNode, calculatorNode, freddyNode, mcpToolNode, memoryNode } from "./made-model-nodes.ts"
import { chatTriggerNode, ifNode, type MadeNode, noteNode, passNode, requestNode, setNode } from "./made-nodes.ts"
import {
  addBeside,
  addStep,
  beginMaking,
  type Doors,
  elementOf,
  foreignType,
  importedOf,
  keepForeign,
  namedDoors,
  oneDoor,
} from "./making.ts"

/** Converts a flow's data. */
export function convertComponents(data: JsonObject): Pick<Conversion, "definition" | "report"> {
  const wires = wiresOf(data)
  const wiring = makeWiring(wires)
  const flow = readComponents(data, wires)
  const making = beginMaking("langflow", flow)
  const message = flow.steps.find(({ type }) => type === "ChatInput")
  const trigger = (message && making.nameOf(message.key)) ?? making.draft.nameFor("Chat message", "Chat message")
  const certainty = certaintyOf(flow, (key) => {
    const step = flow.byKey.get(key)
    return step !== undefined && roleOf(step, wiring) === "branch"
  })
  const scope: LangflowScope = { making, wiring, trigger, isGuarded: (key, at) => !certainty.isCertain(key, at) }
  if (message === undefined) making.draft.add({ name: trigger, position: [-200, 0], ...chatTriggerNode() })
  const doors = new Map<string, Doors>()
  for (const step of flow.steps) {
    const role = roleOf(step, wiring)
    const door = convertComponent(scope, step, role)
    if (door !== null) doors.set(step.key, door)
  }
  connectComponents(scope, doors)
  return { definition: making.draft.finish(), report: making.fidelity.report() }
}

function readComponents(data: JsonObject, wires: readonly Wire[]): Flow {
  const steps = objectsAt(data, "nodes").map((node, index): Step => {
    const inner = objectAt(node, "data")
    const isNote = ["noteNode", "note"].includes(textAt(node, "type"))
    return {
      key: textAt(node, "id") || textAt(inner, "id") || `component ${index + 1}`,
      title: isNote ? "" : textAt(objectAt(inner, "node"), "display_name"),
      type: isNote ? "note" : textAt(inner, "type"),
      data: objectAt(inner, "node"),
      position: readPosition(field(node, "position"), index),
      parent: null,
    }
  })
  return makeFlow(
    steps,
    wires.map(({ from, output, to, field: name }): Arrow => ({ from, exit: output, to, entrance: name })),
  )
}

/** Handles are objects, or texts of JSON whose quotes are written as `œ`. */
function wiresOf(data: JsonObject): readonly Wire[] {
  return objectsAt(data, "edges").map((edge) => {
    const source = handleOf(edge, "sourceHandle")
    const target = handleOf(edge, "targetHandle")
    return {
      from: textAt(edge, "source"),
      output: textAt(source, "name"),
      to: textAt(edge, "target"),
      field: textAt(target, "fieldName"),
    }
  })
}

function handleOf(edge: JsonObject, name: string): JsonObject {
  const inner = field(objectAt(edge, "data"), name)
  if (inner !== undefined) return asRecord(inner)
  const text = textAt(edge, name)
  if (!text.startsWith("{") || text.length > 10_000) return {}
  try {
    return asRecord(JSON.parse(text.replaceAll("œ", '"')) as JsonValue)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return {}
    throw error
  }
}

/** The doors of a component that is a node; null for the others. */
function convertComponent(scope: LangflowScope, step: Step, role: Role): Doors | null {
  const { making } = scope
  const element = elementOf(step)
  const kept = (made: MadeNode): Doors => {
    const name = addStep(making, step, made)
    making.fidelity.kept(element, made.type)
    return oneDoor(name)
  }
  switch (role) {
    case "message":
      return kept(chatTriggerNode())
    case "prompt":
      return kept(setNode([["text", promptPieces(scope, step)]]))
    case "answer":
      return kept(answerNode(scope, step))
    case "model":
      return convertModel(scope, step)
    case "agent":
      return convertAgent(scope, step)
    case "branch":
      return convertBranch(scope, step)
    case "request":
      return kept(apiRequest(scope, step))
    case "note":
      kept(noteNode(textAt(step.data, "description")))
      return null
    case "foreign": {
      const why = "nothing here does what this component does"
      const advice = "Do the same with an HTTP request, a Code node or an MCP tool in the place of this node."
      return keepForeign(making, step, { why, advice })
    }
    case "tool":
      return null
    default:
      making.fidelity.kept(element, "values of the nodes that it serves")
      return null
  }
}

/** The reply is the text of the node before it where it is that unchanged: then it may stream. */
function answerNode(scope: LangflowScope, step: Step): MadeNode {
  const [wire, ...others] = scope.wiring.into(step.key, "input_value")
  const source = wire === undefined ? undefined : scope.making.flow.byKey.get(wire.from)
  const isReply =
    source !== undefined && others.length === 0 && ["model", "agent"].includes(roleOf(source, scope.wiring))
  return isReply ? passNode() : setNode([["text", fieldPieces(scope, step, "input_value")]])
}

/** A component that names its model: by provider and name, or by another component that is wired to it. */
function modelOf(scope: LangflowScope, step: Step): ForeignModel {
  const [wire] = ["llm", "model", "agent_llm"].flatMap((name) => scope.wiring.into(step.key, name))
  const named = wire === undefined ? step : (scope.making.flow.byKey.get(wire.from) ?? step)
  const settings = settingsOf(named)
  const choice = Array.isArray(settings.model) ? asRecord((settings.model as readonly JsonValue[])[0]) : {}
  const provider =
    textAt(settings, "agent_llm", "provider") ||
    textAt(choice, "provider") ||
    named.type.replace(/(Model|Component|LanguageModel)+$/, "")
  const key = textAt(settings, "model_name", "model", "model_id") || textAt(choice, "name")
  return { provider: provider === "" || provider === "Agent" ? "openai" : provider, key, settings }
}

function convertModel(scope: LangflowScope, step: Step): Doors {
  const { making } = scope
  const system = fieldPieces(scope, step, "system_message")
  const prompt = fieldPieces(scope, step, "input_value")
  const settings = freddySettings(modelOf(scope, step), elementOf(step), making.fidelity)
  const asked = {
    system: system.some((piece) => piece !== "") ? system : null,
    prompt: prompt.length === 0 ? null : prompt,
  }
  const made = freddyNode(asked, { settings, remembers: seesHistory(scope, step.key) ? "all" : "none" })
  const name = addStep(making, step, made)
  making.fidelity.kept(elementOf(step), "FreddyLLM")
  return oneDoor(name)
}

function convertAgent(scope: LangflowScope, step: Step): Doors {
  const { making, wiring } = scope
  const system = fieldPieces(scope, step, "system_prompt")
  const prompt = fieldPieces(scope, step, "input_value")
  const iterations = numberAt(settingsOf(step), "max_iterations")
  const iterationsMax = iterations !== undefined && iterations >= 1 ? Math.trunc(iterations) : undefined
  const asked = {
    system: system.some((piece) => piece !== "") ? system : null,
    prompt: prompt.length === 0 ? null : prompt,
  }
  const name = addStep(making, step, agentNode(asked, { iterationsMax }))
  const model = modelOf(scope, step)
  tellProvider(model, elementOf(step), making.fidelity)
  const served = addBeside(making, step, { ...modelNode(model), wished: model.key || "Model", shift: [0, 200] })
  making.draft.connect({ from: served, to: name, type: "ai_languageModel" })
  // An agent of Langflow remembers the conversation by itself.
  const memory = addBeside(making, step, { ...memoryNode(null), wished: `Memory of ${name}`, shift: [120, 200] })
  making.draft.connect({ from: memory, to: name, type: "ai_memory" })
  const tools = wiring.into(step.key, "tools").flatMap(({ from }) => making.flow.byKey.get(from) ?? [])
  for (const [index, tool] of tools.slice(0, 100).entries()) addTool(scope, tool, { index, node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
  return oneDoor(name)
}

function addTool(
  { making }: LangflowScope,
  tool: Step,
  { index, node }: { readonly index: number; readonly node: string },
): void {
  if (making.draft.has(making.nameOf(tool.key) ?? "")) {
    making.draft.connect({ from: making.nameOf(tool.key) ?? "", to: node, type: "ai_tool" })
    return
  }
  const url = textAt(settingsOf(tool), "sse_url", "streamable_http_url", "url", "mcp_server")
  const isMcp = /^mcp/i.test(tool.type) && /^https?:\/\//.test(url)
  const isKnown = isMcp || /^calculator/i.test(tool.type)
  const kind = foreignType(making.format, tool.type)
  const known = isMcp ? mcpToolNode(url, null) : calculatorNode()
  const imported = importedOf({ type: tool.type, data: settingsOf(tool) })
  const made: MadeNode = isKnown ? known : { type: kind, typeVersion: 1, parameters: {}, disabled: true, imported }
  const name = addStep(making, { ...tool, position: [tool.position[0], tool.position[1] + index] }, made)
  making.draft.connect({ from: name, to: node, type: "ai_tool" })
  if (isKnown) {
    making.fidelity.kept(elementOf(tool), made.type)
    return
  }
  const why = "components of this system are programs of its own"
  const advice = `Replace the node '${name}' by an MCP client tool or an HTTP request tool, and switch it on.`
  making.fidelity.lost(elementOf(tool), { became: `${kind}, switched off`, why, advice })
}

function convertBranch(scope: LangflowScope, step: Step): Doors {
  const { making } = scope
  const left = templateText(fieldPieces(scope, step, "input_text"))
  const right = templateText(fieldPieces(scope, step, "match_text"))
  const word = String(ownValue(step, "operator") ?? "equals")
  const isNumber = /than/.test(word)
  const condition = comparisonOf(word, { type: isNumber ? "number" : "string", left, right })
  if (condition === null) {
    const why = "its condition compares what there is nothing like here"
    return keepForeign(making, step, { why, advice: "Write the condition in an If node." })
  }
  const name = addStep(making, step, ifNode({ all: [condition], combinator: "and" }))
  making.fidelity.kept(elementOf(step), "n8n-nodes-base.if")
  return namedDoors(name, ["true_result", "false_result"])
}

function apiRequest(scope: LangflowScope, step: Step): MadeNode {
  const urls = ownValue(step, "urls") ?? ownValue(step, "url_input")
  const listed = Array.isArray(urls) ? String((urls as readonly JsonValue[])[0] ?? "") : ""
  const wired = fieldPieces(scope, step, scope.wiring.into(step.key, "url_input").length > 0 ? "url_input" : "urls")
  const url = listed !== "" && scope.wiring.into(step.key, "urls").length === 0 ? [listed] : wired
  return requestNode({
    method: String(ownValue(step, "method") ?? "GET"),
    url,
    query: [],
    headers: [],
    body: { type: "none" },
  })
}

/** Nodes follow those whose values come to them; a node that waits for nobody begins with the message. */
function connectComponents({ making, wiring, trigger }: LangflowScope, doors: ReadonlyMap<string, Doors>): void {
  const { flow, draft } = making
  const isNode = (step: Step): boolean => isNodeRole(roleOf(step, wiring)) && doors.has(step.key)
  for (const step of flow.steps) {
    const entrance = doors.get(step.key)?.entrance ?? null
    if (entrance === null || entrance === trigger) continue
    const before = nodesBefore(flow, wiring, { key: step.key, isNode })
    for (const key of before) {
      const exits = wiring.outOf(key).filter(({ to }) => to === step.key)
      // What comes through a component that is no node leaves by the only way that there is.
      for (const { output } of exits.length === 0 ? [{ output: "" }] : exits) {
        const way = doors.get(key)?.exit(output) ?? null
        if (way !== null) draft.connect({ from: way.node, output: way.output, to: entrance })
      }
    }
    if (before.length === 0) draft.connect({ from: trigger, to: entrance })
  }
}
