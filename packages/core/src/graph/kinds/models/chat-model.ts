/**
 * Chat models: nodes that say which model a node asks, with which settings and whose key. They are never run; the node that
 * they serve asks the model as they say. What differs between providers is the table in `chat-model-kinds.ts`.
 *
 * Expressions of a node that serves another are those of the served node's first item (documented).
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../../json.ts"
import { cutText, pathTo, quote } from "../../findings.ts"
import type { Finding, Graph, GraphNode } from "../../graph.ts"
import { modelValues } from "../../model-nodes.ts"
import type { ModelSettings } from "../../model-settings.ts"
import { asNumber, asText } from "../../value-types.ts"
import { type KindContext, NodeFailure } from "../kind.ts"
import { holdsExpression, modelParameters } from "../model-parameters.ts"
import { type CredentialReference, credentialOf } from "./credential.ts"

/** What a provider's models have in common. */
export type ChatProvider = {
  /** The name by which models of the server's settings name it: `openai/gpt-4o`. */
  readonly name: string
  readonly wire: "openai" | "anthropic" | "google"
  /** Its address where neither node nor credential names one; null: it has none of its own, or it is the wire's own. */
  readonly baseUrl: string | null
  readonly credentialType: string
  /** The model where the node names none; null: it has to name one. */
  readonly defaultModel: string | null
}

/** Which model is asked, how, and whose key pays. */
export type ChatModelPlan = {
  readonly provider: ChatProvider
  /** The provider's own name of the model. */
  readonly model: string
  /** OpenAI's two ways to be asked. */
  readonly api: "chat" | "responses"
  /** In range; what is not set is absent. `model` and `instructions` never are. */
  readonly settings: ModelSettings
  /** The node's own address; null where it names none. */
  readonly baseUrl: string | null
  readonly credential: CredentialReference | null
  /** How often a call is made again that failed for reasons that may pass. */
  readonly retriesMax: number
}

/** Tries after the first, where a node says nothing (documented: 2). */
const retriesDefault = 2
/** More tries than that hold up a run for nothing (ours). */
const retriesMost = 10

/** What a node asks for. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareChatModel(context: KindContext, provider: ChatProvider): ChatModelPlan {
  const { node } = context
  const { model: named, ...settings } = resolveSettings(context)
  // Google's node names its models with the path to them.
  const model = (named ?? provider.defaultModel)?.replace(/^models\//, "")
  if (model === undefined) throw new NodeFailure("NODE_SETTINGS_INVALID", `Name a model in ${quote(node.name)}.`)
  const options = optionsOf(node)
  const baseUrl = options.baseURL === undefined ? undefined : asText(context.resolve(options.baseURL, 0))
  const retries = options.maxRetries === undefined ? retriesDefault : asNumber(context.resolve(options.maxRetries, 0))
  return {
    provider,
    model,
    api: usesResponses(node) ? "responses" : "chat",
    settings,
    baseUrl: baseUrl === undefined || baseUrl === "" ? null : baseUrl,
    credential: credentialOf(node, provider.credentialType),
    retriesMax: Math.min(retriesMost, Math.max(0, Math.trunc(retries ?? retriesDefault))),
  }
}

/** Findings about a node: settings that are out of range, a model that is missing. */
export function checkChatModel(node: GraphNode, _graph: Graph, provider: ChatProvider): readonly Finding[] {
  const values = modelValues(node)
  const base = pathTo(node.path, "parameters")
  const faulty = modelParameters.flatMap(({ field, read }): Finding[] => {
    const found = values.get(field)
    const reading = found === undefined || holdsExpression(found.value) ? null : read(found.value)
    if (found === undefined || reading === null || !("fault" in reading)) return []
    const message = `Correct ${found.path} of ${quote(node.name)}: it ${reading.fault}.`
    return [{ severity: "error", code: "SETTING_INVALID", message, node: node.name, path: `${base}.${found.path}` }]
  })
  if (values.has("model") || provider.defaultModel !== null) return faulty
  const message = `Name a model in ${quote(node.name)}.`
  return [
    ...faulty,
    { severity: "error", code: "SETTING_MISSING", message, node: node.name, path: pathTo(base, "model") },
  ]
}

/** From version 1.3 on OpenAI's node asks by the responses interface unless it says otherwise. */
function usesResponses({ kind, typeVersion, parameters }: GraphNode): boolean {
  if (kind !== "lmChatOpenAi" || typeVersion < 1.3) return false
  return parameters.responsesApiEnabled !== false
}

function optionsOf({ parameters }: GraphNode): JsonObject {
  return isJsonObject(parameters.options) ? parameters.options : {}
}

/** A node's settings of a call, expressions resolved. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function resolveSettings(context: KindContext): ModelSettings {
  const values = modelValues(context.node)
  const settings: Record<string, unknown> = {}
  for (const { field, read } of modelParameters) {
    const found = values.get(field)
    if (found === undefined) continue
    const value = context.resolve(found.value, 0)
    if (value === undefined || value === null || value === "" || isUnlimited(field, value)) continue
    const reading = read(value)
    if ("fault" in reading) throw invalid(found.path, reading.fault)
    settings[field] = reading.value
  }
  const topK = resolveTopK(context)
  return { ...settings, ...(topK === null ? {} : { topK }) }
}

/** A limit of −1 means none (documented), also where an expression gives it. */
function isUnlimited(field: keyof ModelSettings, value: unknown): boolean {
  return field === "maxOutputTokens" && asNumber(value) === -1
}

/** `topK` of Anthropic's, Google's and Ollama's nodes; −1 means none. */
function resolveTopK(context: KindContext): number | null {
  const given: JsonValue | undefined = optionsOf(context.node).topK
  const value = given === undefined ? undefined : asNumber(context.resolve(given, 0))
  if (value === undefined || value === -1) return null
  if (!Number.isInteger(value) || value < 1) throw invalid("options.topK", "has to be a whole number of at least 1")
  return value
}

function invalid(path: string, fault: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The parameter ${cutText(path, 60)} ${fault}; correct it.`)
}
