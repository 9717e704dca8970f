/**
 * What the pages of kinds (`docs/nodes/`) say beside what the kinds say themselves: the settings that are used most, and an
 * example. Examples are checked when the pages are made: a node with these settings has no finding, and what a kind without
 * an effect gives for the items is computed, never written by hand.
 */
import type { JsonObject } from "../packages/core/src/json.ts"

/** The example of a kind. `inputs`: json of items per input; absent for kinds whose outcome depends on the world. */
export type NodeExample = {
  readonly typeVersion?: number
  readonly parameters: JsonObject
  readonly inputs?: readonly (readonly JsonObject[])[]
  /** Meanings by name; names in dots are those within an object. */
  readonly settings: Readonly<Record<string, string>>
}

const condition = (leftValue: string, operator: JsonObject, rightValue: JsonObject[string] = ""): JsonObject => ({
  options: { caseSensitive: true, typeValidation: "strict", version: 2 },
  combinator: "and",
  conditions: [{ id: "1", leftValue, rightValue, operator }],
})
const atLeast18 = condition("={{ $json.age }}", { type: "number", operation: "gte" }, 18)
const conditions = {
  "conditions.conditions": "pairs of values with an operator (`type`, `operation`)",
  "conditions.combinator": "`and` or `or`",
  "conditions.options.typeValidation": "`strict`: values of another type fail the node; `loose`: they are converted",
  "conditions.options.caseSensitive": "whether case counts in comparisons of texts",
}
const people = [
  { name: "Ada", age: 36 },
  { name: "Tim", age: 12 },
]
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
export const nodeExamples: Readonly<Record<string, NodeExample>> = {
  freddyLlm: {
    parameters: { model: "gpt-4o-mini", system_message: "Answer in one sentence.", prompt: "={{ $json.chatInput }}" },
    settings: {
      model: "the key of the model; default the server's",
      system_message: "the system prompt",
      prompt: "what is asked; default the chat message, else the text of the item",
      "temperature, top_p, max_tokens, stop, seed, frequency_penalty, presence_penalty, reasoning_effort":
        "as the provider understands them",
      include_history: "whether earlier messages are seen; default only for an assistant's primary node",
      history_limit: "how many of them, in messages or tokens",
      output_schema: "a JSON Schema that the answer has to fit; one repair is tried",
      stream: "whether its words go to the person chatting",
    },
  },
  assistant: {
    parameters: { assistant_id: "asst_0190f6c2b1d27f3a8e4c5d6f7a8b9c0d", message: "={{ $json.chatInput }}" },
    settings: { assistant_id: "who is asked, an assistant of the organization", message: "what is asked" },
  },
  ask: {
    parameters: { title: "Refund", message: "Give 20 € back?", kind: "approval" },
    settings: {
      "title, message": "what the person reads",
      kind: "`question`, `form` or `approval`",
      choices: "the answers that a question offers",
      "fields, schema": "what a form asks for",
      audience: "`chat`, or `others` by a link",
      timeout: "how long it waits, in seconds or as an ISO 8601 duration",
    },
  },
  chatTrigger: {
    typeVersion: 1.1,
    parameters: { options: {} },
    inputs: [[{ sessionId: "thread_1", action: "sendMessage", chatInput: "Hello", metadata: {} }]],
    settings: { options: "those of the hosted chat" },
  },
  manualTrigger: { parameters: {}, inputs: [[{ city: "Bern" }]], settings: {} },
  executeWorkflowTrigger: {
    typeVersion: 1.1,
    parameters: { inputSource: "passthrough" },
    inputs: [[{ city: "Bern" }]],
    settings: { inputSource: "`passthrough`: items as they come; else the fields that `workflowInputs` names" },
  },
  webhook: {
    typeVersion: 2,
    parameters: { httpMethod: "POST", path: "orders", responseMode: "lastNode" },
    settings: {
      httpMethod: "the method of the address",
      path: "what follows `/webhook/`; may hold `:parameters`",
      responseMode: "`onReceived`: answers at once; `lastNode`: with the last items; `responseNode`: a node answers",
      authentication: "what callers show: nothing, basic, a header or a token",
    },
  },
  formTrigger: {
    typeVersion: 2.2,
    parameters: {
      path: "order",
      formTitle: "Order",
      formFields: { values: [{ fieldLabel: "Amount", fieldType: "number" }] },
    },
    settings: {
      "formTitle, formDescription": "what stands above the form",
      formFields: "its fields, each with a label and a type",
    },
  },
  scheduleTrigger: {
    typeVersion: 1.2,
    parameters: { rule: { interval: [{ field: "hours", hoursInterval: 6 }] } },
    settings: { "rule.interval": "when it starts: every so many minutes, hours, days …, or a cron expression" },
  },
  errorTrigger: { parameters: {}, settings: {} },
  set: {
    typeVersion: 3.4,
    parameters: {
      assignments: { assignments: [{ id: "1", name: "greeting", type: "string", value: "=Hello {{ $json.name }}" }] },
      includeOtherFields: true,
      options: {},
    },
    inputs: [people],
    settings: {
      mode: "`manual`: field by field; `raw`: one JSON object",
      "assignments.assignments": "fields with name, type and value; a dot in a name is a step into an object",
      jsonOutput: "the object of raw mode",
      "includeOtherFields, include": "whether the fields of the item stay, and which",
      "options.ignoreConversionErrors": "keeps a value that does not fit its type",
      "options.dotNotation": "false: dots in names are part of the name",
    },
  },
  filter: {
    typeVersion: 2.2,
    parameters: { conditions: atLeast18, options: {} },
    inputs: [people],
    settings: conditions,
  },
  if: { typeVersion: 2.2, parameters: { conditions: atLeast18, options: {} }, inputs: [people], settings: conditions },
  switch: {
    typeVersion: 3.2,
    parameters: { rules: { values: [{ conditions: atLeast18 }] }, options: { fallbackOutput: "extra" } },
    inputs: [people],
    settings: {
      mode: "`rules`: the first rule that holds; `expression`: the number of the output",
      "rules.values": "conditions, one set for each output",
      "options.fallbackOutput": "where items go that no rule holds for: `none`, `extra`, or an output",
      "options.allMatchingOutputs": "an item goes to every output whose rule holds",
    },
  },
  merge: {
    typeVersion: 3,
    parameters: { mode: "combine", combineBy: "combineByFields", fieldsToMatchString: "id", options: {} },
    inputs: [[{ id: 1, name: "Ada" }], [{ id: 1, city: "London" }]],
    settings: {
      mode: "`append`, `combine`, or `chooseBranch`",
      combineBy: "`combineByFields`, `combineByPosition` or `combineAll`",
      fieldsToMatchString: "the fields by which items belong together",
      joinMode: "which items stay: those that match, those that do not, or all of one side",
      numberInputs: "how many inputs it waits for",
    },
  },
  splitOut: {
    parameters: { fieldToSplitOut: "tags", options: {} },
    inputs: [[{ name: "Ada", tags: ["math", "engines"] }]],
    settings: { fieldToSplitOut: "the list", include: "which other fields each item keeps" },
  },
  aggregate: {
    parameters: {
      aggregate: "aggregateIndividualFields",
      fieldsToAggregate: { fieldToAggregate: [{ fieldToAggregate: "name" }] },
      options: {},
    },
    inputs: [people],
    settings: {
      aggregate: "`aggregateIndividualFields`, or `aggregateAllItemData`: whole items in one list",
      fieldsToAggregate: "the fields whose values are gathered",
      "options.mergeLists": "lists become one list",
      "options.keepMissing": "a missing value is null in the list",
    },
  },
  summarize: {
    typeVersion: 1.1,
    parameters: { fieldsToSummarize: { values: [{ aggregation: "average", field: "age" }] }, options: {} },
    inputs: [people],
    settings: {
      "fieldsToSummarize.values":
        "a field and what is made of it: count, sum, average, min, max, append, concatenate …",
      fieldsToSplitBy: "fields that make groups",
    },
  },
  sort: {
    parameters: { sortFieldsUi: { sortField: [{ fieldName: "age", order: "ascending" }] }, options: {} },
    inputs: [people],
    settings: {
      type: "`simple`: by fields; `random`; `code`: by a function of a and b",
      sortFieldsUi: "the fields, each ascending or descending",
    },
  },
  limit: {
    parameters: { maxItems: 1, keep: "lastItems" },
    inputs: [people],
    settings: { maxItems: "how many", keep: "`firstItems` or `lastItems`" },
  },
  removeDuplicates: {
    typeVersion: 2,
    parameters: { compare: "selectedFields", fieldsToCompare: "name", options: {} },
    inputs: [[...people, { name: "Ada", age: 37 }]],
    settings: { compare: "all fields, all but some, or selected ones", fieldsToCompare: "those fields" },
  },
  renameKeys: {
    parameters: { keys: { key: [{ currentKey: "name", newKey: "person" }] } },
    inputs: [people],
    settings: { "keys.key": "the field and its new name", additionalOptions: "replacements by a regular expression" },
  },
  compareDatasets: {
    typeVersion: 2.3,
    parameters: { mergeByFields: { values: [{ field1: "id", field2: "id" }] }, options: {} },
    inputs: [
      [
        { id: 1, city: "Bern" },
        { id: 2, city: "Rome" },
      ],
      [
        { id: 1, city: "Bern" },
        { id: 3, city: "Oslo" },
      ],
    ],
    settings: {
      mergeByFields: "the fields by which items belong together",
      resolve: "whose values count where they differ",
    },
  },
  itemLists: {
    typeVersion: 3.1,
    parameters: { operation: "limit", maxItems: 1 },
    inputs: [people],
    settings: {
      operation: "what it does: `splitOutItems`, `aggregateItems`, `sort`, `limit`, `removeDuplicates`, `summarize`",
    },
  },
  splitInBatches: {
    typeVersion: 3,
    parameters: { batchSize: 1, options: {} },
    settings: { batchSize: "how many items a round gets", "options.reset": "begins anew with the items that come" },
  },
  dateTime: {
    typeVersion: 2,
    parameters: {
      operation: "formatDate",
      date: "={{ $json.day }}",
      format: "dd LLL yyyy",
      outputFieldName: "shown",
      options: {},
    },
    inputs: [[{ day: "2026-03-01" }]],
    settings: {
      operation:
        "`getCurrentDate`, `addToDate`, `subtractFromDate`, `formatDate`, `roundDate`, `getTimeBetweenDates`, `extractDate`",
      outputFieldName: "the field that is written",
      "options.includeInputFields": "whether the fields of the item stay",
      "options.timezone": "the zone that counts",
    },
  },
  crypto: {
    parameters: { action: "hash", type: "SHA256", value: "={{ $json.text }}", dataPropertyName: "digest" },
    settings: {
      action: "`hash`, `hmac`, `sign` or `generate`",
      type: "the algorithm",
      value: "what is hashed",
      dataPropertyName: "the field that is written",
    },
  },
  html: {
    typeVersion: 1.2,
    parameters: {
      operation: "extractHtmlContent",
      dataPropertyName: "page",
      extractionValues: { values: [{ key: "title", cssSelector: "h1", returnValue: "text" }] },
      options: {},
    },
    inputs: [[{ page: "<h1>Hello</h1><p>World</p>" }]],
    settings: {
      operation: "`generateHtmlTemplate`, `extractHtmlContent` or `convertToHtmlTable`",
      "extractionValues.values": "a CSS selector and what of it is taken, by field",
    },
  },
  markdown: {
    parameters: { mode: "markdownToHtml", markdown: "={{ $json.text }}", destinationKey: "page", options: {} },
    inputs: [[{ text: "**Hello**" }]],
    settings: { mode: "`markdownToHtml` or `htmlToMarkdown`", destinationKey: "the field that is written" },
  },
  xml: {
    parameters: { mode: "xmlToJson", dataPropertyName: "text", options: {} },
    inputs: [[{ text: "<order id='5'><item>a</item></order>" }]],
    settings: { mode: "`xmlToJson` or `jsonToxml`", dataPropertyName: "the field that is read" },
  },
  code: {
    typeVersion: 2,
    parameters: { mode: "runOnceForAllItems", jsCode: "return $input.all().filter(({ json }) => json.age >= 18)" },
    settings: { mode: "`runOnceForAllItems` or `runOnceForEachItem`", jsCode: "the code; it returns items" },
  },
  httpRequest: {
    typeVersion: 4.2,
    parameters: {
      method: "GET",
      url: "https://api.example.com/orders",
      sendQuery: true,
      queryParameters: { parameters: [{ name: "id", value: "={{ $json.id }}" }] },
      options: {},
    },
    settings: {
      "method, url": "what is asked",
      authentication: "a credential of the organization, by type",
      "sendQuery, sendHeaders, sendBody": "whether there is a query, headers, a body; by fields or as JSON",
      "options.response":
        "how the answer becomes items: detected, JSON, text, a file; the full response; never an error",
      "options.pagination": "how the next page is found, and when it is the last",
      "options.timeout, options.redirect, options.batching": "bounds of the request",
    },
  },
  noOp: { parameters: {}, inputs: [people], settings: {} },
  respondToWebhook: {
    typeVersion: 1.1,
    parameters: { respondWith: "json", responseBody: '={{ { "ok": true } }}', options: {} },
    settings: {
      respondWith: "the items, the first item, JSON, text, a file, a redirect, or nothing",
      responseBody: "the JSON or text",
      "options.responseCode": "the status",
    },
  },
  wait: {
    typeVersion: 1.1,
    parameters: { resume: "timeInterval", amount: 5, unit: "minutes" },
    settings: { resume: "`timeInterval`, `specificTime`, `webhook` or `form`", "amount, unit": "how long" },
  },
  executeWorkflow: {
    typeVersion: 1.2,
    parameters: { workflowId: { __rl: true, mode: "id", value: "flow_0190f6c2a4b87c1e9d3f5a6b7c8d9e0f" }, options: {} },
    settings: {
      workflowId: "the workflow, by id, external id or unique name",
      mode: "`once` for all items, or `each`",
      "options.waitForSubWorkflow": "false: goes on at once",
    },
  },
  stopAndError: {
    parameters: { errorMessage: "=No order {{ $json.id }}" },
    settings: { errorType: "`errorMessage` or `errorObject`", errorMessage: "what the error says" },
  },
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
  stickyNote: { parameters: { content: "Checks the age" }, settings: { content: "the text" } },
}
