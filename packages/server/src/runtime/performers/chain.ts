/**
 * The performer of the nodes that ask a model once for each item and read its answer: chain, extractor, classifier, mood,
 * summary. A second call repairs an answer that does not fit its form, where the node wants that.
 *
 * Each item has a lane of its own, so that items of a batch can be asked for side by side:
 *     2           the answer for item 2, and its repair
 *     2/summary   what stands for the turns that are left out of the conversation
 *     2/pieces    the parts of a text that is summarised
 */
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { AnswerItem, Asking } from "@brevet/core/graph/kinds/models/asking"
import { batchingOf } from "@brevet/core/graph/kinds/models/batching"
import { chainLlmItem, prepareChainLlm } from "@brevet/core/graph/kinds/models/chain-llm"
import { extractionItem, prepareExtraction } from "@brevet/core/graph/kinds/models/information-extractor"
import { prepareSentiment, sentimentItems } from "@brevet/core/graph/kinds/models/sentiment-analysis"
import { classifiedItems, prepareClassification } from "@brevet/core/graph/kinds/models/text-classifier"
import type { JsonValue } from "@brevet/core/json"
import { type AskedModels, answersInJson, ask, askedModels } from "../asked-models.ts"
import { collectPlaced } from "../each-item.ts"
import { ModelCalls, type Showing } from "../model-calls.ts"
import type { Performer, Work } from "../perform.ts"
import { showingOf } from "../showing.ts"
import { tellNode } from "../told-messages.ts"
import { summariseItem } from "./summary.ts"

/** What is worked with in one execution. */
type Chain = { readonly work: Work; readonly calls: ModelCalls; readonly models: AskedModels }

/** Performs the chains. */
export const performChain: Performer = async (work) => {
  const { context, segment } = work
  const chain: Chain = { work, calls: new ModelCalls(work), models: await askedModels(work, context.node) }
  const collecting = { outputs: context.node.outputs, batches: batchingOf(context), signal: segment.signal }
  return collectPlaced(context, collecting, (index) => itemsOf(chain, index))
}

async function itemsOf(chain: Chain, index: number): Promise<readonly AnswerItem[]> {
  const { context, segment } = chain.work
  switch (context.node.kind) {
    case "informationExtractor": {
      const { value } = await answer(chain, prepareExtraction(context, index), index)
      return [extractionItem(value ?? null, index)]
    }
    case "textClassifier": {
      const { value } = await answer(chain, prepareClassification(context, index), index)
      return classifiedItems(context, value ?? null, index)
    }
    case "sentimentAnalysis": {
      const { value } = await answer(chain, prepareSentiment(context, index), index)
      return sentimentItems(context, value ?? null, index)
    }
    case "chainSummarization":
      return [await summariseItem(chain, index)]
    default: {
      const reply = await answer(chain, prepareChainLlm(context, segment.graph, index), index)
      return [chainLlmItem(context, { ...reply, isJson: answersInJson(chain.models) }, index)]
    }
  }
}

/** What a model said, and what was read from it; undefined where it is its text. */
type Reply = { readonly text: string; readonly value: JsonValue | undefined }

/** Asks for an item. Throws OUTPUT_SCHEMA_MISMATCH for an answer that does not fit, and what asking does. */
async function answer(chain: Chain, asking: Asking, index: number): Promise<Reply> {
  const { work, calls, models } = chain
  const { messages, summarized } = await tellNode(work, calls, { models, messages: asking.messages, lane: `${index}` })
  const place = { call: 0, lane: `${index}` }
  const shows = howItShows(chain, asking)
  const { text } = await ask(work, calls, { models, question: { place, messages, shows, summarized } })
  const { reader } = asking
  if (reader === null) return { text, value: undefined }
  const read = reader.read(text)
  if (read.fits) return { text, value: read.value }
  if (reader.repair === null) throw mismatch(read.complaint)
  const { node, prompt } = reader.repair
  const repairing = node.name === work.context.node.name ? models : await askedModels(work, node)
  const question = {
    place: { call: 1, lane: `${index}` },
    messages: [{ role: "user", text: prompt(text, read.complaint) }] as const,
    shows: "none" as const,
  }
  const second = await ask(work, calls, { models: repairing, question })
  const again = reader.read(second.text)
  if (again.fits) return { text: second.text, value: again.value }
  throw mismatch(again.complaint)
}

function mismatch(complaint: string): NodeFailure {
  return new NodeFailure(
    "OUTPUT_SCHEMA_MISMATCH",
    `The model's answer does not fit the form that it has to have: ${complaint}`,
  )
}

/** Text is shown where it is the answer as it stands. */
function howItShows({ work, models }: Chain, { reader }: Asking): Showing {
  return reader === null && !answersInJson(models) ? showingOf(work) : "none"
}
