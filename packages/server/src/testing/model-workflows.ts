/** Workflows whose nodes ask models, as tests write them, and runs of them that are waited for. */
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { type ContractClient, node } from "./talk.ts"

/** What stands before the type names of nodes that ask models. */
export const langchain = "@n8n/n8n-nodes-langchain."

/** A node that serves another one: `[from, to, kind]`. */
export type Serving = readonly [from: string, to: string, type: string]

/** A definition with nodes that serve others; of several at one node the order is that of its inputs. */
export function served(definition: JsonObject, serving: readonly Serving[]): JsonObject {
  const connections = structuredClone(definition.connections) as Record<string, Record<string, JsonValue[][]>>
  for (const [from, to, type] of serving) {
    const beside = serving.filter((one) => one[1] === to && one[2] === type)
    const outputs = connections[from] ?? {}
    const targets = outputs[type]?.[0] ?? []
    targets.push({ node: to, type, index: beside.findIndex((one) => one[0] === from) })
    connections[from] = { ...outputs, [type]: [targets] }
  }
  return { ...definition, connections: connections as JsonValue }
}

/** The node in a version. */
export function versioned(entry: JsonObject, typeVersion: number): JsonObject {
  return { ...entry, typeVersion }
}

/** A chat model of OpenAI's wire, which the scripted server answers. */
export function modelNode(name = "Model", parameters: JsonObject = {}): JsonObject {
  return versioned(node(name, `${langchain}lmChatOpenAi`, { model: "gpt-4o", ...parameters }), 1.2)
}

/** Stores a workflow and runs it to its end: the run, and the outputs of a node's last execution. */
export async function runToEnd(client: ContractClient, definition: JsonObject, name: string) {
  const made = await client.call("POST", "/v1/workflows", { body: { name: "Asking", definition } })
  if (made.status !== 201) throw new Error(`creating answered ${JSON.stringify(made.body)}`)
  const { id } = made.body
  await client.call("POST", `/v1/workflows/${id}/execute`, { body: {} })
  const [{ id: runId }] = (await client.get(`/v1/runs?workflow_id=${id}`)).runs
  const { nodes } = await client.get(`/v1/runs/${runId}/nodes`)
  const view = nodes.find((one: JsonObject) => one.name === name)
  return { run: await client.get(`/v1/runs/${runId}`), outputs: view?.executions.at(-1)?.outputs }
}
