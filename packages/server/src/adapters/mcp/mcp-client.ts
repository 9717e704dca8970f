/**
 * The MCP client: the protocol is the package's, which is loaded at the first question; the way out is ours, so that every
 * request is judged by the guard, carries the credential only where it may go, and is bounded in size and time.
 *
 *     question ──> initialize ──> tools/list, or tools/call ──> the session is ended
 */
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import type { Client } from "@modelcontextprotocol/client"
import { type McpClient, McpFailure, type McpResult, type McpServer, type McpTool } from "../../ports/mcp-client.ts"
import { type Outbound, OutboundFailure } from "../../ports/outbound.ts"

/** Tools of one server (ours). */
const toolsMax = 500
const answerBytesMax = 8 * 1024 * 1024

/** What a client works with: the way out, and the version under which it names itself. */
export type McpPorts = { readonly outbound: Outbound; readonly version: string }

/** Makes the client. */
export function makeMcpClient(ports: McpPorts): McpClient {
  return {
    list: (server, options) => converse(ports, { server, ...options }, (client) => listTools(client, server)),
    call: (server, tool, options) =>
      converse(ports, { server, ...options }, async (client) => {
        const result = await client.callTool(
          { name: tool.name, arguments: tool.arguments as Record<string, unknown> },
          { timeout: server.timeoutMs, signal: options.signal },
        )
        return resultOf(result)
      }),
  }
}

type Occasion = { readonly server: McpServer; readonly signal: AbortSignal }

/** One session: what is asked in it, and its end. */
async function converse<Answer>(
  { outbound, version }: McpPorts,
  occasion: Occasion,
  ask: (client: Client) => Promise<Answer>,
): Promise<Answer> {
  const { server, signal } = occasion
  signal.throwIfAborted()
  if (!URL.canParse(server.url)) throw new McpFailure("failed", "The address of the MCP server is no address.")
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client")
  const trouble: { first: unknown } = { first: null }
  const transport = new StreamableHTTPClientTransport(new URL(server.url), {
    fetch: (url, init) =>
      fetchOver(outbound, occasion, { url: String(url), init: init ?? {} }).catch((error: unknown) => {
        trouble.first ??= error
        throw error
      }),
  })
  const client = new Client({ name: "brevet", version })
  try {
    await client.connect(transport, { timeout: server.timeoutMs, signal })
    return await ask(client)
  } catch (error) {
    signal.throwIfAborted()
    throw failureOf(trouble.first ?? error)
  } finally {
    // The answer is there: a session that cannot be ended is the server's to forget.
    await transport.terminateSession().catch(() => {})
    await client.close().catch(() => {})
  }
}

function failureOf(error: unknown): McpFailure {
  if (!(error instanceof OutboundFailure)) {
    return new McpFailure("failed", "The MCP server did not answer as the protocol says.", { cause: error })
  }
  return new McpFailure(error.kind === "refused" ? "refused" : "failed", error.message, { cause: error })
}

/** A request of the package as one of ours. */
async function fetchOver(
  outbound: Outbound,
  { server, signal }: Occasion,
  { url, init }: { readonly url: string; readonly init: RequestInit },
): Promise<Response> {
  const method = init.method ?? "GET"
  // Nobody waits here for what a server says by itself.
  if (method === "GET") return new Response(null, { status: 405 })
  const answer = await outbound.send(
    {
      method,
      url,
      headers: [...new Headers(init.headers)],
      secretHeaders: ["mcp-session-id"],
      body: typeof init.body === "string" ? init.body : null,
      credential: server.credential,
      redirectsMax: 0,
      timeoutMs: server.timeoutMs,
      responseBytesMax: answerBytesMax,
    },
    { signal },
  )
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) {
    // The body is decoded already.
    if (name !== "content-encoding" && name !== "content-length" && typeof value === "string") headers.set(name, value)
  }
  const hasBody = answer.status !== 204 && answer.status !== 304 && answer.body.byteLength > 0
  return new Response(hasBody ? new Uint8Array(answer.body) : null, { status: answer.status, headers })
}

async function listTools(client: Client, { timeoutMs }: McpServer): Promise<readonly McpTool[]> {
  const tools: McpTool[] = []
  let cursor: string | undefined
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: timeoutMs })
    for (const { name, description, inputSchema, annotations } of page.tools) {
      tools.push({
        name,
        description: description ?? "",
        parameters: inputSchema as JsonObject,
        mayRepeat: annotations?.readOnlyHint === true || annotations?.idempotentHint === true,
      })
    }
    cursor = page.nextCursor
  } while (cursor !== undefined && tools.length < toolsMax)
  return tools.slice(0, toolsMax)
}

/** The texts of a result; what is no text is named. */
function resultOf(result: { readonly [field: string]: unknown }): McpResult {
  const content = Array.isArray(result.content) ? (result.content as readonly unknown[]) : []
  const texts = content
    .filter(isJsonObject)
    .map((part) => (typeof part.text === "string" ? part.text : `(${part.type})`))
  const structured = texts.length === 0 && isJsonObject(result.structuredContent) ? result.structuredContent : null
  return { text: structured === null ? texts.join("\n") : JSON.stringify(structured), isError: result.isError === true }
}
