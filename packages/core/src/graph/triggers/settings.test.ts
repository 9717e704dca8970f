import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { readDefinition } from "../read.ts"
import { readAuthentication } from "./authentication.ts"
import { formPathOf, readForm } from "./form-settings.ts"
import { headersOf, statusOf } from "./settings.ts"
import { readWebhook } from "./webhook-settings.ts"

const graphOf = (type: string, parameters: JsonObject, { settings = {}, ...rest }: JsonObject = {}) =>
  readDefinition({
    nodes: [{ name: "T", type: `n8n-nodes-base.${type}`, typeVersion: 2, parameters, ...rest }],
    settings,
  }).graph
const webhook = (parameters: JsonObject, rest: JsonObject = {}) => {
  const [node] = graphOf("webhook", parameters, rest).nodes
  if (node === undefined) throw new Error("no node")
  return readWebhook(node)
}

const form = (parameters: JsonObject, settings: JsonObject = {}) => {
  const graph = graphOf("formTrigger", parameters, { settings })
  const [node] = graph.nodes
  if (node === undefined) throw new Error("no node")
  return readForm(graph, node)
}

describe("the settings of a webhook", () => {
  it("have the documented defaults", () => {
    expect(webhook({})).toEqual({
      methods: ["GET"],
      hasOutputPerMethod: false,
      authentication: { way: "none" },
      response: { when: "immediately", body: undefined },
      status: 200,
      headers: [],
      rawBody: false,
      binaryName: null,
      ignoreBots: false,
      allowedAddresses: [],
      allowedOrigins: ["*"],
    })
  })

  it.each<[JsonObject, string[], boolean]>([
    [{ httpMethod: "POST" }, ["POST"], false],
    [{ httpMethod: "put" }, ["PUT"], false],
    [{ httpMethod: ["POST"] }, ["GET"], false],
    [{ httpMethod: "CONNECT" }, ["GET"], false],
    [{ multipleMethods: true }, ["GET", "POST"], true],
    [{ multipleMethods: true, httpMethod: ["DELETE", "POST", "DELETE", 7, "TRACE"] }, ["DELETE", "POST"], true],
    [{ multipleMethods: true, httpMethod: [] }, ["GET"], true],
  ])("name their methods: %j", (parameters, methods, apart) => {
    expect(webhook(parameters)).toMatchObject({ methods, hasOutputPerMethod: apart })
  })

  it.each<[JsonObject, number]>([
    [{ responseCode: 201 }, 201],
    [{ options: { responseCode: { values: { responseCode: 202 } } } }, 202],
    [{ options: { responseCode: { values: { responseCode: "customCode", customCode: 299 } } } }, 299],
    [{ options: { responseCode: 204 } }, 204],
    [{ responseCode: "=1" }, 200],
    [{ responseCode: 99 }, 200],
    [{ responseCode: 100 }, 200],
    [{ responseCode: 600 }, 200],
    [{ responseCode: 200.5 }, 200],
  ])("name the status in the form of every version: %j", (parameters, status) => {
    expect(webhook(parameters).status).toBe(status)
  })

  it.each<[JsonObject, unknown]>([
    [{ responseMode: "responseNode" }, { when: "node" }],
    [{ responseMode: "streaming" }, { when: "streaming" }],
    [{ options: { noResponseBody: true, responseData: "x" } }, { when: "immediately", body: null }],
    [{ options: { responseData: "ok" } }, { when: "immediately", body: "ok" }],
    [{ options: { responseData: "" } }, { when: "immediately", body: undefined }],
    [
      { responseMode: "lastNode" },
      { when: "last-node", data: "firstEntryJson", binaryName: "data", propertyName: null, contentType: null },
    ],
    [
      {
        responseMode: "lastNode",
        responseData: "firstEntryBinary",
        responseBinaryPropertyName: "photo",
        options: { responsePropertyName: "a.b", responseContentType: "text/xml" },
      },
      {
        when: "last-node",
        data: "firstEntryBinary",
        binaryName: "photo",
        propertyName: "a.b",
        contentType: "text/xml",
      },
    ],
  ])("say when and how it answers: %j", (parameters, response) => {
    expect(webhook(parameters).response).toEqual(response)
  })

  it("list who may call", () => {
    const options = {
      ipWhitelist: " 10.0.0.1, ,192.168.0.0/16",
      allowedOrigins: "https://a.example/, https://b.example",
    }
    expect(webhook({ options })).toMatchObject({
      allowedAddresses: ["10.0.0.1", "192.168.0.0/16"],
      allowedOrigins: ["https://a.example", "https://b.example"],
    })
    expect(webhook({ options: { allowedOrigins: "https://a.example,*" } }).allowedOrigins).toEqual(["*"])
  })

  it.each<JsonValue>([
    null,
    7,
    "x",
    [],
    [[]],
    { options: 7 },
    { options: { responseHeaders: { entries: [null, 7] } } },
  ])("are read from anything: %j", (parameters) => {
    expect(webhook(parameters as JsonObject).methods).toEqual(["GET"])
  })
})

