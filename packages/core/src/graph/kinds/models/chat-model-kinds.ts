/** The chat models of n8n, by provider: one row each. */
import type { KindContext, ServantKind } from "../kind.ts"
import { noPorts } from "../ports.ts"
import { type ChatModelPlan, type ChatProvider, checkChatModel, prepareChatModel } from "./chat-model.ts"

const providers: readonly (readonly [kind: string, title: string, provider: ChatProvider])[] = [
  ["lmChatOpenAi", "OpenAI chat model", openAi()],
  [
    "lmChatAnthropic",
    "Anthropic chat model",
    {
      name: "anthropic",
      wire: "anthropic",
      baseUrl: null,
      credentialType: "anthropicApi",
      defaultModel: "claude-sonnet-4-5",
    },
  ],
  [
    "lmChatGoogleGemini",
    "Google Gemini chat model",
    {
      name: "google",
      wire: "google",
      baseUrl: null,
      credentialType: "googlePalmApi",
      defaultModel: "gemini-2.5-flash",
    },
  ],
  [
    "lmChatOpenRouter",
    "OpenRouter chat model",
    {
      name: "openrouter",
      wire: "openai",
      baseUrl: "https://openrouter.ai/api/v1",
      credentialType: "openRouterApi",
      defaultModel: "openai/gpt-4.1-mini",
    },
  ],
  [
    "lmChatOllama",
    "Ollama chat model",
    {
      name: "ollama",
      wire: "openai",
      baseUrl: "http://localhost:11434/v1",
      credentialType: "ollamaApi",
      defaultModel: "llama3.2",
    },
  ],
  [
    "lmChatGroq",
    "Groq chat model",
    {
      name: "groq",
      wire: "openai",
      baseUrl: "https://api.groq.com/openai/v1",
      credentialType: "groqApi",
      defaultModel: "llama3-8b-8192",
    },
  ],
  [
    "lmChatMistralCloud",
    "Mistral chat model",
    {
      name: "mistral",
      wire: "openai",
      baseUrl: "https://api.mistral.ai/v1",
      credentialType: "mistralCloudApi",
      defaultModel: "mistral-small",
    },
  ],
  [
    "lmChatDeepSeek",
    "DeepSeek chat model",
    {
      name: "deepseek",
      wire: "openai",
      baseUrl: "https://api.deepseek.com",
      credentialType: "deepSeekApi",
      defaultModel: "deepseek-chat",
    },
  ],
  [
    "lmChatAzureOpenAi",
    "Azure OpenAI chat model",
    { name: "azure", wire: "openai", baseUrl: null, credentialType: "azureOpenAiApi", defaultModel: null },
  ],
]

function openAi(): ChatProvider {
  return { name: "openai", wire: "openai", baseUrl: null, credentialType: "openAiApi", defaultModel: "gpt-4o-mini" }
}

/** OpenAI, as the node that asks one of its models without another node names it. */
export const openAiProvider: ChatProvider = openAi()

/** The kinds. */
export const chatModelKinds: readonly ServantKind[] = providers.map(([name, title, provider]) => ({
  name,
  types: [`@n8n/n8n-nodes-langchain.${name}`],
  title,
  help: "Says which model the node that it is connected to asks, and with which settings.",
  group: "model",
  effect: "serves",
  inputs: () => noPorts,
  outputs: () => noPorts,
  check: (node, graph) => checkChatModel(node, graph, provider),
}))

const byKind: ReadonlyMap<string, ChatProvider> = new Map(providers.map(([kind, , provider]) => [kind, provider]))

/** What a chat model's node asks for; null where the node is none. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function planOfChatModel(context: KindContext): ChatModelPlan | null {
  const { kind } = context.node
  const provider = kind === null ? undefined : byKind.get(kind)
  return provider === undefined ? null : prepareChatModel(context, provider)
}
