/** What the scripted model says where a form is asked for: a value that fits. Elsewhere it repeats what it was told. */
import { isJsonObject, type JsonObject, type JsonValue } from "../packages/core/src/json.ts"
import { exampleOf } from "../packages/server/src/adapters/models/schema-example.ts"
import {
  lastUserText,
  type ScriptedAnswer,
  type ScriptedRequest,
} from "../packages/server/src/testing/scripted-model.ts"

/** The answer to a request: one that fits the JSON Schema that its messages hold, else a sentence. */
export function exampleAnswer(request: ScriptedRequest): ScriptedAnswer {
  const text = textsIn(request.body).join("\n")
  const schema = schemaIn(text)
  if (schema !== null) return { text: JSON.stringify(exampleOf(schema, "example")) }
  return { text: `You said: ${lastUserText(request).slice(0, 200)}` }
}

/** Every text of a request, whatever the wire calls its fields; tools have schemas of their own and are left out. */
function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, child]) => (name === "tools" ? [] : textsIn(child)))
}

/** The last JSON Schema of a text, by its braces. */
function schemaIn(text: string): JsonObject | null {
  for (let at = text.lastIndexOf("{"); at >= 0; at = at === 0 ? -1 : text.lastIndexOf("{", at - 1)) {
    const value = objectAt(text, at)
    if (value !== null && (isJsonObject(value.properties) || value.type === "array")) {
      const outer = schemaIn(text.slice(0, at))
      return outer !== null && JSON.stringify(outer).includes(JSON.stringify(value)) ? outer : value
    }
  }
  return null
}

function objectAt(text: string, at: number): JsonObject | null {
  let depth = 0
  for (let end = at; end < text.length; end += 1) {
    if (text[end] === "{") depth += 1
    if (text[end] === "}") depth -= 1
    if (depth > 0) continue
    try {
      const value = JSON.parse(text.slice(at, end + 1)) as JsonValue
      return isJsonObject(value) ? value : null
    } catch (error) {
      if (error instanceof SyntaxError) return null
      throw error
    }
  }
  return null
}
