/** Runs the five lines of the README in a shell, as they stand there but for the address and the key of the server. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startTestServer, type TestServer, testKey } from "../packages/server/src/testing/server.ts"

const run = promisify(execFile)
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

describe("the five lines of the README", () => {
  const block = /## From a workflow[\s\S]*?```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? ""

  it("are five", () => {
    expect(block.trim().split("\n")).toHaveLength(5)
  })

  it("store a workflow, promote it, and talk to it whole and word by word, twice in a row", async () => {
    const script = block
      .replace("$(cat .brevet/first-api-key)", testKey)
      .replace("http://127.0.0.1:8787", server.client.url)
    for (let time = 0; time < 2; time += 1) {
      const { stdout } = await run("bash", ["-eu", "-c", script])
      expect(stdout).toContain('"text":"You said: Hello!"')
      expect(stdout).toContain('"event":"response.completed"')
      expect(stdout.trimEnd().endsWith("data: [DONE]")).toBe(true)
    }
    const list = await server.client.call("GET", "/v1/workflows?external_id=helper")
    expect(list.body.total).toBe(1)
  })
})
