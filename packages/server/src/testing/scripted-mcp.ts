/** An MCP server over streamable HTTP with tools that a test writes down: answers as JSON, or as a stream where that is said. */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"

/** A tool of the server. */
export type ScriptedTool = {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: JsonObject
  readonly annotations?: JsonObject
  /** Throws for a failure of the protocol. */
  call(given: JsonObject): JsonObject | Promise<JsonObject>
}

/** The running server. */
export type ScriptedMcp = {
  readonly url: string
  readonly origin: string
  /** Tool calls, in order. */
  readonly calls: { name: string; arguments: JsonValue }[]
  /** The header `authorization` of each request. */
  readonly authorizations: (string | undefined)[]
  stop(): Promise<void>
}

/** Starts a server on a free loopback port. */
export async function startScriptedMcp(
  tools: readonly ScriptedTool[],
  options: { readonly streams?: boolean } = {},
): Promise<ScriptedMcp> {
  const calls: ScriptedMcp["calls"] = []
  const authorizations: ScriptedMcp["authorizations"] = []
  const answer = async (method: string, params: JsonObject): Promise<JsonObject | null> => {
    if (method === "initialize") {
      const protocolVersion = params.protocolVersion ?? "2025-06-18"
      return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "scripted", version: "1" } }
    }
    if (method === "tools/list") {
      return {
        tools: tools.map(({ name, description = "", inputSchema = { type: "object" }, annotations = {} }) => ({
          name,
          description,
          inputSchema,
          annotations,
        })),
      }
    }
    const tool = method === "tools/call" ? tools.find(({ name }) => name === params.name) : undefined
    if (tool === undefined) return null
    calls.push({ name: tool.name, arguments: params.arguments ?? null })
    return tool.call(isJsonObject(params.arguments) ? params.arguments : {})
  }
  const server = createServer(async (request, response) => {
    authorizations.push(request.headers.authorization)
    if (request.method !== "POST") return void response.writeHead(405).end()
    const asked = JSON.parse(await bodyOf(request)) as JsonObject
    if (asked.id === undefined) return void response.writeHead(202).end()
    const result = await answer(String(asked.method), isJsonObject(asked.params) ? asked.params : {})
    const error = { code: -32601, message: "There is no such method" }
    const text = JSON.stringify({ jsonrpc: "2.0", id: asked.id, ...(result === null ? { error } : { result }) })
    if (options.streams === true) {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.end(`event: message\ndata: ${text}\n\n`)
    } else {
      response.writeHead(200, { "content-type": "application/json" })
      response.end(text)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${origin}/mcp`,
    origin,
    calls,
    authorizations,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ""
  for await (const piece of request.setEncoding("utf8")) text += String(piece)
  return text
}
