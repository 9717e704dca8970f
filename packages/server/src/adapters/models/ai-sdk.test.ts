import { createModels } from "./create-models.ts"
import { describeModels } from "./models.testsuite.ts"

describeModels("Anthropic's wire", {
  model: "claude-sonnet-4-5",
  make: ({ baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ anthropic: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})

describeModels("Google's wire", {
  model: "gemini-2.5-flash",
  make: ({ googleBaseUrl: baseUrl }, { timeoutMs, apiKey }) =>
    createModels({ google: { apiKey, baseUrl }, modelTimeoutMs: timeoutMs }),
})
