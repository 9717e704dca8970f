/** GraphQL and RSS Read on the whole server. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type HttpTarget, startHttpTarget } from "../testing/http-target.ts"
import { node, useTalkServer, workflow } from "../testing/talk.ts"

const talk = useTalkServer({ BREVET_OUTBOUND_ALLOW: "127.0.0.1/32" })
let target: HttpTarget

beforeAll(async () => {
  target = await startHttpTarget()
})
afterAll(() => target?.close())

/** Runs one node behind a start; its items, and why the run failed. */
async function run(type: string, parameters: JsonObject, items: readonly JsonObject[] = [{ id: 7 }]) {
  const definition = workflow(
    [node("Start", "n8n-nodes-base.manualTrigger"), { ...node("Ask", type, parameters), typeVersion: 1.1 }],
    [["Start", "Ask"]],
  )
  const stored = await talk.client.call("POST", "/v1/workflows", { body: { name: "Kinds", definition } })
  const given = items.map((json) => ({ json }))
  await talk.client.call("POST", `/v1/workflows/${stored.body.id}/execute`, { body: { items: given } })
  const { runs } = await talk.client.get(`/v1/runs?workflow_id=${stored.body.id}`)
  const { error } = await talk.client.get(`/v1/runs/${runs[0].id}`)
  const { nodes } = await talk.client.get(`/v1/runs/${runs[0].id}/nodes`)
  const ask = nodes.find(({ name }: { name: string }) => name === "Ask")
  return {
    outputs: ask?.executions[0]?.outputs,
    error: error === null ? null : `${error.details.cause_code}: ${error.message}`,
  }
}

describe("GraphQL", () => {
  const type = "n8n-nodes-base.graphql"

  it("sends its query with variables, and gives the answer", async () => {
    const { outputs, error } = await run(type, {
      endpoint: `${target.url}/graphql`,
      query: "=query { user(id: {{ $json.id }}) { name } }",
      variables: '={"id": {{ $json.id }}}',
      headerParametersUi: { parameter: [{ name: "X-Own", value: "yes" }] },
    })
    expect(error).toBeNull()
    const request = target.seen.at(-1)
    expect(JSON.parse(request?.body.toString() ?? "")).toEqual({
      query: "query { user(id: 7) { name } }",
      variables: { id: 7 },
      operationName: null,
    })
    expect(request?.headers).toMatchObject({ "content-type": "application/json", "x-own": "yes" })
    expect(outputs[0]).toHaveLength(1)
    await run(type, { endpoint: `${target.url}/graphql`, requestMethod: "GET", query: "{ a }" })
    expect(target.seen.at(-1)).toMatchObject({ method: "GET", url: "/graphql?query=%7B%20a%20%7D" })
  })

  it("fails with the errors that an answer tells of", async () => {
    target.on("/errors", (_request, response) => {
      const body = { data: null, errors: [{ message: "no such field" }, "and more"] }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
    })
    const { error } = await run(type, { endpoint: `${target.url}/errors`, query: "{ a }" })
    expect(error).toBe("HTTP_ERROR: The endpoint answered with errors: no such field; and more")
  })
})

describe("RSS Read", () => {
  it("makes an item of each entry, and fails on what is no feed", async () => {
    const feed = "<rss><channel><item><title>A</title></item><item><title>B</title></item></channel></rss>"
    target.on("/feed", (_request, response) => void response.writeHead(200, { "content-type": "text/xml" }).end(feed))
    const url = `=${target.url}/feed?id={{ $json.id }}`
    const { outputs } = await run("n8n-nodes-base.rssFeedRead", { url }, [{ id: 1 }, { id: 2 }])
    expect(outputs).toEqual([[{ title: "A" }, { title: "B" }, { title: "A" }, { title: "B" }]])
    const { error } = await run("n8n-nodes-base.rssFeedRead", { url: `${target.url}/page` })
    expect(error).toMatch(/^HTTP_ERROR: The answer is no feed/)
  })
})
