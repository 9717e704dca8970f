/**
 * Answers that have to fit a JSON Schema: read from a model's text and checked. Pure.
 *
 * Schemas come from users. Their patterns run in a linear-time engine, so that no pattern can hold up the process; one
 * that the engine refuses, and a schema that is none, make the check fail with words that say so.
 */
import { Ajv, type ValidateFunction } from "ajv"
import addFormats from "ajv-formats"
import { RE2JS } from "re2js"
import type { JsonObject, JsonValue } from "../json.ts"

/** What was read: the value, or a sentence that tells a model (and a person) what is wrong. */
export type ReadAnswer =
  | { readonly fits: true; readonly value: JsonValue }
  | { readonly fits: false; readonly complaint: string }

/** Compiled schemas kept in memory. */
const compiledMax = 200
const compiled = new Map<string, ValidateFunction | string>()

/** Reads an answer by a schema. A fence of Markdown around the JSON is taken off first. */
export function readAnswer(text: string, schema: JsonObject): ReadAnswer {
  const fault = findSchemaFault(schema)
  if (fault !== null) return { fits: false, complaint: fault }
  try {
    return checkValue(JSON.parse(withoutFence(text)) as JsonValue, schema)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { fits: false, complaint: complain("The answer is not JSON.") }
  }
}

/** Checks a value against a schema. A schema that is none fits nothing. */
export function checkValue(value: JsonValue, schema: JsonObject): ReadAnswer {
  const validate = compile(schema)
  if (typeof validate === "string") return { fits: false, complaint: validate }
  if (validate(value)) return { fits: true, value }
  const faults = (validate.errors ?? []).slice(0, 10).map(({ instancePath, message }) => {
    return `${instancePath === "" ? "The answer" : instancePath} ${message ?? "is not valid"}.`
  })
  return { fits: false, complaint: complain(faults.join(" ")) }
}

/** One thing that is wrong with a value: its path there in dots, and words that follow it. */
export type ValueFault = { readonly path: string; readonly message: string }

/** What is wrong with a value by a schema, at most ten faults. A schema that cannot be used is a fault as well. */
export function findValueFaults(value: JsonValue, schema: JsonObject): readonly ValueFault[] {
  const validate = compile(schema)
  if (typeof validate === "string") return [{ path: "", message: validate }]
  if (validate(value)) return []
  return (validate.errors ?? []).slice(0, 10).map(({ instancePath, message, params }) => {
    const missing: unknown = params.missingProperty
    const path = instancePath.slice(1).replaceAll("/", ".")
    if (typeof missing === "string")
      return { path: path === "" ? missing : `${path}.${missing}`, message: "is missing" }
    return { path, message: message ?? "is not valid" }
  })
}

/** What is wrong with a schema, in a sentence; null where nothing is. */
export function findSchemaFault(schema: JsonObject): string | null {
  const result = compile(schema)
  return typeof result === "string" ? result : null
}

function complain(faults: string): string {
  return `${faults} Answer again with JSON that fits the schema, and with nothing else.`
}

function withoutFence(text: string): string {
  const fenced = /^\s*```[a-zA-Z]*\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(text)
  return fenced?.[1] ?? text
}

function compile(schema: JsonObject): ValidateFunction | string {
  const key = JSON.stringify(schema)
  const known = compiled.get(key)
  if (known !== undefined) return known
  const result = compileAnew(schema)
  if (compiled.size >= compiledMax) compiled.delete(compiled.keys().next().value ?? "")
  compiled.set(key, result)
  return result
}

function compileAnew(schema: JsonObject): ValidateFunction | string {
  // A validator of its own for each schema: two schemas may have the same `$id`.
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, code: { regExp: linearPattern } })
  addFormats.default(ajv)
  try {
    return ajv.compile(schema)
  } catch (error) {
    return `The schema cannot be used: ${error instanceof Error ? error.message : "it is not a JSON Schema"}.`
  }
}

/** A pattern in the linear engine, in the form in which the validator asks for it. */
function linearPattern(source: string): { test(text: string): boolean } {
  const pattern = RE2JS.compile(source)
  return { test: (text) => pattern.matcher(text).find() }
}
linearPattern.code = "linearPattern"
