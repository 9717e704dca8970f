/**
 * The settings of a model call as a node's parameters spell them (the workflow language, §5), and their ranges.
 *
 * One table serves both times at which they are read: before a run (promotion, validation), when only literal values are
 * known and what is wrong is a finding, and in a run, when expressions are resolved and what is wrong fails the node.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import type { ModelSettings, ResponseFormat } from "../model-settings.ts"
import { asNumber, asObject } from "../value-types.ts"

/** A value that a setting takes, or what is wrong with it, in words that follow "it". */
export type Reading<Value> = { readonly value: Value } | { readonly fault: string }

/** One setting: its spellings, in the order in which they are looked for, and how a value is read. */
export type ModelParameter = {
  readonly field: keyof ModelSettings
  readonly names: readonly string[]
  read(value: unknown): Reading<JsonValue | ResponseFormat>
}

/** The documented words for how much a model thinks, and what other spellings mean. */
const efforts: ReadonlyMap<string, string> = new Map([
  ["off", "off"],
  ["none", "off"],
  ["minimal", "low"],
  ["low", "low"],
  ["medium", "medium"],
  ["high", "high"],
  ["maximum", "maximum"],
  ["max", "maximum"],
  ["xhigh", "maximum"],
])

const textMax = 262_144

/** FreddyLLM's settings of a call, in the order in which an assistant shows them. */
export const modelParameters: readonly ModelParameter[] = [
  { field: "model", names: ["model", "modelKey", "default_model_key", "modelId"], read: readModel },
  { field: "instructions", names: ["system_message", "systemPrompt", "instructions"], read: textUpTo(textMax) },
  { field: "temperature", names: ["temperature"], read: numberIn(0, 2) },
  { field: "topP", names: ["top_p"], read: numberIn(0, 1) },
  {
    field: "maxOutputTokens",
    names: ["max_tokens", "max_completion_tokens", "max_output_synapses"],
    read: wholeIn(1, 100_000_000),
  },
  { field: "stop", names: ["stop"], read: readStop },
  { field: "seed", names: ["seed"], read: wholeIn(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) },
  { field: "frequencyPenalty", names: ["frequency_penalty"], read: numberIn(-2, 2) },
  { field: "presencePenalty", names: ["presence_penalty"], read: numberIn(-2, 2) },
  { field: "reasoningEffort", names: ["reasoning_effort"], read: readEffort },
  { field: "responseFormat", names: ["output_schema", "responseFormat", "json_schema"], read: readFormat },
]

/** A parameter that a node has: its path in dots, and what stands there. */
export type FoundParameter = { readonly path: string; readonly value: JsonValue }

/**
 * The first parameter under any of the names: as they stand, in snake case and in camel case; in `options` where the node
 * has it there. Null, empty text and absence are one: nothing was said.
 */
export function findParameter(parameters: JsonObject, names: readonly string[]): FoundParameter | null {
  const options = isJsonObject(parameters.options) ? parameters.options : {}
  for (const [holder, prefix] of [[parameters, ""] as const, [options, "options."] as const]) {
    for (const name of spellingsOf(names)) {
      const value = Object.hasOwn(holder, name) ? holder[name] : undefined
      if (value !== undefined && value !== null && value !== "") return { path: prefix + name, value }
    }
  }
  return null
}

/** Spellings by the list of names: there are few lists, and they are asked for with every node. */
const spellings = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Names as they stand, in snake case and in camel case. */
export function spellingsOf(names: readonly string[]): ReadonlySet<string> {
  const known = spellings.get(names)
  if (known !== undefined) return known
  const made = new Set(names.flatMap((name) => [name, toSnake(name), toCamel(name)]))
  spellings.set(names, made)
  return made
}

const toSnake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const toCamel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** True where a value, or a text anywhere in it, is an expression: its value is known only in a run. */
export function holdsExpression(value: JsonValue): boolean {
  const stack: JsonValue[] = [value]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (typeof entry === "string" && entry.startsWith("=")) return true
    if (typeof entry === "object" && entry !== null) {
      for (const child of Object.values(entry)) stack.push(child)
    }
  }
  return false
}

/** A model key; of a resource locator (`{value}`) its value. */
function readModel(value: unknown): Reading<string> {
  const key = isJsonObject(value) ? value.value : value
  if (typeof key !== "string" || key.trim() === "") return { fault: "has to be the key of a model" }
  return key.length > 255 ? { fault: "is too long for the key of a model" } : { value: key.trim() }
}

/** A text of at most so many characters. */
function textUpTo(charsMax: number): (value: unknown) => Reading<string> {
  return (value) => {
    if (typeof value !== "string") return { fault: "has to be a text" }
    return value.length > charsMax ? { fault: `may have at most ${charsMax} characters` } : { value }
  }
}

/** A number within bounds; text of a number is one. */
function numberIn(least: number, most: number): (value: unknown) => Reading<number> {
  return (value) => {
    const number = typeof value === "boolean" || value === "" ? undefined : asNumber(value)
    const fits = number !== undefined && number >= least && number <= most
    return fits ? { value: number } : { fault: `has to be a number from ${least} to ${most}` }
  }
}

/** A whole number within bounds. */
function wholeIn(least: number, most: number): (value: unknown) => Reading<number> {
  const read = numberIn(least, most)
  return (value) => {
    const reading = read(value)
    const isWhole = "value" in reading && Number.isInteger(reading.value)
    return isWhole ? reading : { fault: `has to be a whole number of at least ${least}` }
  }
}

/** One stop sequence or up to four. */
function readStop(value: unknown): Reading<JsonValue> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const stops = list.filter((stop): stop is string => typeof stop === "string" && stop !== "" && stop.length <= 255)
  const fits = stops.length === list.length && stops.length >= 1 && stops.length <= 4
  return fits ? { value: stops } : { fault: "has to be one to four texts of 1 to 255 characters" }
}

function readEffort(value: unknown): Reading<string> {
  const effort = typeof value === "string" ? efforts.get(value.toLowerCase()) : undefined
  return effort === undefined ? { fault: "has to be off, low, medium, high or maximum" } : { value: effort }
}

const formatFault = { fault: "has to be a JSON Schema, json_object or text" }

/** A format: a JSON Schema, alone or wrapped as providers wrap it, as an object or as JSON text; or one of the words. */
function readFormat(value: unknown): Reading<ResponseFormat> {
  if (value === "text" || value === "json_object") return { value: { type: value } }
  const object = asObject(value)
  if (object === undefined) return formatFault
  if (object.type === "text" || object.type === "json_object") return { value: { type: object.type } }
  if (object.type === "json_schema")
    return isJsonObject(object.json_schema) ? wrapped(object.json_schema) : wrapped(object)
  return wrapped(object)
}

/** `{name, schema}` or the schema itself. */
function wrapped(object: JsonObject): Reading<ResponseFormat> {
  const isWrapped = isJsonObject(object.schema) && object.properties === undefined
  const schema = isWrapped ? (object.schema as JsonObject) : object
  return { value: { type: "json_schema", schema } }
}
