/** The words that ask a model for an answer of a form, and those that ask it once more. Pure. */
import type { JsonObject } from "../../json.ts"
import { schemaText } from "./canonical-schema.ts"

/** How to answer under a schema. Ends with the schema in a fence and a line break (recorded outcomes). */
export function schemaInstructions(schema: JsonObject): string {
  return [
    "Answer with one JSON value that fits the JSON Schema below, and with nothing else: no words before or after it.",
    'A JSON Schema describes the form of a value: the schema {"type": "object", "properties": {"n": {"type": "number"}}} is met by {"n": 3}, and the schema itself is never the answer.',
    "Put the value into a code block marked as json.",
    "",
    "The schema:",
    "```json",
    schemaText(schema),
    "```",
    "",
  ].join("\n")
}

/**
 * The prompt that asks for a repair (recorded outcomes; nodes may bring their own). `{instructions}`, `{completion}` and
 * `{error}` are filled in.
 */
export const repairTemplate = `Instructions:
--------------
{instructions}
--------------
Completion:
--------------
{completion}
--------------

Above, the Completion did not satisfy the constraints given in the Instructions.
Error:
--------------
{error}
--------------

Please try again. Please only respond with an answer that satisfies the constraints laid out in the Instructions:`

/** The text with each `{name}` that is known filled in; other braces stay as they are. What is filled in is not looked at again. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? "") : whole,
  )
}

/** What is said of an answer that does not fit, where a node asks for the repair by itself (recorded outcomes). */
export function recordedComplaint(completion: string): string {
  return JSON.stringify({ llmOutput: completion, sendToLLM: false, lc_error_code: "OUTPUT_PARSING_FAILURE" })
}
