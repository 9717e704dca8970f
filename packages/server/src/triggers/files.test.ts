/** Files in workflows: read into items, made of items, passed on, and bounded. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, useTalkServer, workflow } from "../testing/talk.ts"
import { hook, makeTriggerClient } from "../testing/triggers.ts"

const talk = useTalkServer({ BREVET_RUN_FILE_BYTES_MAX: "70000" })
const { arm, send, runsOf } = makeTriggerClient(talk)

const extract = (parameters: JsonObject): JsonObject => node("Extract", "n8n-nodes-base.extractFromFile", parameters)
const convert = (parameters: JsonObject): JsonObject => ({
  ...node("Convert", "n8n-nodes-base.convertToFile", parameters),
  typeVersion: 1.1,
})
const code = (jsCode: string): JsonObject => ({ ...node("Code", "n8n-nodes-base.code", { jsCode }), typeVersion: 2 })
const respond = node("Respond", "n8n-nodes-base.respondToWebhook", { respondWith: "binary" })

let count = 0
async function chain(parameters: JsonObject, nodes: readonly JsonObject[]) {
  count += 1
  const path = `files-${count}`
  const names = ["Hook", ...nodes.map(({ name }) => String(name))]
  const wires = names.slice(1).map((name, index): [string, string] => [names[index] ?? "", name])
  const id = await arm(workflow([hook({ path, httpMethod: "POST", ...parameters }), ...nodes], wires))
  return { id, path: `/webhook/${path}` }
}
/** What a file becomes. */
async function extracted(parameters: JsonObject, file: string | Uint8Array<ArrayBuffer>) {
  const { id, path } = await chain({ responseMode: "lastNode", responseData: "allEntries" }, [extract(parameters)])
  const body = typeof file === "string" ? new TextEncoder().encode(file) : file
  const answer = await send(path, { method: "POST", body, headers: { "content-type": "application/octet-stream" } })
  return { id, answer }
}
/** The file that items become. */
async function made(items: JsonValue, parameters: JsonObject) {
  const list = `return ${JSON.stringify(items)}.map((json) => ({ json }))`
  const { path } = await chain({ responseMode: "responseNode" }, [code(list), convert(parameters), respond])
  return send(path, { method: "POST" })
}

describe("Extract from File", () => {
  it.each<[JsonObject, string, JsonValue]>([
    [
      { operation: "csv" },
      'name,town\nAda,"London, UK"\nBob,\n',
      [
        { name: "Ada", town: "London, UK" },
        { name: "Bob", town: "" },
      ],
    ],
    [{ operation: "csv", options: { delimiter: ";", headerRow: false } }, "a;b\n", [{ row: ["a", "b"] }]],
    [{ operation: "csv", options: { maxRowCount: 1 } }, "n\n1\n2\n", [{ n: "1" }]],
    [{ operation: "csv" }, "__proto__,a\n1,2\n", [{ a: "2" }]],
    [{ operation: "fromJson" }, '[{"a":1}]', [{ data: [{ a: 1 }] }]],
    [{ operation: "text", destinationKey: "a.b" }, "grüezi", [{ a: { b: "grüezi" } }]],
    [{ operation: "xml", destinationKey: "x" }, "<a/>", [{ x: "<a/>" }]],
    [{ operation: "binaryToPropery" }, "ab", [{ data: "YWI=" }]],
    [{ operation: "html" }, "<table><tr><th>a<th>b</tr><tr><td>1<td>2 &amp; 3</table>", [{ a: "1", b: "2 & 3" }]],
  ])("reads %j", async (parameters, file, items) => {
    expect((await extracted(parameters, file)).answer.json).toEqual(items)
  })

  it("knows encodings", async () => {
    const latin = new Uint8Array([0x67, 0x72, 0xfc])
    expect((await extracted({ operation: "text", options: { encoding: "latin1" } }, latin)).answer.json).toEqual([
      { data: "grü" },
    ])
  })

  it.each<[JsonObject, string, string]>([
    [{ operation: "fromJson" }, "{ broken", "NODE_SETTINGS_INVALID"],
    [{ operation: "pdf" }, "%PDF", "NODE_SETTINGS_INVALID"],
    [{ operation: "csv", binaryPropertyName: "nope" }, "a", "NODE_SETTINGS_INVALID"],
    [{ operation: "text", options: { encoding: "klingon" } }, "a", "NODE_SETTINGS_INVALID"],
  ])("fails with a code where it cannot: %j", async (parameters, ...[file, code]) => {
    const { id } = await extracted(parameters, file)
    expect((await runsOf(id))[0].error.details.cause_code).toBe(code)
  })
})

