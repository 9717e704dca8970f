/**
 * A model as other systems name it, and what it is here: settings of a FreddyLLM node, or the model node that serves an
 * agent. Values that are out of range here are left out and told.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { findParameter, modelParameters } from "../kinds/model-parameters.ts"
import type { Element, Fidelity } from "./fidelity.ts"
import { asRecord, field, numberAt, squashed, textAt, textsAt } from "./fields.ts"

/** A model: who offers it, its key there, and the settings of its calls as they stand in the document. */
export type ForeignModel = { readonly provider: string; readonly key: string; readonly settings: JsonObject }

/** A kind of model node: its type, and how it spells its settings. */
type ModelNodeForm = {
  readonly type: string
  readonly typeVersion: number
  /** The parameter that names the model, and whether it is a resource locator. */
  readonly model: { readonly name: string; readonly located: boolean }
  readonly tokens: string
}

const langchain = "@n8n/n8n-nodes-langchain."
const form = (
  name: string,
  typeVersion: number,
  rest: Partial<Pick<ModelNodeForm, "model" | "tokens">> = {},
): ModelNodeForm => ({
  type: langchain + name,
  typeVersion,
  model: { name: "model", located: false },
  tokens: "maxTokens",
  ...rest,
})

const located = { name: "model", located: true }

/** Model nodes by provider, as the other systems spell it (without case, blanks, `_` and `-`). */
const forms: readonly (readonly [names: RegExp, form: ModelNodeForm])[] = [
  [/azure/, form("lmChatAzureOpenAi", 1)],
  [/openrouter/, form("lmChatOpenRouter", 1)],
  [/anthropic|claude/, form("lmChatAnthropic", 1.3, { model: located, tokens: "maxTokensToSample" })],
  [
    /google|gemini|vertex/,
    form("lmChatGoogleGemini", 1, { model: { name: "modelName", located: false }, tokens: "maxOutputTokens" }),
  ],
  [/groq/, form("lmChatGroq", 1, { tokens: "maxTokensToSample" })],
  [/mistral/, form("lmChatMistralCloud", 1)],
  [/deepseek/, form("lmChatDeepSeek", 1)],
  [/ollama/, form("lmChatOllama", 1, { tokens: "numPredict" })],
  [/openai/, form("lmChatOpenAi", 1.2, { model: located })],
]

const openAi = form("lmChatOpenAi", 1.2, { model: located })

/** Names of settings in other systems, by the names that FreddyLLM has for them. */
const settingNames: Readonly<Record<string, readonly string[]>> = {
  temperature: ["temperature"],
  top_p: ["top_p", "topP"],
  max_tokens: [
    "max_tokens",
    "maxTokens",
    "max_completion_tokens",
    "maxOutputTokens",
    "max_output_tokens",
    "maxTokensToSample",
    "num_predict",
    "numPredict",
    "max_output_synapses",
  ],
  frequency_penalty: ["frequency_penalty", "frequencyPenalty"],
  presence_penalty: ["presence_penalty", "presencePenalty"],
  seed: ["seed"],
}

/** The settings of a FreddyLLM node that is asked with this model. What does not fit is told about the element. */
export function freddySettings(model: ForeignModel, element: Element, fidelity: Fidelity): JsonObject {
  const settings: Record<string, JsonValue> = { ...(model.key === "" ? {} : { model: model.key }) }
  if (model.key === "") {
    const why = "the document names no model"
    fidelity.changed({ ...element, was: "model" }, "the server's default model", { why, advice: nameModel })
  }
  for (const [name, value] of settingsOf(model.settings)) {
    if (fits(name, value)) settings[name] = value
    else {
      const why = `${name} is out of the range that models are called with here`
      fidelity.lost({ ...element, was: name }, { why, advice: `Set ${name} of the node to a value in range.` })
    }
  }
  tellProvider(model, element, fidelity)
  return settings
}

const nameModel = "Name the model in the node, or set the server's default model."

/** The parameters of a model node that serves an agent, and its type. */
export function modelNode(
  model: ForeignModel,
): Pick<ModelNodeForm, "type" | "typeVersion"> & { parameters: JsonObject } {
  const { type, typeVersion, model: named, tokens } = formOf(model.provider) ?? openAi
  const key = type.endsWith("Gemini") && !model.key.startsWith("models/") ? `models/${model.key}` : model.key
  const value: JsonValue = named.located ? { __rl: true, mode: "list", value: key } : key
  const options = new Map<string, JsonValue>()
  for (const [name, setting] of settingsOf(model.settings)) {
    if (!fits(name, setting)) continue
    if (name === "max_tokens") options.set(tokens, setting)
    else if (typeof setting === "number" && name !== "seed") options.set(camel(name), setting)
  }
  const parameters = { ...(model.key === "" ? {} : { [named.name]: value }), options: Object.fromEntries(options) }
  return { type, typeVersion, parameters }
}

/** Tells where a model is offered by nobody that is known here. */
export function tellProvider(model: ForeignModel, element: Element, fidelity: Fidelity): void {
  if (model.provider === "" || formOf(model.provider) !== null) return
  const was = `model ${model.key} of ${model.provider}`
  const why = "this provider is reached through an OpenAI-compatible address only"
  const advice = "Configure the provider's OpenAI-compatible endpoint, or name another model."
  fidelity.changed({ ...element, was }, `model ${model.key}`, { why, advice })
}

function formOf(provider: string): ModelNodeForm | null {
  const name = squashed(provider)
  return forms.find(([names]) => names.test(name))?.[1] ?? null
}

/** The settings that are there, by FreddyLLM's names. */
function settingsOf(settings: JsonObject): readonly (readonly [string, JsonValue])[] {
  const numbers = Object.entries(settingNames).flatMap(([name, spellings]): (readonly [string, JsonValue])[] => {
    const value = numberAt(settings, ...spellings)
    return value === undefined ? [] : [[name, value]]
  })
  const stop = textsAt(settings, "stop").filter((text) => text !== "")
  const effort =
    textAt(settings, "reasoning_effort", "reasoningEffort") || textAt(asRecord(field(settings, "reasoning")), "effort")
  return [
    ...numbers,
    ...(stop.length === 0 ? [] : [["stop", stop] as const]),
    ...(effort === "" ? [] : [["reasoning_effort", effort] as const]),
  ]
}

/** Whether FreddyLLM takes the value. */
function fits(name: string, value: JsonValue): boolean {
  const parameter = modelParameters.find(({ names }) => findParameter({ [name]: value }, names) !== null)
  return parameter !== undefined && "value" in parameter.read(value)
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
