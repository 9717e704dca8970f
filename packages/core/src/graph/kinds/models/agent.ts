/**
 * AI agent: a model that may call tools until it answers, once for each item. Pure: what is asked, how far it may go and
 * what item the answer makes; the loop is the server's.
 *
 * All agents work with tool calls, those of older versions too that would have written them as text (conversational,
 * ReAct): the finding says so. Versions differ in what the model is told without anybody saying so, and in what happens at
 * the limit of their rounds (recorded outcomes):
 *
 *     below 2.1   "You are a helpful assistant" as system message
 *     below 3     at the limit the answer is a sentence that says so
 *     from 3      at the limit the node fails
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { pathTo, quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { asBoolean, asNumber, asText } from "../../value-types.ts"
import { type EffectKind, type KindContext, NodeFailure } from "../kind.ts"
import { onePort } from "../ports.ts"
import { type AnswerItem, definedPrompt, optionsOf, type PromptPlace, parserNodeOf } from "./asking.ts"
import { answersInJson, checkModelServants } from "./model-servants.ts"
import { type OutputParser, prepareOutputParser } from "./output-parser.ts"

/** The kind. */
export const agent: EffectKind = {
  name: "agent",
  types: ["@n8n/n8n-nodes-langchain.agent"],
  title: "AI agent",
  help: "Lets a language model call tools until it has an answer, once for each item.",
  group: "model",
  effect: "agent",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  speaks: (node, graph) =>
    parserNodeOf(graph, node) === null &&
    !answersInJson(graph, node) &&
    asBoolean(optionsOf(node).enableStreaming) !== false,
}

/** What an agent does for one item. */
export type AgentPlan = {
  /** Null: nothing is said. */
  readonly systemMessage: string | null
  readonly prompt: string
  readonly parser: OutputParser | null
  /** Answers of the model at most. */
  readonly roundsMax: number
  readonly atLimit: "fail" | "say so"
  readonly showsSteps: boolean
}

/** A tool call and what came of it, as an agent shows its steps. */
export type AgentStep = {
  readonly id: string
  readonly tool: string
  readonly arguments: JsonValue
  readonly observation: string
  /** What the model said before it. */
  readonly text: string
}

/** Documented default. */
const roundsDefault = 10
/** No agent goes on for longer (ours). */
const roundsMost = 1_000
const usualSystemMessage = "You are a helpful assistant"

/** What is to be done for one item. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareAgent(context: KindContext, graph: Graph, itemIndex: number): AgentPlan {
  refuseUnsupported(context, itemIndex)
  return {
    ...prepareRounds(context, graph, itemIndex),
    prompt: definedPrompt(context, itemIndex, promptPlace(context.node)),
  }
}

/** What an agent says beside its prompt; a tool that is an agent has the same. */
export function prepareRounds(context: KindContext, graph: Graph, itemIndex: number): Omit<AgentPlan, "prompt"> {
  const { node } = context
  const options = optionsOf(node)
  const value = (name: string) => (options[name] === undefined ? undefined : context.resolve(options[name], itemIndex))
  const parserNode = parserNodeOf(graph, node)
  return {
    systemMessage: systemMessageOf(node, value("systemMessage")),
    parser: parserNode === null ? null : prepareOutputParser(context.servant(parserNode), graph),
    roundsMax: Math.min(roundsMost, Math.max(1, Math.trunc(asNumber(value("maxIterations")) ?? roundsDefault))),
    atLimit: node.kind === "agent" && node.typeVersion < 3 ? "say so" : "fail",
    showsSteps: asBoolean(value("returnIntermediateSteps")) === true,
  }
}

function systemMessageOf({ kind, typeVersion }: GraphNode, given: unknown): string | null {
  const said = given === undefined || given === null ? null : (asText(given) ?? "")
  const usual = kind === "agent" && typeVersion < 2.1 ? usualSystemMessage : null
  const text = said ?? usual
  return text === "" ? null : text
}

/** What is said at the limit of rounds by versions that do not fail there (recorded outcome). */
export const limitSentence = "Agent stopped due to max iterations."