describe("Convert to File", () => {
  const people = [
    { name: "Ada", note: 'a "b", c' },
    { name: "Bob", age: 7 },
  ]

  it.each<[JsonObject, string, string]>([
    [{ operation: "csv" }, 'name,note,age\nAda,"a ""b"", c",\nBob,,7\n', "text/csv"],
    [{ operation: "csv", options: { headerRow: false, delimiter: ";" } }, 'Ada;"a ""b"", c";\nBob;;7\n', "text/csv"],
    [{ operation: "toJson" }, JSON.stringify(people), "application/json"],
    [{ operation: "toJson", mode: "each" }, JSON.stringify(people[0]), "application/json"],
    [{ operation: "toText", sourceProperty: "name" }, "Ada", "text/plain"],
  ])("makes %j", async (parameters, text, type) => {
    const answer = await made(people, parameters)
    expect([answer.text, answer.headers.get("content-type")]).toEqual([text, type])
  })

  it("makes pages in which nothing of the items is markup, and texts of every sign", async () => {
    const html = await made([{ "<b>": "<script>alert(1)</script>" }], { operation: "html" })
    expect(html.text).toContain("<td>&#60;script&#62;alert(1)&#60;/script&#62;</td>")
    expect(html.text).not.toContain("<script>")
    expect((await made([{ a: "{ü}" }], { operation: "rtf" })).text).toContain("\\{\\u252?\\}")
  })

  it("makes bytes of base64, and events", async () => {
    const bytes = await made([{ b: "data:image/png;base64,AAE=" }], {
      operation: "toBinary",
      sourceProperty: "b",
      options: { fileName: "x.png" },
    })
    expect([[...bytes.bytes], bytes.headers.get("content-type")]).toEqual([[0, 1], "image/png"])
    const event = { operation: "iCal", title: "Tea; cake", start: "2026-01-02T03:04:05Z", end: "2026-01-02T04:00:00Z" }
    const { text } = await made([{}], event)
    expect(text).toContain("DTSTART:20260102T030405Z\r\n")
    expect(text).toContain("SUMMARY:Tea\\; cake\r\n")
  })

  it.each<[JsonObject, string]>([
    [{ operation: "xlsx" }, "NODE_SETTINGS_INVALID"],
    [{ operation: "toText", sourceProperty: "nope" }, "NODE_SETTINGS_INVALID"],
    [{ operation: "toBinary", sourceProperty: "name" }, "NODE_SETTINGS_INVALID"],
  ])("fails with a code where it cannot: %j", async (parameters, code) => {
    const list = 'return [{ json: { name: "no base64!" } }]'
    const { id, path } = await chain({ responseMode: "lastNode" }, [
      { ...node("Code", "n8n-nodes-base.code", { jsCode: list }), typeVersion: 2 },
      convert(parameters),
    ])
    await send(path, { method: "POST" })
    expect((await runsOf(id))[0].error.details.cause_code).toBe(code)
  })
})

describe("files of a run", () => {
  it("are seen by expressions and code as what they are, without their bytes", async () => {
    const seen = {
      ...node("Seen", "n8n-nodes-base.set", {
        mode: "raw",
        jsonOutput:
          "={{ { name: $binary.data.fileName, type: $binary.data.mimeType, keys: Object.keys($binary.data) } }}",
      }),
      typeVersion: 3.4,
    }
    const { path } = await chain({ responseMode: "lastNode" }, [
      code("return $input.all().map((item) => ({ json: { n: item.binary.data.bytes }, binary: item.binary }))"),
      seen,
    ])
    const { json } = await send(path, {
      method: "POST",
      body: new Uint8Array([1, 2]),
      headers: { "content-type": "image/gif" },
    })
    expect(json).toEqual({
      type: "image/gif",
      keys: ["id", "mimeType", "fileType", "fileExtension", "fileSize", "bytes"],
    })
  })

  it("are bounded together", async () => {
    const { id, path } = await chain({ responseMode: "lastNode" }, [
      code(
        'return [1, 2].map((n) => ({ json: {}, binary: { data: { data: String(n).repeat(80_000), mimeType: "text/plain" } } }))',
      ),
    ])
    await send(path, { method: "POST" })
    expect((await runsOf(id))[0].error.details.cause_code).toBe("RUN_FILES_EXCEEDED")
    const large = await send(path, {
      method: "POST",
      body: new Uint8Array(80_000),
      headers: { "content-type": "image/gif" },
    })
    expect(large.json.error.code).toBe("REQUEST_TOO_LARGE")
  })
})
