/**
 * The contract as an OpenAPI 3.1 document, made from the routes' own declarations: nothing in it is written by hand but
 * its examples and the words of its introduction.
 */
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import { errorEnvelope } from "./error-envelope.ts"
import { errorsOf } from "./error-sets.ts"
import { callExamples } from "./openapi-examples.ts"
import { makeSchemaStore, type SchemaStore } from "./openapi-schemas.ts"
import type { Route } from "./route.ts"
import { scopeSentence, scopeTextTable } from "./scopes.ts"

/** What the document says of the server that gives it. */
export type DocumentFacts = {
  readonly version: string
  /** The address under which the server is reached; no slash at the end. */
  readonly serverUrl: string
}

/** The instant of the examples. */
const exampleAtMs = Date.UTC(2026, 0, 31, 12)
const exampleTraceId = "req_0190f6c2c3e47a5b9f6d7e8a9b0c1d2e"

/** The document of some routes. Equal routes give an equal document, keys in the same order. */
export function makeOpenApi(routes: readonly Route[], facts: DocumentFacts): JsonObject {
  const schemas = makeSchemaStore()
  const paths: Record<string, Record<string, JsonValue>> = {}
  for (const route of routes) {
    const path = paths[route.path] ?? {}
    path[route.method.toLowerCase()] = operation(route, schemas)
    paths[route.path] = path
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Brevet",
      version: facts.version,
      summary: "Promote a workflow to an assistant in one call, and talk to it.",
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: facts.serverUrl }],
    security: [{ apiKey: [] }, { bearer: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...schemas.components(), Error: errorSchema },
      parameters: sharedParameters,
      headers: sharedHeaders,
      examples: errorExamples(),
      securitySchemes: {
        apiKey: {
          type: "apiKey",
          in: "header",
          name: "X-API-Key",
          description: "An API key. `api-key` works as well.",
        },
        bearer: { type: "http", scheme: "bearer", description: "The same key as a bearer token." },
      },
    },
  }
}

function operation(route: Route, schemas: SchemaStore): JsonObject {
  const { request } = callExamples[route.id] ?? {}
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, scopeSentence(route)].filter((text) => text !== undefined).join("\n\n"),
    security: security(route),
    parameters: parameters(route, schemas),
    ...(route.body === null
      ? {}
      : {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: {
              "application/json": {
                schema: schemas.convert(route.body, "input"),
                ...(request === undefined ? {} : { examples: request }),
              },
            },
          },
        }),
    responses: { ...answers(route, schemas), ...errorResponses(route) },
  }
}

function security({ scopes }: Route): JsonValue {
  return scopes === "public" ? [] : [{ apiKey: [...scopes] }, { bearer: [...scopes] }]
}

function parameters(route: Route, schemas: SchemaStore): JsonValue[] {
  const list: JsonValue[] = Object.entries(route.params).map(([name, rule]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...(rule === "text" ? {} : { description: `Id of the ${nounText(rule.noun)}; a malformed one is ${rule.missing}` }),
  }))
  for (const [name, schema] of Object.entries(route.query.shape)) {
    const field = schema as Parameters<SchemaStore["convertQueryField"]>[0]
    const required = !field.safeParse(undefined).success
    list.push({ name, in: "query", required, schema: schemas.convertQueryField(field) })
  }
  const share = (name: keyof typeof sharedParameters): void => {
    list.push({ $ref: `#/components/parameters/${name}` })
  }
  if (route.idempotency !== "none") share("IdempotencyKey")
  if (route.errors.includes("VERSION_CONFLICT")) share("IfMatch")
  if (route.method === "GET" && Object.values(route.answers).some(({ stream }) => stream === true)) share("LastEventId")
  return list
}

