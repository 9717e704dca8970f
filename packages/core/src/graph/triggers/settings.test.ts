import { describe, expect, it } from "vitest"
import type { JsonObject, JsonValue } from "../../json.ts"
import { readDefinition } from "../read.ts"
import { readAuthentication } from "./authentication.ts"
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
