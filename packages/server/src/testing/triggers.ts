/** What tests of triggers share: arming workflows, and requests to their addresses. */
import type { JsonObject } from "@brevet/core/json"
import { node, type TalkGrounds } from "./talk.ts"

/** What is sent to an address; a body as it goes over the wire. */
export type SentRequest = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | FormData | Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
}

/** What came back. */
export type AddressAnswer = {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  readonly text: string
  /** Of no type: tests read bodies whose form is what they check. */
  readonly json: ReturnType<typeof JSON.parse>
}

/** A webhook node. */
export function hook(parameters: JsonObject, rest: JsonObject = {}): JsonObject {
  return { ...node("Hook", "n8n-nodes-base.webhook", parameters), typeVersion: 2.1, ...rest }
}

/** Speaks to the addresses of a server. */
export function makeTriggerClient(talk: TalkGrounds) {
  const store = async (definition: JsonObject): Promise<string> => {
    const made = await talk.client.call("POST", "/v1/workflows", { body: { name: "Hooked", definition } })
    if (made.status !== 201) throw new Error(`storing answered ${JSON.stringify(made.body)}`)
    return made.body.id
  }
  return {
    store,
    /** Stores a workflow and arms it. */
    async arm(definition: JsonObject): Promise<string> {
      const id = await store(definition)
      const armed = await talk.client.call("PATCH", `/v1/workflows/${id}`, { body: { is_active: true } })
      if (armed.status !== 200) throw new Error(`arming answered ${JSON.stringify(armed.body)}`)
      return id
    },
    /** Sends a request to an address; redirects are not followed. */
    async send(path: string, { method = "GET", headers = {}, body, signal }: SentRequest = {}): Promise<AddressAnswer> {
      const response = await fetch(`${talk.client.url}${path}`, {
        method,
        headers,
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      })
      const bytes = Buffer.from(await response.arrayBuffer())
      const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
      const text = bytes.toString("utf8")
      return {
        status: response.status,
        headers: response.headers,
        bytes,
        text,
        json: isJson && text.trim().split("\n").length === 1 ? JSON.parse(text) : null,
      }
    },
    /** The runs of a workflow, newest first. */
    async runsOf(id: string): Promise<ReturnType<typeof JSON.parse>[]> {
      return (await talk.client.get(`/v1/runs?workflow_id=${id}`)).runs
    },
  }
}
