import { afterAll, beforeAll, expect, it } from "vitest"
import type { ReadinessState } from "../ports/readiness.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { readHealth } from "./health.ts"
import { listModels, modelIdOf } from "./models.ts"

let test: TestContext
beforeAll(async () => {
  test = await makeTestContext()
})
afterAll(() => test.close())

const read = (state: ReadinessState) => readHealth({ ...test.cx, readiness: { state: () => state } })

it("is ok when the process is ready and the store answers", async () => {
  expect(await read("ready")).toEqual({
    status: "ok",
    components: [
      { name: "server", status: "ok", details: "ready" },
      { name: "store", status: "ok", details: null },
      { name: "models", status: "ok", details: "demo" },
    ],
  })
})

it("is unavailable while starting and while draining", async () => {
  for (const state of ["starting", "draining"] as const) {
    expect(await read(state)).toMatchObject({ status: "unavailable", components: [{ details: state }, {}, {}] })
  }
})

it("is unavailable when the store is away, and says so", async () => {
  const gone = await makeTestContext()
  await gone.close()
  const health = await readHealth({ ...gone.cx, readiness: { state: () => "ready" } })
  expect(health.status).toBe("unavailable")
  expect(health.components[1]).toEqual({ name: "store", status: "unavailable", details: "cannot be reached" })
})

it("lists models with ids that stay the same, deprecated ones only where they are asked for", async () => {
  const model = { name: "A", provider: "p", description: "", capabilities: [], contextWindow: null }
  const about = { ...model, maxOutputTokens: null, createdAtMs: 0 }
  const models = {
    ...test.cx.models,
    list: async () => [
      { ...about, key: "a", isDeprecated: false },
      { ...about, key: "b", isDeprecated: true },
    ],
  }
  const cx = { ...test.cx, models }
  expect((await listModels(cx, { includeDeprecated: false })).map(({ id }) => id)).toEqual([modelIdOf("a")])
  expect((await listModels(cx, { includeDeprecated: true })).map(({ key }) => key)).toEqual(["a", "b"])
  expect(modelIdOf("a")).toMatch(/^mdl_[0-9a-f]{32}$/)
})
