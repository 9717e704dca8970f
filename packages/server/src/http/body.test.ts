import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { shownProbes } from "../testing/probe-routes.ts"

const url = `/v1/probe/flow_${"0".repeat(32)}`
const json = { "content-type": "application/json" }
let context: TestContext
let probe: TestApp

beforeAll(async () => {
  context = await makeTestContext()
  probe = await makeTestApp(context, { routes: shownProbes })
})

afterAll(async () => {
  await probe.close()
  await context.close()
})

const patch = (body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
  probe.send({ method: "PATCH", url, body, headers })

/** The faults of a refused body, each as `field: code`. */
const faultsOf = async (
  body: unknown,
  headers: Readonly<Record<string, string>> = json,
): Promise<readonly string[]> => {
  const answer = await patch(body, headers)
  expect([answer.status, answer.body.error.code]).toEqual([422, "VALIDATION_ERROR"])
  return answer.body.error.details.fields.map(({ field, code }: { field: string; code: string }) => `${field}: ${code}`)
}

test("no body, an empty one, blanks and null are an empty object, with or without a content type", async () => {
  for (const headers of [{}, json, { "content-type": "application/json; charset=utf-8" }]) {
    for (const body of [undefined, "", "null", "  \n ", " null\n", "{}"]) {
      const answer = await patch(body, headers)
      expect(answer.status).toBe(200)
      expect(answer.body.body).toEqual({})
    }
  }
  expect((await patch("", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(200)
})

test("broken JSON and what is no object are 422", async () => {
  for (const body of [
    "{",
    '{"name": }',
    '{"a": 1,}',
    "{'a': 1}",
    '{"a": NaN}',
    "{} {}",
    "\u0000",
    '{"name": "\u0001"}',
  ]) {
    expect(await faultsOf(body)).toEqual(["body: invalid_json"])
  }
  for (const body of ["[]", "[{}]", "1", '"text"', "true", "false"])
    expect(await faultsOf(body)).toEqual(["body: invalid_type"])
})

test("form types, other types and other charsets are 415, whatever they hold", async () => {
  const types = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/octet-stream",
    "application/jsonp",
    "application/json; charset=utf-16",
    'application/json; charset="iso-8859-1"',
    "nonsense",
    ";",
    "application/json, text/plain",
  ]
  for (const type of types) {
    const answer = await patch('{"name": "x"}', { "content-type": type })
    expect([type, answer.status, answer.body.error.code]).toEqual([type, 415, "UNSUPPORTED_MEDIA_TYPE"])
  }
})

test("JSON is JSON under its other types, without a type, and after a byte order mark", async () => {
  const types = ["application/json", "Application/JSON; Charset=UTF-8", "application/merge-patch+json", "text/json"]
  for (const type of types)
    expect((await patch('{"name": "x"}', { "content-type": type })).body.body).toEqual({ name: "x" })
  expect((await patch('{"name": "x"}')).body.body).toEqual({ name: "x" })
  expect((await patch('\uFEFF{"name": "x"}', json)).body.body).toEqual({ name: "x" })
})

test("bytes that are no UTF-8 are refused, since reading them would alter them", async () => {
  expect(await faultsOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toEqual(["body: invalid_encoding"])
  expect(await faultsOf(Buffer.from('{"name": "x"}', "utf16le"))).not.toEqual([])
})

test("unknown fields are named, wherever they stand", async () => {
  expect(await faultsOf({ nmae: "x", name: "y" })).toEqual(["nmae: unknown_field"])
  expect(await faultsOf({ size: { width: 1, hieght: 2 } })).toEqual(["size.hieght: unknown_field"])
  expect(await faultsOf({ a: 1, b: 2 })).toEqual(["a: unknown_field", "b: unknown_field"])
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, 1]))
  expect(await faultsOf(many)).toHaveLength(20)
  const [long] = await faultsOf({ ["x".repeat(100_000)]: 1 })
  expect(long?.length).toBeLessThan(300)
})

test("each faulty field is told with its own code and message", async () => {
  expect(await faultsOf({ name: 5, organization_id: [] })).toEqual([
    "name: invalid_type",
    "organization_id: invalid_type",
  ])
  expect(await faultsOf({ name: "x".repeat(21) })).toEqual(["name: invalid"])
  expect(await faultsOf({ size: { width: "wide" } })).toEqual(["size.width: invalid_type"])
  expect(await faultsOf({ size: {} })).toEqual(["size.width: required"])
  const { body } = await patch({ name: 5 })
  expect(body.error.system_message).toContain("name")
})

test("null is absent for an optional field", async () => {
  expect((await patch({ name: null })).body.body).toEqual({ name: null })
})

test("depth, numbers that are not finite and __proto__ are refused with their path", async () => {
  const nested = (depth: number) => `{"kept": ${'{"a": '.repeat(depth)}1${"}".repeat(depth)}}`
  expect((await patch(nested(99), json)).status).toBe(200)
  expect((await faultsOf(nested(100)))[0]).toMatch(/^kept\.a(\.a)*…?: too_deep$/)
  expect(await faultsOf('{"kept": {"list": [1, 1e400]}}')).toEqual(["kept.list.1: not_finite"])
  expect(await faultsOf('{"kept": {"a": -1e999}}')).toEqual(["kept.a: not_finite"])
  expect(await faultsOf('{"kept": {"__proto__": {"admin": true}}}')).toEqual(["kept.__proto__: forbidden_key"])
  expect(await faultsOf('{"__proto__": {"name": "x"}}')).toEqual(["__proto__: forbidden_key"])
  expect(await faultsOf('{"kept": {"\\u005f_proto__": 1}}')).toEqual(["kept.__proto__: forbidden_key"])
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

test("keys that other languages mistake for their own are kept as they are", async () => {
  const text =
    '{"kept": {"constructor": {"prototype": {"x": 1}}, "toString": 1, "hasOwnProperty": null, "": 2, "then": 3}}'
  expect((await patch(text, json)).body.body).toEqual(JSON.parse(text))
})

test("NUL and lone surrogates are kept in free-form objects and refused in names", async () => {
  const kept = { "\u0000": "a\u0000b", "\ud800": "\udfff \ud83d", order: { z: 1, a: 2, 1: 3 } }
  const answer = await patch({ kept })
  expect(answer.status).toBe(200)
  expect(answer.body.body.kept).toEqual(kept)
  expect(Object.keys(answer.body.body.kept)).toEqual(Object.keys(kept))
  for (const name of ["a\u0000", "\ud800", "x\udc00y"]) expect(await faultsOf({ name })).toEqual(["name: invalid"])
  expect((await patch({ name: "\ud83d\ude00" })).status).toBe(200)
})

test("numbers are kept as JSON readers hold them", async () => {
  const answer = await patch('{"kept": {"a": 1.0, "b": 9007199254740993, "c": -0, "d": 1e308, "e": 5e-324}}', json)
  expect(answer.body.body.kept).toEqual(JSON.parse('{"a": 1, "b": 9007199254740992, "c": 0, "d": 1e308, "e": 5e-324}'))
})

test("a body of five mebibytes is taken, one byte more is 413", async () => {
  const limit = 5 * 1024 * 1024
  const filled = (bytes: number) => `{"kept": {"a": "${"x".repeat(bytes - 19)}"}}`
  expect(filled(limit)).toHaveLength(limit)
  expect((await patch(filled(limit), json)).status).toBe(200)
  const answer = await patch(filled(limit + 1), json)
  expect([answer.status, answer.body.error.code]).toEqual([413, "REQUEST_TOO_LARGE"])
})

test("bombs of depth, of keys and of numbers end in a refusal, and the server goes on", async () => {
  const deep = "[".repeat(2_600_000)
  expect(await faultsOf(`{"kept": ${deep}`)).toEqual(["body: invalid_json"])
  const closed = `{"kept": {"a": ${"[".repeat(2_500_000)}${"]".repeat(2_500_000)}}}`
  expect((await faultsOf(closed))[0]).toMatch(/too_deep$/)
  expect(await faultsOf(`{"kept": {"n": ${"9".repeat(4_000_000)}}}`)).toEqual(["kept.n: not_finite"])
  expect((await patch({ name: "after" })).body.body).toEqual({ name: "after" })
})

test("a body that a call does not take is ignored, whatever it is", async () => {
  for (const body of ["{", "\u0000", "x".repeat(1_000)]) {
    expect((await probe.send({ url: "/v1/probe", body, headers: { "content-type": "text/plain" } })).status).toBe(200)
  }
})

test("unknown query fields are ignored on documented calls and 422 on our own", async () => {
  expect((await probe.send({ url: "/v1/probe?nothing=1&limit=5" })).body.query).toEqual({ limit: 5 })
  const ours = await probe.send({ method: "PATCH", url: `${url}?nothing=1&dry_run=1` })
  expect([ours.status, ours.body.error.code]).toEqual([422, "VALIDATION_ERROR"])
  expect(ours.body.error.details.fields).toEqual([
    { field: "nothing", message: "is not a field of this call", code: "unknown_field" },
  ])
})

test("a query field that is wrong, empty, doubled or holds NUL is 422 with its name", async () => {
  for (const query of [
    "limit=0",
    "limit=101",
    "limit=x",
    "limit=",
    "limit=1&limit=2",
    "limit=1e1",
    "limit=%00",
    "name=%00",
  ]) {
    const { status, body } = await probe.send({ url: `/v1/probe?${query}` })
    expect([query, status]).toEqual([query, 422])
    expect(body.error.details.fields[0].field).toBe(query.slice(0, query.indexOf("=")))
  }
  expect((await probe.send({ url: "/v1/probe?nothing=%00" })).status).toBe(200)
})

test("a query may hold broken escapes and odd keys without harm", async () => {
  for (const query of [
    "name=%zz",
    "name=%ff%fe",
    "__proto__=1",
    "constructor=1",
    "a[b]=c",
    "&&&==&",
    "=x",
    "name=%F0%9F%98%80",
  ]) {
    expect([query, (await probe.send({ url: `/v1/probe?${query}` })).status]).toEqual([query, 200])
  }
})

test("text in a path is decoded, and what no text can be is not found", async () => {
  const named = async (name: string) => {
    const { status, body } = await probe.send({ url: `/v1/text-probe/${name}` })
    return status === 200 ? body.params.name : `${status} ${body.error.code}`
  }
  expect(await named("a%20b%2Fc")).toBe("a b/c")
  expect(await named("%C3%A9")).toBe("é")
  expect(await named("a%00b")).toBe("404 RESOURCE_NOT_FOUND")
  expect(await named("%zz")).toBe("400 BAD_REQUEST")
  expect(await named("%c3%28")).toBe("400 BAD_REQUEST")
  expect(await named("x".repeat(10_000))).toBe("x".repeat(10_000))
})

test("a malformed id is not told from an unknown one", async () => {
  const zeros = "0".repeat(32)
  const ids = [
    "1",
    "flow_",
    `flow_${zeros}0`,
    `asst_${zeros}`,
    `FLOW_${zeros}`,
    `flow_${"G".repeat(32)}`,
    `flow_${"A".repeat(32)}`,
  ]
  for (const id of [...ids, "..%2f..%2fetc", "%00", "x".repeat(9_000), "'%20OR%201=1--"]) {
    const { status, body } = await probe.send({ method: "PATCH", url: `/v1/probe/${id}` })
    expect([id, status, body.error.code]).toEqual([id, 404, "WORKFLOW_NOT_FOUND"])
  }
})
