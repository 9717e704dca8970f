import { threadCreateBody } from "@brevet/core/contract/threads"
import { Refusal } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { createModels } from "../adapters/models/create-models.ts"
import type { Context } from "../ports/context.ts"
import type { Models } from "../ports/models.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { type ScriptedModel, startScriptedModel } from "../testing/scripted-model.ts"
import { storeMessage } from "../testing/stored-conversation.ts"
import { generateThreadName, type NameRequest, type SaidMessage } from "./thread-name.ts"
import { createThread, getThread } from "./threads.ts"

let test: TestContext
beforeAll(async () => {
  test = await makeTestContext()
})
afterAll(() => test.close())

async function makeThread(context: Context, ...texts: readonly string[]): Promise<Id<"thread">> {
  const { id } = await createThread(context, threadCreateBody.parse({}))
  for (const [place, content] of texts.entries()) {
    const role = place % 2 === 0 ? "user" : "assistant"
    await storeMessage(test, { threadId: id, turn: 1 + Math.floor(place / 2), ordinal: place % 2, role, content })
  }
  return id
}

async function refusalOf(work: Promise<unknown>): Promise<Refusal | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

describe("the name of a thread where no model is configured", () => {
  const name = async (threadId: Id<"thread">, said: readonly SaidMessage[] | null = null) =>
    (await generateThreadName(test.cx, threadId, { messages: said })).title

  it("is cut from the first thing that the user said, and stored", async () => {
    const threadId = await makeThread(test.cx, "What is the height of the Eiger?", "3,967 metres.", "And the Mönch?")
    expect(await name(threadId)).toBe("What is the height of the Eiger?")
    const thread = await getThread(test.cx, threadId)
    expect(thread).toMatchObject({ title: "What is the height of the Eiger?" })
    const { revision } = thread
    expect(await name(threadId)).toBe(thread.title)
    expect((await getThread(test.cx, threadId)).revision).toBe(revision)
  })

  it("is made from the messages given where some are, whatever the thread holds", async () => {
    const threadId = await makeThread(test.cx, "Stored")
    const said: SaidMessage[] = [
      { role: "assistant", content: "Welcome" },
      { role: "user", content: "Given" },
    ]
    expect(await name(threadId, said)).toBe("Given")
    expect(await name(await makeThread(test.cx), said)).toBe("Given")
  })

  it("takes what there is: answers where users said nothing that can be read, else a word of its own", async () => {
    expect(await name(await makeThread(test.cx, " \n", "An answer"))).toBe("An answer")
    expect(await name(await makeThread(test.cx, "\0\ud800"))).toBe("New conversation")
  })

  it("leaves out deleted messages", async () => {
    const threadId = await makeThread(test.cx, "Secret", "Answer", "Public")
    const [first] = await test.cx.store.messages.list(threadId, { direction: "asc", limit: 1 })
    if (first !== undefined) await test.cx.store.messages.softDelete({ threadId, id: first.id }, { atMs: 0 })
    expect(await name(threadId)).toBe("Public")
  })

  it("is refused where nothing was said, and for threads that are not there", async () => {
    const empty = await makeThread(test.cx)
    expect(await refusalOf(name(empty))).toMatchObject({
      code: "VALIDATION_ERROR",
      details: { fields: [{ field: "messages" }] },
    })
    expect((await refusalOf(name(empty, [])))?.code).toBe("VALIDATION_ERROR")
    const other = await test.makeOtherTenant()
    expect((await refusalOf(name(await makeThread(other, "x"))))?.code).toBe("THREAD_NOT_FOUND")
  })
})

describe("the name of a thread where a model is configured", () => {
  let model: ScriptedModel
  let models: Models
  let cx: Context
  beforeEach(async () => {
    model = await startScriptedModel()
    models = createModels({ modelTimeoutMs: 10_000, openai: { apiKey: "k", baseUrl: model.baseUrl } })
    cx = { ...test.cx, models }
  })
  afterEach(async () => {
    await models.close()
    await model.stop()
  })
  const name = async (threadId: Id<"thread">, request: Partial<NameRequest> = {}) =>
    (await generateThreadName(cx, threadId, { messages: null, ...request })).title

  it("is the default model's, freed of what models add", async () => {
    model.script([{ text: 'Title: "Height of the Eiger."' }])
    const threadId = await makeThread(cx, "What is the height of the Eiger?", "3,967 metres.")
    expect(await name(threadId)).toBe("Height of the Eiger")
    expect((await getThread(cx, threadId)).title).toBe("Height of the Eiger")
    const [request] = model.requests
    expect(request?.model).toBe(models.defaultModel())
    const asked = JSON.stringify(request?.messages)
    expect(asked).toContain("What is the height of the Eiger?")
    expect(asked).toContain("3,967 metres.")
  })

  it("shows the model the first ten messages, and of long ones the beginning", async () => {
    const texts = Array.from({ length: 14 }, (_, place) => `message-${place} ${"x".repeat(5_000)}`)
    await name(await makeThread(cx, ...texts))
    const asked = JSON.stringify(model.requests[0]?.messages)
    expect(asked).toContain("message-9 ")
    expect(asked).not.toContain("message-10 ")
    expect(asked.length).toBeLessThan(12_000)
  })

  it.each([
    ["answers with an error", { status: 500 }],
    ["refuses our key", { status: 401 }],
    ["has too much to do", { status: 429 }],
    ["breaks off", { text: "A title", breakAfterChunks: 1 }],
    ["says nothing", { text: "" }],
    ["says nothing of use", { text: '"..."' }],
  ])("is cut from the text where the model %s", async (_, answer) => {
    model.script([{ ...answer, times: 10 }])
    expect(await name(await makeThread(cx, "What is the height of the Eiger?"))).toBe(
      "What is the height of the Eiger?",
    )
  })

  it("does not read on where the model tells a story", async () => {
    const chunks = ["A long story ", ...Array.from({ length: 500 }, () => "and on and on ")]
    model.script([{ chunks, holdAfterChunks: 100 }])
    const title = await name(await makeThread(cx, "Tell"))
    expect(title).toBe("A long story and on and on and on and on and on")
    await model.whenAborted()
  })

  it("is cut from the text where the model goes on for too long, and its call ends", async () => {
    model.script([{ chunks: ["A ", "title"], hangAfterChunks: 1 }])
    expect(await name(await makeThread(cx, "Be quick"), { modelWaitMs: 100 })).toBe("Be quick")
    await model.whenAborted()
  })
})
