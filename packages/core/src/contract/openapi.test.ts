import { expect, test } from "vitest"
import { z } from "zod"
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { errorsOf } from "./error-sets.ts"
import { makeOpenApi } from "./openapi.ts"
import { callExamples } from "./openapi-examples.ts"
import { makeSchemaStore } from "./openapi-schemas.ts"
import type { Route } from "./route.ts"
import { routes } from "./routes.ts"

const facts = { version: "1.2.3", serverUrl: "https://brevet.example" }
const document = makeOpenApi(routes, facts)
const paths = document.paths as { readonly [path: string]: { readonly [method: string]: JsonObject } }
const operationOf = (route: Route): JsonObject => paths[route.path]?.[route.method.toLowerCase()] ?? {}

/** Every object of the document, with where it stands. */
function* objectsOf(value: JsonValue, path = "#"): Generator<readonly [path: string, object: JsonObject]> {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* objectsOf(item, `${path}/${index}`)
  if (!isJsonObject(value)) return
  yield [path, value]
  for (const [key, child] of Object.entries(value)) yield* objectsOf(child, `${path}/${key.replaceAll("/", "~1")}`)
}

function resolve(reference: string): JsonValue | undefined {
  let value: JsonValue | undefined = document
  for (const part of reference.slice(2).split("/")) value = isJsonObject(value) ? value[part] : undefined
  return value
}

test("the document is OpenAPI 3.1 with what the specification demands", () => {
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Brevet", version: "1.2.3" },
    servers: [{ url: facts.serverUrl }],
  })
  const known = ["openapi", "info", "servers", "security", "tags", "paths", "components"]
  expect(Object.keys(document).filter((key) => !known.includes(key))).toEqual([])
})

test("every call is there once, with an id, a tag that is declared, and an answer", () => {
  const tags = (document.tags as readonly { readonly name: string }[]).map(({ name }) => name)
  const operations = Object.values(paths).flatMap((path) => Object.values(path))
  expect(operations).toHaveLength(routes.length)
  for (const route of routes) {
    const { operationId, tags: own, responses, summary } = operationOf(route)
    expect(operationId).toBe(route.id)
    expect(tags).toContain((own as readonly string[])[0])
    expect(String(summary).length).toBeGreaterThan(3)
    expect(
      Object.keys(responses as JsonObject).some((status) => /^2\d\d$/.test(status)),
      route.id,
    ).toBe(true)
    for (const answer of Object.values(responses as JsonObject))
      expect((answer as JsonObject).description).toBeTypeOf("string")
  }
})

test("every placeholder of a path has its parameter, and no parameter stands twice", () => {
  for (const route of routes) {
    const parameters = (operationOf(route).parameters as readonly JsonObject[]).map((parameter) =>
      typeof parameter.$ref === "string" ? (resolve(parameter.$ref) as JsonObject) : parameter,
    )
    const inPath = parameters.filter((parameter) => parameter.in === "path")
    expect(inPath.map(({ name }) => name).sort(), route.id).toEqual(
      [...route.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name).sort(),
    )
    expect(inPath.every(({ required }) => required === true)).toBe(true)
    expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(parameters.length)
    for (const { schema } of parameters) expect(isJsonObject(schema), route.id).toBe(true)
  }
})

test("every reference leads somewhere, and no name of the library is left over", () => {
  for (const [path, object] of objectsOf(document)) {
    if (typeof object.$ref === "string" && !path.includes("/examples/")) {
      expect(resolve(object.$ref), `${path} to ${object.$ref}`).toBeDefined()
    }
    expect(Object.hasOwn(object, "$defs") || Object.hasOwn(object, "$schema"), path).toBe(false)
  }
})

test("every error that a call can answer stands under its status, with an example, and no other", () => {
  for (const route of routes) {
    const responses = operationOf(route).responses as { readonly [status: string]: JsonObject }
    const shown = Object.entries(responses).flatMap(([status, response]) =>
      [...String(response.description).matchAll(/`([A-Z_]+)`: /g)].map(([, code]) => `${status} ${code}`),
    )
    const expected = [...errorsOf(route)]
      .map((code) => [errorCatalogue[code].status, code] as const)
      .filter(([status]) => route.answers[status] === undefined)
      .map(([status, code]) => `${status} ${code}`)
    expect(shown.sort(), route.id).toEqual(expected.sort())
  }
})

test("security names the scopes of a call, and public calls have none", () => {
  for (const route of routes) {
    const { security } = operationOf(route)
    if (route.scopes === "public") expect(security).toEqual([])
    else expect(security).toEqual([{ apiKey: [...route.scopes] }, { bearer: [...route.scopes] }])
  }
})

test("a body is required exactly where some field of it is", () => {
  for (const route of routes) {
    const body = operationOf(route).requestBody as JsonObject | undefined
    expect(body?.required, route.id).toBe(route.body === null ? undefined : !route.body.safeParse({}).success)
  }
})

test("examples are what the call takes and gives", () => {
  for (const [id, { request = {}, answers = {} }] of Object.entries(callExamples)) {
    const route = routes.find((one) => one.id === id)
    if (route === undefined) throw new Error(`there is no call ${id}`)
    for (const [name, { value }] of Object.entries(request))
      expect(route.body?.safeParse(value).error, `${id}: ${name}`).toBeUndefined()
    for (const [status, examples] of Object.entries(answers)) {
      for (const { value } of Object.values(examples)) {
        const declared = route.answers[Number(status)]
        if (declared !== undefined) expect(declared.schema?.safeParse(value).error).toBeUndefined()
        else expect(errorsOf(route)).toContain((value.error as { readonly code: ErrorCode }).code)
      }
    }
  }
})

test("equal routes give an equal document, to the letter", () => {
  expect(JSON.stringify(makeOpenApi(routes, facts))).toBe(JSON.stringify(document))
})

test("whole numbers and flags of a query are shown as what they are read as", () => {
  const store = makeSchemaStore()
  const list = routes.find(({ id }) => id === "listWorkflows")
  expect(store.convertQueryField(list?.query.shape.limit as z.ZodType)).toEqual({
    type: "integer",
    minimum: 1,
    maximum: 100,
    default: 50,
  })
  expect(store.convertQueryField(list?.query.shape.active_only as z.ZodType)).toMatchObject({
    type: "string",
    enum: expect.arrayContaining(["true", "false"]),
  })
})

test("two schemas of one name are a mistake that does not pass", () => {
  const store = makeSchemaStore()
  const input = z.strictObject({ a: z.number().default(1) }).meta({ id: "OnBothSides" })
  store.convert(input, "input")
  expect(() => store.convert(input, "output")).toThrow("two schemas are called OnBothSides")
})
