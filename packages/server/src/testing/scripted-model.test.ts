import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import OpenAI from "openai"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

let model: ScriptedModel
let client: OpenAI
beforeEach(async () => {
  model = await startScriptedModel()
  client = new OpenAI({ apiKey: "test", baseURL: model.baseUrl, maxRetries: 0 })
})
afterEach(() => model.stop())

const ask = (text: string) => ({ model: "gpt-4o", messages: [{ role: "user" as const, content: text }] })

describe("the scripted model server", () => {
  it("answers the official client with an echo when nothing is scripted", async () => {
    const answer = await client.chat.completions.create(ask("hello"))
    expect(answer.choices[0]?.message.content).toBe("You said: hello")
    expect(answer.usage).toEqual({ prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 })
    expect(model.requests[0]?.headers.authorization).toBe("Bearer test")
  })

  it("streams word by word and ends with the usage that was asked for", async () => {
    const stream = await client.chat.completions.create({
      ...ask("hello"),
      stream: true,
      stream_options: { include_usage: true },
    })
    const pieces: string[] = []
    let usage: unknown
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? "")
      usage = chunk.usage ?? usage
    }
    expect(pieces.filter((piece) => piece !== "")).toEqual(["You", " said:", " hello"])
    expect(usage).toEqual({ prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 })
  })

  it("gives queued answers in order, and those with a match only to requests that fit", async () => {
    model.script([{ text: "for b", match: (request) => request.model === "b" }, { text: "first" }, { text: "second" }])
    const say = async (name: string) =>
      (await client.chat.completions.create({ ...ask("x"), model: name })).choices[0]?.message.content
    expect([await say("a"), await say("b"), await say("a")]).toEqual(["first", "for b", "second"])
    expect(model.pending).toBe(0)
  })

  it("streams tool calls in parts that the official client puts together", async () => {
    model.script([{ toolCalls: [{ name: "look", arguments: { at: "Zürich" } }] }])
    const message = await client.chat.completions.stream(ask("x")).finalMessage()
    expect(message.tool_calls?.[0]).toMatchObject({ function: { name: "look", arguments: '{"at":"Zürich"}' } })
  })

  it("holds a stream at an exact token until it is stepped and released", async () => {
    model.hold(1)
    const stream = await client.chat.completions.create({ ...ask("one two three"), stream: true })
    const pieces: string[] = []
    const reading = (async () => {
      for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content ?? "")
    })()
    await model.whenHeld()
    model.step()
    await model.whenHeld()
    await expect.poll(() => pieces.join("")).toBe("You said:")
    model.release()
    await reading
    expect(pieces.join("")).toBe("You said: one two three")
  })

  it("counts a stream that its client closes as aborted", async () => {
    model.hold(1)
    const stream = await client.chat.completions.create({ ...ask("x"), stream: true })
    await model.whenHeld()
    stream.controller.abort()
    await model.whenAborted()
    expect(model.aborted).toBe(1)
  })

  it("breaks a stream after the chunks that were scripted", async () => {
    model.script([{ text: "one two three", breakAfterChunks: 2 }])
    const stream = await client.chat.completions.create({ ...ask("x"), stream: true })
    let text = ""
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ""
    })()
    await expect(reading).rejects.toThrow()
    expect(text).toBe("one two")
    expect(model.aborted).toBe(0)
  })

  it("answers with a scripted status, body and headers", async () => {
    model.script([{ status: 429, errorBody: { error: { message: "slow down" } }, headers: { "retry-after": "7" } }])
    const failure = await client.chat.completions.create(ask("x")).catch((error: unknown) => error)
    expect(failure).toMatchObject({ status: 429, message: expect.stringContaining("slow down") })
  })

  it("lists its models", async () => {
    const page = await client.models.list()
    expect(page.data.map((entry) => entry.id)).toContain("gpt-4o")
  })
})

describe("the scripted model server as a process", () => {
  it("prints its address and answers there", async () => {
    const main = fileURLToPath(new URL("./scripted-model-main.ts", import.meta.url))
    const child = spawn(process.execPath, ["--conditions=brevet-source", "--import", "tsx", main, "--tokens", "2"], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [line] = (await once(createInterface(child.stdout), "line")) as [string]
    const { base_url } = JSON.parse(line) as { base_url: string }
    const there = new OpenAI({ apiKey: "test", baseURL: base_url })
    const answer = await there.chat.completions.create(ask("x"))
    expect(answer.choices[0]?.message.content).toBe("token0 token1")
    child.kill("SIGTERM")
    expect(await once(child, "exit")).toEqual([0, null])
  })
})
