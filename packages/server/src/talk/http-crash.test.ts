/** Requests that are under way when the process is killed: what may be asked twice is, and nothing else. */
import type { JsonObject } from "@brevet/core/json"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type HttpTarget, startHttpTarget } from "../testing/http-target.ts"
import { type SpawnedServer, spawnTestServer } from "../testing/server.ts"
import { node, until, workflow } from "../testing/talk.ts"

let target: HttpTarget
let server: SpawnedServer
let isHolding = true

beforeAll(async () => {
  target = await startHttpTarget()
  server = await spawnTestServer({ BREVET_OUTBOUND_ALLOW: target.host })
})
afterAll(async () => {
  await server?.close()
  await target?.close()
})

/** Starts a run of one HTTP node whose requests to `/hold` get no answer before the crash. */
async function begin(parameters: JsonObject, items: readonly JsonObject[] = [{ path: "hold" }]): Promise<string> {
  const url = `=${target.url}/{{ $json.path }}?of=${parameters.url}`
  const asking = { ...node("Http", "n8n-nodes-base.httpRequest", { ...parameters, url }), typeVersion: 4.2 }
  // Whatever the node says of failures: this one is for a person.
  const rules = { retryOnFail: true, maxTries: 3, waitBetweenTries: 0, onError: "continueRegularOutput" }
  const start = node("Start", "n8n-nodes-base.manualTrigger")
  const definition = workflow([start, { ...asking, ...rules }], [["Start", "Http"]])
  const stored = await server.client.call("POST", "/v1/workflows", { body: { name: "Crash", definition } })
  const given = items.map((json) => ({ json }))
  const { body } = await server.client.call("POST", `/v1/workflows/${stored.body.id}/execute`, {
    body: { items: given, return_mode: "poll" },
  })
  return body.run_id
}

async function ended(runId: string) {
  return until(async () => {
    const { body } = await server.client.call("GET", `/v1/runs/${runId}`)
    return /completed|failed|cancelled/.test(body.status) && body
  }, `the end of ${runId}`)
}

const askedOf = (name: string) => target.seen.filter(({ url }) => url.endsWith(`?of=${name}`))

it("are repeated where their method may be, or where they carry our key; otherwise their run fails and says why", async () => {
  target.on("/hold", (_request, response) => {
    if (!isHolding) response.writeHead(200, { "content-type": "application/json" }).end('{"done": true}')
  })
  const batching = { batching: { batch: { batchSize: 1, batchInterval: 0 } } }
  const runs = {
    get: await begin({ method: "GET", url: "get" }),
    put: await begin({ method: "PUT", url: "put" }),
    post: await begin({ method: "POST", url: "post" }),
    keyed: await begin({ method: "POST", url: "keyed", options: { idempotencyKey: true } }),
    second: await begin({ method: "PATCH", url: "second", options: batching }, [{ path: "done" }, { path: "hold" }]),
  }
  const names = Object.keys(runs) as (keyof typeof runs)[]
  await until(() => names.every((name) => askedOf(name).some(({ url }) => url.includes("/hold"))), "all requests")
  // What may be repeated need not be in the store before it is asked; the runs themselves are by now.
  for (const id of Object.values(runs)) {
    await until(async () => (await server.client.call("GET", `/v1/runs/${id}`)).status === 200, "the run")
  }
  await server.kill()
  isHolding = false
  await server.restart()
  const ends = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await ended(runs[name])] as const)),
  )
  for (const name of ["get", "put", "keyed"] as const) {
    expect(ends[name].status, name).toBe("completed")
    expect(askedOf(name), name).toHaveLength(2)
  }
  const keys = askedOf("keyed").map(({ headers }) => headers["idempotency-key"])
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0]])
  expect(askedOf("get").map(({ headers }) => headers["idempotency-key"])).toEqual([undefined, undefined])
  for (const name of ["post", "second"] as const) {
    expect(ends[name].error.details, name).toMatchObject({ node: "Http", cause_code: "NODE_OUTCOME_UNKNOWN" })
  }
  expect(askedOf("post")).toHaveLength(1)
  expect(askedOf("second").map(({ url }) => url.split("?")[0])).toEqual(["/done", "/hold"])
})
