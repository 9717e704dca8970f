/** Apps of Dify without a graph (chat, agent-chat, completion): one prompt, one model, perhaps tools. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { addToolsLost, difyModel, serveModel } from "./dify-model-nodes.ts"
import { tellFeatures } from "./dify-start.ts"
import { recordOf } from "./draft.ts"
import { nodeCode, type Piece, pathCode } from "./expression-text.ts"
import { asRecord, listAt, numberAt, objectAt, objectsAt, textAt } from "./fields.ts"
import { makeFlow, type Step } from "./flow.ts"
import { freddySettings } from "./foreign-model.ts"
import type { Conversion } from "./importer.ts"
import { agentNode, freddyNode, memoryNode } from "./made-model-nodes.ts"
import { chatTriggerNode } from "./made-nodes.ts"
import { addBeside, addStep, beginMaking, elementOf, type Making } from "./making.ts"
import { askedOf, type ForeignMessage, roleOf } from "./messages.ts"
import { readPlaceholders } from "./placeholders.ts"

/** An app that is its model and its prompt. */
export function convertApp(app: JsonObject, config: JsonObject): Pick<Conversion, "definition" | "report"> {
  const title = textAt(app, "name") || "Assistant"
  const step: Step = {
    key: "app",
    title,
    type: textAt(app, "mode") || "chat",
    data: config,
    position: [300, 0],
    parent: null,
  }
  const making = beginMaking("dify", makeFlow([step], []))
  const trigger = making.draft.nameFor("Chat message", "Chat message")
  making.draft.add({ name: trigger, position: [0, 0], ...chatTriggerNode() })
  const forms = objectsAt(config, "user_input_form").flatMap((entry) => Object.values(entry).filter(isJsonObject))
  const names = new Set(forms.map((form) => textAt(form, "variable")).filter((name) => name !== ""))
  const tools = objectsAt(objectAt(config, "agent_mode"), "tools").filter((tool) => tool.enabled !== false)
  const isAgent = objectAt(config, "agent_mode").enabled === true && tools.length > 0
  const messages = messagesOf(config, { trigger, names, making })
  const name = isAgent
    ? addAgent(making, step, { messages, trigger, tools })
    : addFreddy(making, step, { messages, trigger })
  making.draft.connect({ from: trigger, to: name })
  tellLost(making, step)
  tellFeatures(making, config)
  const inputs = { type: "object", properties: recordOf([...names].map((key) => [key, { type: "string" }])) }
  const fields = names.size === 0 ? {} : { meta: { inputs: { per_turn: inputs } } }
  return { definition: making.draft.finish(fields), report: making.fidelity.report() }
}

type Spoken = { readonly messages: readonly ForeignMessage[]; readonly trigger: string }

const chatCode = (trigger: string): Piece => ({ code: `${nodeCode(trigger)}.first()?.json?.chatInput` })

function addFreddy(making: Making, step: Step, { messages, trigger }: Spoken): string {
  const isChat = step.type !== "completion"
  const asked = askedOf(messages, [chatCode(trigger)])
  const settings = freddySettings(difyModel(objectAt(step.data, "model")), elementOf(step), making.fidelity)
  const name = addStep(making, step, freddyNode(asked, { settings, remembers: isChat ? "all" : "none" }))
  if (asked.why === null) making.fidelity.kept(elementOf(step), "FreddyLLM")
  else
    making.fidelity.changed(elementOf(step), "FreddyLLM", { why: asked.why, advice: "Check the prompt of the node." })
  return name
}

function addAgent(making: Making, step: Step, spoken: Spoken & { readonly tools: readonly JsonObject[] }): string {
  const asked = askedOf(spoken.messages, [chatCode(spoken.trigger)])
  const iterations = numberAt(objectAt(step.data, "agent_mode"), "max_iteration")
  const iterationsMax = iterations !== undefined && iterations >= 1 ? Math.trunc(iterations) : undefined
  const name = addStep(making, step, agentNode(asked, { iterationsMax }))
  serveModel({ making }, step, { model: difyModel(objectAt(step.data, "model")), node: name })
  const memory = addBeside(making, step, { ...memoryNode(null), wished: "Memory", shift: [120, 200] })
  making.draft.connect({ from: memory, to: name, type: "ai_memory" })
  addToolsLost({ making }, step, { tools: spoken.tools, node: name })
  making.fidelity.kept(elementOf(step), "@n8n/n8n-nodes-langchain.agent")
  return name
}

/** The prompt: one text, or messages where it was written in the advanced way. */
function messagesOf(
  config: JsonObject,
  scope: { readonly trigger: string; readonly names: ReadonlySet<string>; readonly making: Making },
): readonly ForeignMessage[] {
  const pieces = (text: string): readonly Piece[] => placed(text, scope)
  if (textAt(config, "prompt_type") !== "advanced") {
    const text = textAt(config, "pre_prompt")
    return text === "" ? [] : [{ role: "system", pieces: pieces(text) }]
  }
  const chat = objectsAt(objectAt(config, "chat_prompt_config"), "prompt")
  const completion = objectAt(config, "completion_prompt_config", "prompt")
  if (chat.length === 0) return [{ role: "user", pieces: pieces(textAt(completion, "text")) }]
  return chat.map((entry) => ({ role: roleOf(textAt(entry, "role")), pieces: pieces(textAt(entry, "text")) }))
}

/** `{{name}}` of an input, and `{{#query#}}` with its companions. */
function placed(
  text: string,
  {
    trigger,
    names,
    making,
  }: { readonly trigger: string; readonly names: ReadonlySet<string>; readonly making: Making },
): readonly Piece[] {
  const item = `${nodeCode(trigger)}.first()?.json`
  return readPlaceholders(text, { open: "{{", close: "}}" }, (inside) => {
    const name = inside.trim()
    if (name === "#query#" || name === "query") return { code: making.spend(`${item}?.chatInput`) }
    if (name === "#histories#" || name === "#context#") return ""
    if (!names.has(name)) return null
    const path = pathCode([name])
    return { code: making.spend(`(${item}?.metadata${path} ?? ${item}${path})`) }
  })
}

function tellLost({ fidelity }: Making, { data }: Step): void {
  const datasets = objectAt(data, "dataset_configs", "datasets")
  if (listAt(datasets, "datasets").length > 0) {
    const why = "there are no knowledge bases here"
    const advice = "Fetch what is to be known with an HTTP request or an MCP tool."
    fidelity.lost({ element: "dataset_configs", was: "knowledge bases" }, { why, advice })
  }
  for (const tool of listAt(data, "external_data_tools")) {
    const was = `external data ${textAt(asRecord(tool), "type")}`
    const why = "data of other services is not fetched before a prompt"
    fidelity.lost({ element: "external_data_tools", was }, { why, advice: "Fetch it with an HTTP request node." })
  }
}
