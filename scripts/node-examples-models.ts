/** The examples of kinds that talk to language models, and of those that serve them. */
import type { JsonObject } from "../packages/core/src/json.ts"

/** The example of a kind. `inputs`: json of items per input; absent for kinds whose outcome depends on the world. */
export type NodeExample = {
  readonly typeVersion?: number
  readonly parameters: JsonObject
  readonly inputs?: readonly (readonly JsonObject[])[]
  /** Meanings by name; names in dots are those within an object. */
  readonly settings: Readonly<Record<string, string>>
}

const model = { model: { __rl: true, mode: "list", value: "gpt-4o-mini" }, options: { temperature: 0.2 } }
const chatModel: NodeExample = {
  parameters: model,
  settings: {
    model: "the key of the model, as its provider names it",
    "options.temperature": "how free the model is",
    "options.maxTokens": "the longest answer, in tokens",
    credentials: "the credential of the provider; without one the server's own key of that provider",
  },
}
const memory: NodeExample = {
  parameters: { sessionIdType: "fromInput", contextWindowLength: 5 },
  settings: {
    sessionIdType: "`fromInput`: the session of the chat; `customKey`: the one of `sessionKey`, apart from the thread",
    sessionKey: "the key of the session",
    contextWindowLength: "how many of the last exchanges are seen",
  },
}
const prompt = {
  promptType: "`auto`: `chatInput` of the item; `define`: the text of `text`",
  text: "what is asked, mostly an expression",
}