describe("what a trigger demands", () => {
  const demand = (parameters: JsonObject, credentials: JsonObject = {}) => {
    const [node] = graphOf("webhook", parameters, { credentials }).nodes
    return node === undefined ? null : readAuthentication(node)
  }

  it("is the way that it names, with the credential of that way's type", () => {
    const credentials = {
      httpHeaderAuth: { id: "7", name: "Mine" },
      httpBasicAuth: { name: "Other" },
      jwtAuth: "Third",
    }
    expect(demand({ authentication: "headerAuth" }, credentials)).toEqual({
      way: "header",
      credential: { type: "httpHeaderAuth", id: "7", name: "Mine" },
    })
    expect(demand({ authentication: "basicAuth" }, credentials)).toMatchObject({
      credential: { id: null, name: "Other" },
    })
    expect(demand({ authentication: "jwtAuth" }, credentials)).toMatchObject({
      credential: { id: null, name: "Third" },
    })
  })

  it("is never nothing where something was meant", () => {
    expect(demand({ authentication: "headerAuth" })).toEqual({ way: "header", credential: null })
    expect(demand({ authentication: "headerAuth" }, { httpHeaderAuth: {} })).toEqual({
      way: "header",
      credential: null,
    })
    for (const authentication of ["oAuth2", "=none", "constructor", 7, { a: 1 }, true]) {
      expect(demand({ authentication })).toEqual({ way: "unknown" })
    }
  })
})

describe("headers and statuses of answers", () => {
  it("are those that an answer can carry", () => {
    const entries = [
      { name: " X-A ", value: " b " },
      { name: "x-number", value: 7 },
      { name: "x-none" },
      { name: "bad name", value: "a" },
      { name: "x-bad", value: "a\r\nset-cookie: b" },
      { name: "x-wide", value: "\u4e00" },
      { name: "Content-Length", value: "5" },
      { name: "Transfer-Encoding", value: "chunked" },
      { name: "", value: "a" },
      7,
      null,
    ]
    expect(headersOf({ entries })).toEqual([
      ["X-A", "b"],
      ["x-number", "7"],
      ["x-none", ""],
    ])
    expect(headersOf({ entries: Array(100).fill({ name: "a", value: "b" }) })).toHaveLength(50)
    for (const value of [null, undefined, 7, [], { entries: 7 }]) expect(headersOf(value)).toEqual([])
    expect([statusOf("404"), statusOf(""), statusOf(null), statusOf(Number.NaN)]).toEqual([404, null, null, null])
  })
})

