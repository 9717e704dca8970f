/**
 * What the pages of kinds (`docs/nodes/`) say beside what the kinds say themselves: the settings that are used most, and an
 * example. Examples are checked when the pages are made: a node with these settings has no finding, and what a kind without
 * an effect gives for the items is computed, never written by hand.
 */
import type { JsonObject } from "../packages/core/src/json.ts"
import { modelNodeExamples, type NodeExample } from "./node-examples-models.ts"

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
  graphql: {
    typeVersion: 1.1,
    parameters: { endpoint: "https://api.example.com/graphql", requestFormat: "json", query: "{ orders { id } }" },
    settings: { endpoint: "the address", query: "the query", variables: "its variables, as JSON" },
  },
  rssFeedRead: {
    typeVersion: 1.2,
    parameters: { url: "https://example.com/feed.xml", options: {} },
    settings: { url: "the address of the feed" },
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
  ...modelNodeExamples,
  stickyNote: { parameters: { content: "Checks the age" }, settings: { content: "the text" } },
}
