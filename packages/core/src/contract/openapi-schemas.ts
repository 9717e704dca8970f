/** Schemas of the contract as OpenAPI 3.1 writes them (JSON Schema 2020-12), and the store of those that have a name. */
import { z } from "zod"
import { isJsonObject, type JsonObject, type JsonValue, jsonEqual } from "../json.ts"

/** Which side of a schema is shown: what may be sent, or what is given back. */
export type SchemaSide = "input" | "output"

/** Turns schemas into JSON Schema and collects those that have a name (`.meta({ id })`). */
export type SchemaStore = {
  convert(schema: z.ZodType, side: SchemaSide): JsonObject
  /** A field of a query, which is text on the wire but is shown as what it is read as. */
  convertQueryField(schema: z.ZodType): JsonObject
  /** The named schemas, by name. */
  components(): JsonObject
}

/** A store without schemas. */
export function makeSchemaStore(): SchemaStore {
  const components = new Map<string, JsonValue>()
  const name = (id: string, definition: JsonValue): void => {
    const known = components.get(id)
    // One name for two things would make the document lie about one of them.
    if (known !== undefined && !jsonEqual(known, definition)) throw new Error(`two schemas are called ${id}`)
    components.set(id, definition)
  }

  const convert = (schema: z.ZodType, side: SchemaSide): JsonObject => {
    const { $schema: _dialect, $defs, ...root } = toJson(schema, side)
    for (const [id, definition] of Object.entries(isJsonObject($defs) ? $defs : {})) name(id, tidy(definition, side))
    return tidy(root, side) as JsonObject
  }

  return {
    convert,
    convertQueryField(schema) {
      const read = convert(schema, "output")
      if ("type" in read) return read
      // What a transformation makes has no schema; then the texts that it takes are shown.
      const { default: given, ...sent } = convert(schema, "input")
      return given === undefined ? sent : { ...sent, default: String(given) }
    },
    components: () => Object.fromEntries([...components].sort(([left], [right]) => (left < right ? -1 : 1))),
  }
}

function toJson(schema: z.ZodType, io: SchemaSide): JsonObject {
  return z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" }) as JsonObject
}

/** References into our components, and answers that may get further fields later. */
function tidy(value: JsonValue, side: SchemaSide): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => tidy(item, side))
  if (!isJsonObject(value)) return value
  const result: Record<string, JsonValue> = {}
  for (const [key, child] of Object.entries(value)) {
    if (key === "$ref" && typeof child === "string") result.$ref = child.replace("#/$defs/", "#/components/schemas/")
    else if (key === "additionalProperties" && child === false && side === "output") continue
    // Bounds that say no more than "a number that JavaScript holds" say nothing.
    else if ((key === "minimum" || key === "maximum") && Math.abs(Number(child)) === Number.MAX_SAFE_INTEGER) continue
    else result[key] = key === "enum" || key === "const" || key === "default" ? child : tidy(child, side)
  }
  return result
}