/** Examples by the name of the kind. */
export const modelNodeExamples: Readonly<Record<string, NodeExample>> = {
  agent: {
    typeVersion: 2.2,
    parameters: { promptType: "auto", options: { systemMessage: "You help customers." } },
    settings: {
      ...prompt,
      "options.systemMessage": "the system prompt",
      "options.maxIterations": "how often the model may be asked",
      hasOutputParser: "whether a parser is connected",
    },
  },
  chainLlm: {
    typeVersion: 1.7,
    parameters: { promptType: "define", text: "=Praise {{ $json.name }}" },
    settings: {
      ...prompt,
      "messages.messageValues": "messages before the prompt: system, user, assistant",
      hasOutputParser: "whether a parser is connected",
    },
  },
  openAi: {
    typeVersion: 1.8,
    parameters: {
      modelId: { __rl: true, mode: "list", value: "gpt-4o-mini" },
      messages: { values: [{ content: "={{ $json.chatInput }}", role: "user" }] },
      options: {},
    },
    settings: {
      modelId: "the model",
      "messages.values": "the messages that are sent",
      jsonOutput: "whether the answer is parsed as JSON",
    },
  },
  informationExtractor: {
    typeVersion: 1.2,
    parameters: {
      text: "={{ $json.chatInput }}",
      attributes: { attributes: [{ name: "city", description: "Where to", required: true }] },
      options: {},
    },
    settings: {
      text: "what is read",
      schemaType: "`fromAttributes`, `fromJson` (an example) or `manual` (a JSON Schema)",
      attributes: "the fields that are looked for",
    },
  },
  textClassifier: {
    typeVersion: 1.1,
    parameters: {
      inputText: "={{ $json.chatInput }}",
      categories: {
        categories: [
          { category: "refund", description: "Wants money back" },
          { category: "other", description: "Anything else" },
        ],
      },
      options: {},
    },
    settings: {
      inputText: "what is classified",
      "categories.categories": "the categories, an output each",
      "options.multiClass": "whether several may fit",
      "options.fallback": "`discard`, or an output of its own",
    },
  },
  sentimentAnalysis: {
    typeVersion: 1.1,
    parameters: { inputText: "={{ $json.chatInput }}", options: {} },
    settings: {
      inputText: "what is judged",
      "options.categories": "the moods, an output each",
      "options.includeDetailedResults": "adds strength and confidence",
    },
  },
  chainSummarization: {
    typeVersion: 2,
    parameters: { options: { summarizationMethodAndPrompts: { values: { summarizationMethod: "stuff" } } } },
    settings: {
      "chunkSize, chunkOverlap": "how long texts are cut",
      "options.summarizationMethodAndPrompts": "`stuff`, `map_reduce` or `refine`, and the prompts",
    },
  },
  lmChatOpenAi: { ...chatModel, typeVersion: 1.2 },
  lmChatAnthropic: {
    ...chatModel,
    typeVersion: 1.3,
    parameters: { model: { __rl: true, mode: "list", value: "claude-sonnet-4-0" }, options: {} },
  },
  lmChatGoogleGemini: { ...chatModel, parameters: { modelName: "models/gemini-2.5-flash", options: {} } },
  lmChatOpenRouter: { ...chatModel, parameters: { model: "openai/gpt-4o-mini", options: {} } },
  lmChatOllama: { ...chatModel, parameters: { model: "llama3.2", options: {} } },
  lmChatGroq: { ...chatModel, parameters: { model: "llama-3.3-70b-versatile", options: {} } },
  lmChatMistralCloud: { ...chatModel, parameters: { model: "mistral-small-latest", options: {} } },
  lmChatDeepSeek: { ...chatModel, parameters: { model: "deepseek-chat", options: {} } },
  lmChatAzureOpenAi: { ...chatModel, parameters: { model: "gpt-4o-mini", options: {} } },
  memoryBufferWindow: { ...memory, typeVersion: 1.3 },
  memoryPostgresChat: memory,
  memoryRedisChat: memory,
  memoryMongoDbChat: memory,
  memoryXata: memory,
  memoryMotorhead: memory,
  memoryZep: memory,
  outputParserStructured: {
    typeVersion: 1.2,
    parameters: { jsonSchemaExample: '{ "city": "Bern" }' },
    settings: {
      schemaType: "`fromJson`: by an example; `manual`: by a JSON Schema",
      jsonSchemaExample: "the example",
      inputSchema: "the schema",
      autoFix: "whether a model repairs what cannot be read",
    },
  },
  outputParserItemList: {
    parameters: { options: {} },
    settings: { "options.numberOfItems": "how many at most", "options.separator": "what stands between them" },
  },
  outputParserAutofixing: {
    parameters: { options: {} },
    settings: { "options.prompt": "how the repair is asked for" },
  },
  toolCode: {
    typeVersion: 1.2,
    parameters: { description: "Doubles a number", jsCode: "return String(Number(query) * 2)" },
    settings: {
      description: "when the model should use it",
      jsCode: "the code; it returns a text",
      "specifyInputSchema, inputSchema": "the form of its arguments",
    },
  },
  toolCalculator: { parameters: {}, settings: {} },
  toolThink: { parameters: {}, settings: { description: "what it is for" } },
  toolHttpRequest: {
    typeVersion: 1.1,
    parameters: { toolDescription: "Finds an order", method: "GET", url: "https://api.example.com/orders/{id}" },
    settings: {
      toolDescription: "when the model should use it",
      "method, url": "what is asked; `{names}` are filled in by the model",
    },
  },
  httpRequestTool: {
    typeVersion: 4.2,
    parameters: {
      toolDescription: "Finds an order",
      url: "=https://api.example.com/orders/{{ $fromAI('id', 'Number of the order') }}",
      options: {},
    },
    settings: {
      toolDescription: "when the model should use it",
      url: "as in HTTP Request; `$fromAI` is filled in by the model",
    },
  },
  toolWorkflow: {
    typeVersion: 2.2,
    parameters: {
      description: "Finds an order",
      workflowId: { __rl: true, mode: "id", value: "flow_0190f6c2a4b87c1e9d3f5a6b7c8d9e0f" },
    },
    settings: {
      description: "when the model should use it",
      workflowId: "the workflow that is run",
      workflowInputs: "what it is called with",
    },
  },
  mcpClientTool: {
    typeVersion: 1.1,
    parameters: { endpointUrl: "https://mcp.example.com/mcp", serverTransport: "httpStreamable", include: "all" },
    settings: { endpointUrl: "the address of the server", include: "`all`, `selected` or `except`, of its tools" },
  },
  agentTool: {
    typeVersion: 2.2,
    parameters: { toolDescription: "Knows the law", text: "={{ $fromAI('question', 'What to ask') }}", options: {} },
    settings: { toolDescription: "when the other agent should use it", text: "what it is asked" },
  },
  chat: {
    parameters: { message: "One moment …", waitUserReply: false },
    settings: { message: "what is said", waitUserReply: "whether it waits for an answer" },
  },
}
