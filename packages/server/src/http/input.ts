/** The inputs of a call, read by its declaration. What can be prepared is prepared once per route. */
import { missingOf } from "@brevet/core/contract/error-sets"
import type { PathParameter, Route } from "@brevet/core/contract/route"
import { isPlainText } from "@brevet/core/contract/text"
import { invalidFields, Refusal } from "@brevet/core/errors"
import { isId } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import type { z } from "zod"
import { readJsonBody } from "./body.ts"
import { schemaFaults, unknownFields } from "./faults.ts"

/** The query as the server parsed it: a text, or several for a field that was given more than once. */
export type RawQuery = Readonly<Record<string, string | readonly string[]>>

/** Reads the inputs of one route. */
export type InputReader = {
  /** Throws the route's 404 for an id that is malformed, so that it cannot be told from one that is unknown. */
  requirePath(params: Readonly<Record<string, string>>): void
  /** Throws VALIDATION_ERROR. */
  readQuery(query: RawQuery): Readonly<Record<string, unknown>>
  /** Throws UNSUPPORTED_MEDIA_TYPE and VALIDATION_ERROR. `sent` is the object before the schema. */
  readBody(
    bytes: Buffer | undefined,
    contentType: string | undefined,
  ): { readonly sent: JsonObject | null; readonly body: unknown }
}

const nothing: Readonly<Record<string, unknown>> = Object.freeze({})

/** A reader for a route. */
export function makeInputReader(route: Route): InputReader {
  const parameters = Object.entries(route.params).map(([name, rule]) => ({
    name,
    isSound: soundness(rule),
    missing: missingOf(rule),
  }))
  const names = Object.keys(route.query.shape)
  const refusesUnknown = route.unknownQuery === "refuse"
  const readsQuery = names.length > 0 || refusesUnknown
  const { query: querySchema, body: bodySchema } = route
  return {
    requirePath(params) {
      for (const { name, isSound, missing } of parameters) {
        if (!isSound(params[name] ?? "")) throw new Refusal(missing)
      }
    },
    readQuery(query) {
      if (!readsQuery) return nothing
      if (refusesUnknown) {
        const unknown = Object.keys(query).filter((name) => !names.includes(name))
        if (unknown.length > 0) throw invalidFields(unknownFields(unknown))
      }
      return parse(querySchema, withoutNul(query, names)) as Readonly<Record<string, unknown>>
    },
    readBody(bytes, contentType) {
      // A body that nothing asks for is not looked at.
      if (bodySchema === null) return { sent: null, body: undefined }
      const sent = readJsonBody(bytes, contentType)
      return { sent, body: parse(bodySchema, sent) }
    },
  }
}

function soundness(rule: PathParameter): (text: string) => boolean {
  return rule === "text" ? isPlainText : (text) => isId(rule.noun, text)
}

/** The fields that a call knows. No field of a query may hold NUL: nothing that it could name holds one, and no store takes it. */
function withoutNul(query: RawQuery, names: readonly string[]): RawQuery {
  const known: Record<string, string | readonly string[]> = {}
  for (const name of names) {
    const value = query[name]
    if (value === undefined) continue
    if (String(value).includes("\0")) {
      throw invalidFields([{ field: name, message: "must not hold NUL", code: "invalid" }])
    }
    known[name] = value
  }
  return known
}

function parse(schema: z.ZodType, input: unknown): unknown {
  const result = schema.safeParse(input)
  if (!result.success) throw schemaFaults(result.error, input)
  return result.data
}
