/** Tools of MCP servers, as a client asks for them over streamable HTTP. All requests go through the guard. */
import type { JsonObject } from "@brevet/core/json"
import type { OutboundCredential } from "./outbound.ts"

/** A server, and how it is asked. */
export type McpServer = {
  readonly url: string
  readonly credential: OutboundCredential | null
  /** Until a request is answered. */
  readonly timeoutMs: number
}

/** A tool that a server offers. */
export type McpTool = {
  readonly name: string
  readonly description: string
  /** JSON Schema of its arguments. */
  readonly parameters: JsonObject
  /** The server says that a call changes nothing, or nothing more when it comes twice. */
  readonly mayRepeat: boolean
}

/** What a tool gave: its texts, and whether the server calls it a failure. */
export type McpResult = { readonly text: string; readonly isError: boolean }

/** A server that could not be asked. The message is safe to show. `refused`: the guard did not let the request go. */
export class McpFailure extends Error {
  readonly kind: "refused" | "failed"

  constructor(kind: "refused" | "failed", message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.name = "McpFailure"
    this.kind = kind
  }
}

/** Asks MCP servers. Each question is a session of its own. Throws McpFailure, and the signal's reason once it is aborted. */
export interface McpClient {
  list(server: McpServer, options: { readonly signal: AbortSignal }): Promise<readonly McpTool[]>
  call(
    server: McpServer,
    tool: { readonly name: string; readonly arguments: JsonObject },
    options: { readonly signal: AbortSignal },
  ): Promise<McpResult>
}
