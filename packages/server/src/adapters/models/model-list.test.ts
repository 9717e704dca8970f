import { expect, it } from "vitest"
import { readModelList } from "./model-list.ts"

it("reads OpenAI's own list without the models that do not chat", () => {
  const data = ["gpt-4o", "gpt-4o-audio-preview", "text-embedding-3-small", "whisper-1", "o3"].map((id) => ({
    id,
    created: 7,
  }))
  expect(readModelList({ data }, { wire: "openai", baseUrl: "https://api.openai.com/v1" })).toEqual([
    { key: "gpt-4o", createdAtMs: 7_000 },
    { key: "o3", createdAtMs: 7_000 },
  ])
})

it("reads a compatible server's list whole, with its windows", () => {
  const data = [{ id: "text-embedding-x" }, { id: "llama", max_model_len: 8192 }, { id: "" }, null]
  expect(readModelList({ data }, { wire: "openai", baseUrl: "http://localhost/v1" })).toEqual([
    { key: "text-embedding-x" },
    { key: "llama", contextWindow: 8192 },
  ])
})

it("reads Anthropic's list", () => {
  const data = [{ type: "model", id: "claude-x", display_name: "Claude X", created_at: "2025-01-01T00:00:00Z" }]
  expect(readModelList({ data }, { wire: "anthropic", baseUrl: "x" })).toEqual([
    { key: "claude-x", name: "Claude X", createdAtMs: 1_735_689_600_000 },
  ])
})

it("reads Google's list without the models that do not generate", () => {
  const models = [
    {
      name: "models/gemini-x",
      displayName: "Gemini X",
      inputTokenLimit: 10,
      outputTokenLimit: 5,
      supportedGenerationMethods: ["generateContent"],
    },
    { name: "models/embedding-x", supportedGenerationMethods: ["embedContent"] },
  ]
  expect(readModelList({ models }, { wire: "google", baseUrl: "x" })).toEqual([
    { key: "gemini-x", name: "Gemini X", contextWindow: 10, maxOutputTokens: 5 },
  ])
})

it("takes anything else for an empty list", () => {
  for (const body of [null, [], {}, { data: "x" }, { data: [1] }]) {
    expect(readModelList(body, { wire: "openai", baseUrl: "x" })).toEqual([])
  }
})
