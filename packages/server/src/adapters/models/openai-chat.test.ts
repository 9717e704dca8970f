import { createModels } from "./create-models.ts"
import { describeModels } from "./models.testsuite.ts"

describeModels("OpenAI's wire", {
  model: "gpt-4o",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ openai: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})

describeModels("a compatible endpoint", {
  model: "local/llama-3",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ compatible: [{ name: "local", baseUrl, apiKey }], modelTimeoutMs: timeoutMs }),
})