function nounText(noun: string): string {
  return noun.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function answers(route: Route, schemas: SchemaStore): Record<string, JsonValue> {
  const result: Record<string, JsonValue> = {}
  for (const [status, { description, schema, stream }] of Object.entries(route.answers)) {
    const examples = callExamples[route.id]?.answers?.[Number(status)]
    const content = {
      ...(schema === null
        ? {}
        : {
            "application/json": {
              schema: schemas.convert(schema, "output"),
              ...(examples === undefined ? {} : { examples }),
            },
          }),
      ...(stream === true ? { "text/event-stream": { schema: { type: "string" } } } : {}),
    }
    result[status] = {
      description,
      headers: headerReferences(status === "201" ? ["RequestId", "Location"] : ["RequestId"]),
      ...(Object.keys(content).length === 0 ? {} : { content }),
    }
  }
  return result
}

function errorResponses(route: Route): Record<string, JsonValue> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of [...errorsOf(route)].sort()) {
    const { status } = errorCatalogue[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const result: Record<string, JsonValue> = {}
  for (const [status, codes] of [...byStatus].sort(([left], [right]) => left - right)) {
    // A status that is declared as an answer of its own, such as health's 503, is that.
    if (route.answers[status] !== undefined) continue
    const own = callExamples[route.id]?.answers?.[status] ?? {}
    const shared = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]))
    result[String(status)] = {
      description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].message}`).join("  \n"),
      headers: headerReferences(status === 429 || status === 503 ? ["RequestId", "RetryAfter"] : ["RequestId"]),
      content: {
        "application/json": { schema: { $ref: "#/components/schemas/Error" }, examples: { ...own, ...shared } },
      },
    }
  }
  return result
}

function headerReferences(names: readonly (keyof typeof sharedHeaders)[]): JsonObject {
  return Object.fromEntries(names.map((name) => [headerNames[name], { $ref: `#/components/headers/${name}` }]))
}

function errorExamples(): JsonObject {
  const codes = (Object.keys(errorCatalogue) as ErrorCode[]).sort()
  return Object.fromEntries(
    codes.map((code) => {
      const { message, systemMessage } = errorCatalogue[code]
      const source = { code, message, systemMessage, details: {} }
      return [code, { value: errorEnvelope(source, { traceId: exampleTraceId, atMs: exampleAtMs }) }]
    }),
  )
}

const introduction = [
  "Send a key as `X-API-Key`, `api-key` or `Authorization: Bearer`. Bodies are JSON; where every field is optional, no " +
    "body will do. Every error has one form (`Error`), whose `trace_id` is also the header `x-request-id`.",
  "A POST with an `Idempotency-Key` is carried out once: the same request gets the first answer again for 24 hours.",
  "## Scopes\n\nEach call says which scopes its key needs.",
  scopeTextTable(),
].join("\n\n")

const errorSchema: JsonObject = {
  type: "object",
  description: "The form of every error.",
  required: ["success", "error"],
  properties: {
    success: { const: false },
    error: {
      type: "object",
      required: ["code", "message", "system_message", "type", "status", "trace_id", "timestamp", "details"],
      properties: {
        code: { type: "string", enum: Object.keys(errorCatalogue).sort() },
        message: { type: "string", description: "For a person" },
        system_message: { type: "string", description: "For a developer" },
        type: { type: "string", enum: [...new Set(Object.values(errorCatalogue).map(({ type }) => type))].sort() },
        status: { type: "integer" },
        trace_id: { type: "string", description: "Names this request in the server's log" },
        timestamp: { type: "string", format: "date-time" },
        details: { type: "object", description: "What the code says more; `fields` of VALIDATION_ERROR" },
      },
    },
  },
}

const sharedParameters = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    schema: { type: "string", minLength: 1, maxLength: 255 },
    description: "The same key with the same body gets the first answer again, for 24 hours",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    required: false,
    schema: { type: "string" },
    description: "The ETag that the object must still have; otherwise VERSION_CONFLICT",
  },
  LastEventId: {
    name: "Last-Event-ID",
    in: "header",
    required: false,
    schema: { type: "string" },
    description: "The number of the last frame that was read; the stream goes on after it",
  },
} as const

const sharedHeaders = {
  RequestId: { schema: { type: "string" }, description: "The trace id of the request" },
  Location: { schema: { type: "string" }, description: "Where what was made is" },
  RetryAfter: { schema: { type: "integer" }, description: "Seconds after which a repeat makes sense" },
} as const

const headerNames = { RequestId: "x-request-id", Location: "Location", RetryAfter: "Retry-After" } as const
