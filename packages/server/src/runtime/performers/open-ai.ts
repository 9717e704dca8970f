/** The performer of OpenAI's own node: one question for each item, with the tools that serve it. */

import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { openAiItem, prepareOpenAi } from "@brevet/core/graph/kinds/models/open-ai"
import { toolsOf } from "../agent.ts"
import { goRounds } from "../agent-loop.ts"
import { answersInJson, askedModel } from "../asked-models.ts"
import { collectPlaced, type PlacedItem } from "../each-item.ts"
import { ModelCalls } from "../model-calls.ts"
import type { Performer, Work } from "../perform.ts"
import { showingOf } from "../showing.ts"
import { tellNode } from "../told-messages.ts"
import type { ToolPorts } from "../tools/open-tools.ts"
import { ledTurn } from "../turn-conversation.ts"

/** Makes the performer. */
export function makeOpenAiPerformer(ports: ToolPorts): Performer {
  return (work) => {
    const calls = new ModelCalls(work)
    const { outputs } = work.context.node
    return collectPlaced(work.context, { outputs }, async (index) => [await answerItem({ ports, work, calls }, index)])
  }
}

type Asker = { readonly ports: ToolPorts; readonly work: Work; readonly calls: ModelCalls }

async function answerItem(asker: Asker, index: number): Promise<PlacedItem> {
  const { work, calls } = asker
  const { node } = work.context
  const plan = prepareOpenAi(work.context, index)
  const models = { first: await askedModel(work, plan.model, node), fallback: null }
  const lane = `${index}`
  const told = await tellNode(work, calls, { models, messages: plan.messages, lane })
  const end = await goRounds(work, calls, {
    models,
    ...told,
    tools: await toolsOf(asker, node),
    finish: null,
    lane,
    roundsMax: plan.roundsMax,
    toolCallsMax: ledTurn(work)?.maxToolCalls ?? null,
    shows: answersInJson(models) ? "none" : showingOf(work),
  })
  if (end.reason === "answered") return openAiItem(work.context, end.call, index)
  const message = `The node '${node.name}' had no answer after ${plan.roundsMax} rounds of tool calls. Allow it more.`
  throw new NodeFailure("RUN_LOOPS_EXCEEDED", message, { details: { rounds: plan.roundsMax } })
}