describe("the settings of a form", () => {
  it("have the documented defaults", () => {
    expect(form({})).toMatchObject({
      title: "",
      buttonLabel: "Submit",
      fields: [],
      response: { when: "immediately", text: "Your response has been recorded", redirect: null },
      timeZone: "UTC",
    })
  })

  it("read every type of field", () => {
    const values: JsonValue[] = [
      { fieldLabel: "Name", requiredField: true, placeholder: "Ada", defaultValue: "A" },
      { fieldLabel: "Mail", fieldName: "mail", fieldType: "email" },
      {
        fieldLabel: "Pick",
        fieldType: "dropdown",
        multiselect: true,
        fieldOptions: { values: [{ option: "a" }, { option: "a" }, { option: "" }, 7] },
      },
      {
        fieldLabel: "Tick",
        fieldType: "checkbox",
        limitSelection: "range",
        minSelections: 1,
        maxSelections: 2,
        fieldOptions: { values: [{ option: "x" }] },
      },
      { fieldLabel: "CV", fieldType: "file", acceptFileTypes: ".pdf", multipleFiles: false },
      { fieldType: "hiddenField", fieldName: "from", fieldValue: "mail" },
      { fieldType: "html", html: "<b>hi</b><script>1</script>", elementName: "note" },
      { fieldType: "html", html: "<i>hi</i>" },
      { fieldType: "no such", fieldLabel: "" },
    ]
    const { fields } = form({ formFields: { values } })
    expect(fields.map(({ type, key, input }) => [type, key, input])).toEqual([
      ["text", "Name", "field-0"],
      ["email", "mail", "field-1"],
      ["select", "Pick", "field-2"],
      ["checkboxes", "Tick", "field-3"],
      ["file", "CV", "field-4"],
      ["hidden", "from", "field-5"],
      ["html", "note", "field-6"],
      ["html", null, "field-7"],
      ["text", "field-8", "field-8"],
    ])
    expect(fields[0]).toMatchObject({ required: true, placeholder: "Ada", initial: ["A"] })
    expect(fields[2]).toMatchObject({ multiple: true, options: ["a"] })
    expect(fields[3]).toMatchObject({ multiple: true, choices: { min: 1, max: 2 } })
    expect(fields[4]).toMatchObject({ multiple: false, accept: ".pdf" })
    expect(fields[5]).toMatchObject({ content: "mail" })
    expect(fields[6]).toMatchObject({ content: "<b>hi</b>" })
  })

  it("break lines of the description, and make it safe", () => {
    expect(form({ formDescription: "a\\nb\n<script>1</script><b>c" }).descriptionHtml).toBe("a<br>b<br><b>c</b>")
  })

  it("send on only to addresses of the web", () => {
    const to = (redirectUrl: string) =>
      form({ options: { respondWithOptions: { values: { respondWith: "redirect", redirectUrl } } } }).response
    expect(to("https://a.example/x")).toMatchObject({ redirect: "https://a.example/x" })
    for (const url of ["javascript:alert(1)", "//a.example", "/v1", "data:text/html,x"]) {
      expect(to(url)).toMatchObject({ redirect: null })
    }
  })

  it("tell time in the workflow's zone only where they say so", () => {
    const settings = { timezone: "Europe/Zurich" }
    expect(form({}, settings).timeZone).toBe("UTC")
    expect(form({ options: { useWorkflowTimezone: true } }, settings).timeZone).toBe("Europe/Zurich")
  })

  it("have their path where each version keeps it", () => {
    const pathOf = (parameters: JsonObject) => graphOf("formTrigger", parameters).nodes.map(formPathOf)[0]
    expect(pathOf({ path: "old" })).toBe("old")
    expect(pathOf({ path: "old", options: { path: "new" } })).toBe("new")
    expect(pathOf({ options: { path: "" } })).toBeUndefined()
  })

  it("are bounded", () => {
    const values = Array.from({ length: 1_000 }, () => ({ fieldLabel: "x".repeat(100_000) }))
    const { fields } = form({ formFields: { values } })
    expect(fields).toHaveLength(200)
    expect(fields[0]?.label).toHaveLength(10_000)
  })
})