/** What an agent came to: its answer as a text or as what a parser read, and its steps. */
export type AgentAnswer = { readonly answer: JsonValue; readonly steps: readonly AgentStep[] }

/** The item that an answer makes. */
export function agentItem({ showsSteps }: AgentPlan, { answer, steps }: AgentAnswer, itemIndex: number): AnswerItem {
  const json = { output: answer, ...(showsSteps ? { intermediateSteps: steps.map(stepJson) } : {}) }
  return { output: 0, item: { json, pairedItem: { item: itemIndex } } }
}

/** What a parser read, without the field that it stands under. */
export function unwrapped(value: JsonValue): JsonValue {
  return isJsonObject(value) && Object.hasOwn(value, "output") ? (value.output ?? null) : value
}

function stepJson({ id, tool, arguments: given, observation, text }: AgentStep): JsonObject {
  const log = text === "" ? `Invoking "${tool}" with ${JSON.stringify(given)}\n` : text
  return { action: { tool, toolInput: given, toolCallId: id, log, type: "tool_call" }, observation }
}

/** Version 1 took its prompt from `input`, 1.1 from `chat_input` (documented). Old versions have no choice to define it. */
function promptPlace({ typeVersion, parameters }: GraphNode): PromptPlace {
  const isDefined =
    parameters.promptType === "define" ||
    (parameters.promptType === undefined && typeVersion < 1.6 && parameters.text !== undefined)
  if (isDefined) return { isDefined, parameter: "text" }
  const field = typeVersion < 1.1 ? "input" : typeVersion < 1.2 ? "chat_input" : "chatInput"
  return { isDefined: false, field: parameters.promptType === "guardrails" ? "guardrailsInput" : field }
}

/** Agents that do something else than call tools: nothing here stands for them. */
const foreignAgents: ReadonlySet<JsonValue> = new Set(["sqlAgent"])
/** Agents that are run as one that calls tools. */
const likeToolsAgents: ReadonlySet<JsonValue> = new Set(["conversationalAgent", "reActAgent", "planAndExecuteAgent"])

/** Below 1.6 an agent was conversational where nothing was said. */
function agentTypeOf({ typeVersion, parameters }: GraphNode): JsonValue {
  return parameters.agent ?? (typeVersion < 1.6 ? "conversationalAgent" : "toolsAgent")
}

function refuseUnsupported(context: KindContext, itemIndex: number): void {
  const { node, inputs } = context
  if (foreignAgents.has(agentTypeOf(node))) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `Agents of the type of ${quote(node.name)} are not run here.`)
  }
  const wantsImages = asBoolean(context.resolve(optionsOf(node).passthroughBinaryImages ?? false, itemIndex)) === true
  if (wantsImages && inputs[0]?.[itemIndex]?.binary !== undefined) {
    const message = `Switch off the images of ${quote(node.name)}: they are not passed to models here.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
}

function check(node: GraphNode, graph: Graph): readonly Finding[] {
  const findings = [...checkModelServants(node, graph)]
  const type = agentTypeOf(node)
  const base = pathTo(node.path, "parameters")
  const say = (key: string, told: Pick<Finding, "severity" | "code" | "message">) =>
    findings.push({ ...told, node: node.name, path: pathTo(base, key) })
  if (foreignAgents.has(type)) {
    const message = `Make ${quote(node.name)} a tools agent: agents of this type are not run here.`
    say("agent", { severity: "error", code: "SETTING_INVALID", message })
  } else if (likeToolsAgents.has(type)) {
    const message = `Check the prompts of ${quote(node.name)}: it is run as a tools agent, whose model calls tools without writing about it.`
    say("agent", { severity: "info", code: "AGENT_AS_TOOLS_AGENT", message })
  }
  if (optionsOf(node).passthroughBinaryImages === true) {
    const message = `Switch off the images of ${quote(node.name)}: the node fails for items that have some.`
    say("options", { severity: "warning", code: "IMAGES_UNSUPPORTED", message })
  }
  return findings
}
