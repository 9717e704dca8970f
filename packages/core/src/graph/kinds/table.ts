/** The one table of kinds that can be run. A kind that is added gets a row here and nothing anywhere else. */

import { aggregate } from "./aggregate.ts"
import { ask } from "./ask.ts"
import { assistant } from "./assistant.ts"
import { chat } from "./chat.ts"
import { chatTrigger } from "./chat-trigger.ts"
import { code } from "./code.ts"
import { compareDatasets } from "./compare-datasets.ts"
import { convertToFile } from "./convert-to-file.ts"
import { crypto } from "./crypto.ts"
import { dateTime } from "./date-time.ts"
import { errorTrigger } from "./error-trigger.ts"
import { executeWorkflow } from "./execute-workflow.ts"
import { executeWorkflowTrigger } from "./execute-workflow-trigger.ts"
import { extractFromFile } from "./extract-from-file.ts"
import { filter } from "./filter.ts"
import { formTrigger } from "./form-trigger.ts"
import { freddyLlm } from "./freddy-llm.ts"
import { html } from "./html.ts"
import { graphql } from "./http/graphql.ts"
import { httpRequest } from "./http/http-request.ts"
import { rssFeedRead } from "./http/rss-feed-read.ts"
import { ifKind } from "./if.ts"
import { itemLists } from "./item-lists.ts"
import type { Kind } from "./kind.ts"
import { limit } from "./limit.ts"
import { manualTrigger } from "./manual-trigger.ts"
import { markdown } from "./markdown.ts"
import { merge } from "./merge.ts"
import { agent } from "./models/agent.ts"
import { agentTool } from "./models/agent-tool.ts"
import { chainLlm } from "./models/chain-llm.ts"
import { chainSummarization } from "./models/chain-summarization.ts"
import { memoryKinds } from "./models/chat-memory.ts"
import { chatModelKinds } from "./models/chat-model-kinds.ts"
import { informationExtractor } from "./models/information-extractor.ts"
import { openAi } from "./models/open-ai.ts"
import { outputParserKinds } from "./models/output-parser-kinds.ts"
import { sentimentAnalysis } from "./models/sentiment-analysis.ts"
import { textClassifier } from "./models/text-classifier.ts"
import { toolHttpRequest } from "./models/tool-http-request.ts"
import { toolKinds } from "./models/tool-kinds.ts"
import { noOp } from "./no-op.ts"
import { removeDuplicates } from "./remove-duplicates.ts"
import { renameKeys } from "./rename-keys.ts"
import { respondToWebhook } from "./respond-to-webhook.ts"
import { scheduleTrigger } from "./schedule-trigger.ts"
import { set } from "./set.ts"
import { sort } from "./sort.ts"
import { splitInBatches } from "./split-in-batches.ts"
import { splitOut } from "./split-out.ts"
import { stickyNote } from "./sticky-note.ts"
import { stopAndError } from "./stop-and-error.ts"
import { summarize } from "./summarize.ts"
import { switchKind } from "./switch.ts"
import { wait } from "./wait.ts"
import { webhook } from "./webhook.ts"
import { xml } from "./xml.ts"

/** Every kind, ours first. */
export const kinds: readonly Kind[] = [
  freddyLlm,
  assistant,
  ask,
  chat,
  chatTrigger,
  manualTrigger,
  executeWorkflowTrigger,
  webhook,
  formTrigger,
  scheduleTrigger,
  errorTrigger,
  set,
  filter,
  ifKind,
  switchKind,
  merge,
  splitOut,
  aggregate,
  summarize,
  sort,
  limit,
  removeDuplicates,
  renameKeys,
  compareDatasets,
  itemLists,
  splitInBatches,
  wait,
  dateTime,
  crypto,
  html,
  markdown,
  xml,
  code,
  httpRequest,
  graphql,
  rssFeedRead,
  executeWorkflow,
  convertToFile,
  extractFromFile,
  noOp,
  respondToWebhook,
  stopAndError,
  agent,
  chainLlm,
  openAi,
  informationExtractor,
  textClassifier,
  sentimentAnalysis,
  chainSummarization,
  ...chatModelKinds,
  ...memoryKinds,
  ...outputParserKinds,
  ...toolKinds,
  toolHttpRequest,
  agentTool,
  stickyNote,
]

const byName: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [kind.name, kind]))

/** The kind of that name; null where there is none, or none that is run here. */
export function findKind(name: string): Kind | null {
  return byName.get(name) ?? null
}
