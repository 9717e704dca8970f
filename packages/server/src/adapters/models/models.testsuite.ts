/** What every provider must do, whatever its wire: run against the scripted model server. */
import { createServer } from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type ModelEvent, ModelFailure, type ModelRequest, type Models } from "../../ports/models.ts"
import { type ScriptedModel, startScriptedModel } from "../../testing/scripted-model.ts"

/** A provider under test: a key of its models, and how it is configured for an address. */
export type ModelsSubject = {
  readonly model: string
  make(server: Pick<ScriptedModel, "baseUrl" | "googleBaseUrl">, options: { timeoutMs: number; apiKey: string }): Models
}

const secret = "sk-test-0123456789abcdef"
const generousMs = 30_000
const shortMs = 150
const slowReaderMs = 500

/** Declares the suite. */
export function describeModels(name: string, subject: ModelsSubject): void {
  let server: ScriptedModel
  let models: Models
  beforeEach(async () => {
    server = await startScriptedModel()
    models = subject.make(server, { timeoutMs: generousMs, apiKey: secret })
  })
  afterEach(async () => {
    await models.close()
    await server.stop()
  })

  const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
    model: subject.model,
    messages: [{ role: "user", text: "hello" }],
    ...more,
  })
  const ask = (more: Partial<ModelRequest> = {}) =>
    read(models.stream(request(more), { signal: new AbortController().signal }))

  describe(`${name}: answers`, () => {
    it("streams the text piece by piece and ends with reason, usage and model", async () => {
      server.script([{ text: "one two three", usage: { inputTokens: 11, outputTokens: 3 } }])
      expect(await ask()).toEqual([
        { type: "text", text: "one" },
        { type: "text", text: " two" },
        { type: "text", text: " three" },
        {
          type: "finish",
          reason: "stop",
          usage: { inputTokens: 11, outputTokens: 3, totalTokens: 14 },
          model: subject.model.split("/").at(-1),
        },
      ])
    })

    it("shows a piece before the next one has come", async () => {
      server.script([{ text: "one two", holdAfterChunks: 1 }])
      const stream = models.stream(request(), { signal: new AbortController().signal })[Symbol.asyncIterator]()
      expect(await stream.next()).toEqual({ value: { type: "text", text: "one" }, done: false })
      await server.whenHeld()
      server.release()
      expect(await stream.next()).toEqual({ value: { type: "text", text: " two" }, done: false })
      await stream.return?.()
    })

    it("takes an empty answer for an answer", async () => {
      server.script([{}])
      const events = await ask()
      expect(events).toEqual([expect.objectContaining({ type: "finish", reason: "stop" })])
    })

    it("puts characters together that were cut in the middle", async () => {
      const text = 'Grüezi "Zürich" 日本 👩‍👩‍👧‍👦 \\ end\n'
      server.script([{ chunks: [...text], sliceBytes: 1 }])
      expect(textOf(await ask())).toBe(text)
    })

    it("says that the answer was cut at the limit", async () => {
      server.script([{ text: "one", finishReason: "length" }])
      expect((await ask()).at(-1)).toMatchObject({ type: "finish", reason: "length" })
    })

    it("gives tool calls whole, after the text", async () => {
      const toolCalls = [
        { id: "call_a", name: "look", arguments: { at: "Zürich", deep: { list: [1, null] } } },
        { id: "call_b", name: "wait", arguments: {} },
      ]
      server.script([{ text: "Let me see", toolCalls }])
      const events = await ask({ tools: [{ name: "look", parameters: { type: "object" } }] })
      const calls = events.flatMap((event) => (event.type === "tool-call" ? [event.call] : []))
      expect(calls.map((call) => [call.name, call.arguments])).toEqual([
        ["look", { at: "Zürich", deep: { list: [1, null] } }],
        ["wait", {}],
      ])
      expect(new Set(calls.map((call) => call.id)).size).toBe(2)
      expect(textOf(events)).toBe("Let me see")
      expect(events.at(-1)).toMatchObject({ type: "finish", reason: "tool-calls" })
    })

    it("sends a whole conversation with tools", async () => {
      await ask({
        messages: [
          { role: "system", text: "Be brief" },
          { role: "user", text: "Weather?" },
          { role: "assistant", text: "", toolCalls: [{ id: "call_1", name: "look", arguments: { at: "Bern" } }] },
          { role: "tool", toolCallId: "call_1", name: "look", result: "sunny" },
        ],
        settings: { temperature: 0.25, maxOutputTokens: 77, stop: ["END"] },
        tools: [{ name: "look", description: "Looks", parameters: { type: "object", properties: {} } }],
      })
      const body = JSON.stringify(server.requests[0]?.body)
      for (const part of ["Be brief", "Weather?", "Bern", "sunny", "Looks", "0.25", "77", "END"]) {
        expect(body).toContain(part)
      }
    })

    it("uses its connections again", async () => {
      for (let call = 0; call < 8; call++) await ask()
      expect(server.connections).toBeLessThan(4)
    })
  })

  describe(`${name}: ends before the answer does`, () => {
    it("closes the connection at once when the signal is aborted, and throws the signal's reason", async () => {
      server.script([{ text: "one two", holdAfterChunks: 1 }])
      const controller = new AbortController()
      const stream = models.stream(request(), { signal: controller.signal })[Symbol.asyncIterator]()
      await stream.next()
      const next = stream.next()
      controller.abort(new Error("enough"))
      await expect(next).rejects.toThrow("enough")
      await server.whenAborted()
    })

    it("closes the connection when the signal is aborted before the first token", async () => {
      server.script([{ text: "one", holdAfterChunks: 0 }])
      const controller = new AbortController()
      const next = models.stream(request(), { signal: controller.signal })[Symbol.asyncIterator]().next()
      await server.whenHeld()
      controller.abort(new Error("enough"))
      await expect(next).rejects.toThrow("enough")
      await server.whenAborted()
    })

    it("makes no call for a signal that is already aborted", async () => {
      const stream = models.stream(request(), { signal: AbortSignal.abort(new Error("enough")) })
      await expect(read(stream)).rejects.toThrow("enough")
      expect(server.calls).toBe(0)
    })

    it("closes the connection when the reader stops reading", async () => {
      server.script([{ text: "one two", holdAfterChunks: 1 }])
      for await (const event of models.stream(request(), { signal: new AbortController().signal })) {
        expect(event).toEqual({ type: "text", text: "one" })
        break
      }
      await server.whenAborted()
    })
  })

  describe(`${name}: failures`, () => {
    const failure = async (more: Partial<ModelRequest> = {}): Promise<ModelFailure> => {
      const error = await ask(more).then(
        () => new Error("it answered"),
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(ModelFailure)
      const found = error as ModelFailure
      expect(found.message).not.toContain(secret)
      expect(found.message).not.toMatch(/https?:|127\.0\.0\.1/)
      return found
    }

    it.each([
      [400, "refused"],
      [401, "error"],
      [403, "error"],
      [429, "unavailable"],
      [500, "error"],
      [503, "error"],
    ])("an answer with status %i is of kind %s", async (status, kind) => {
      server.script([{ status }])
      expect(await failure()).toMatchObject({ kind, status })
    })

    it("a missing model is not found", async () => {
      server.script([{ status: 404, errorBody: notFoundBody }])
      expect(await failure()).toMatchObject({ kind: "not-found", status: 404 })
    })

    it("tells how long to wait after 429", async () => {
      server.script([{ status: 429, headers: { "retry-after": "7" } }])
      expect(await failure()).toMatchObject({ kind: "unavailable", retryAfterSeconds: 7 })
    })

    it("keeps the key and addresses out of what the provider says", async () => {
      const message = `bad value near ${secret} and sk-abcdefgh12345678, see http://10.0.0.1/x?key=1`
      server.script([
        { status: 400, errorBody: { error: { message, type: "x", code: 400, status: "x" }, type: "error" } },
      ])
      const found = await failure()
      expect(found).toMatchObject({ kind: "refused" })
      expect(found.message).toContain("bad value near")
      expect(found.message).not.toContain("sk-")
    })

    it("a body that is no JSON does not hide the status", async () => {
      server.script([{ status: 502, errorBody: "<html>Bad gateway</html>" }])
      expect(await failure()).toMatchObject({ kind: "error", status: 502 })
    })

    it("a refusal of the content is a refusal", async () => {
      server.script([{ refusal: "I will not" }])
      expect(await failure()).toMatchObject({ kind: "refused" })
    })

    it("nobody listening means unavailable", async () => {
      const port = await freePort()
      await models.close()
      const nowhere = { baseUrl: `http://127.0.0.1:${port}/v1`, googleBaseUrl: `http://127.0.0.1:${port}/v1beta` }
      models = subject.make(nowhere, { timeoutMs: generousMs, apiKey: secret })
      expect(await failure()).toMatchObject({ kind: "unavailable" })
    })

    it.each([0, 1, 2])("a stream that breaks after %i pieces fails after what was shown", async (breakAfterChunks) => {
      server.script([{ text: "one two three", breakAfterChunks }])
      const seen: ModelEvent[] = []
      const reading = (async () => {
        for await (const event of models.stream(request(), { signal: new AbortController().signal })) seen.push(event)
      })()
      await expect(reading).rejects.toMatchObject({ name: "ModelFailure", kind: "error" })
      expect(textOf(seen)).toBe(["", "one", "one two"][breakAfterChunks])
    })

    it("a stream that ends cleanly in the middle is broken too", async () => {
      server.script([{ rawBody: "" }])
      expect(await failure()).toMatchObject({ kind: "error" })
    })

    it("a stream that is no stream of events is broken", async () => {
      server.script([{ rawBody: "<html>Welcome to the hotel network</html>" }])
      expect(await failure()).toMatchObject({ kind: "error" })
    })

    it.each([0, 1])("silence after %i pieces is a time-out, and closes the connection", async (hangAfterChunks) => {
      await models.close()
      models = subject.make(server, { timeoutMs: shortMs, apiKey: secret })
      server.script([{ text: "one two", hangAfterChunks }])
      expect(await failure()).toMatchObject({ kind: "timeout" })
      await server.whenAborted()
    })

    it("silence before the status line is a time-out", async () => {
      await models.close()
      models = subject.make(server, { timeoutMs: shortMs, apiKey: secret })
      server.script([{ delayMs: generousMs }])
      expect(await failure()).toMatchObject({ kind: "timeout" })
    })

    it("a slow reader is not a silent model", async () => {
      await models.close()
      models = subject.make(server, { timeoutMs: slowReaderMs, apiKey: secret })
      server.script([{ text: "one two three" }])
      const texts: string[] = []
      for await (const event of models.stream(request(), { signal: new AbortController().signal })) {
        if (event.type === "text") texts.push(event.text)
        if (texts.length === 1) await new Promise((resolve) => setTimeout(resolve, slowReaderMs * 2))
      }
      expect(texts.join("")).toBe("one two three")
    })
  })
}

const notFoundBody = {
  type: "error",
  error: { type: "not_found_error", code: 404, status: "NOT_FOUND", message: "no such model" },
}

/** Reads a stream to its end. */
export async function read(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** The text of the events. */
export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("")
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === "object" && address !== null ? address.port : 0
}
