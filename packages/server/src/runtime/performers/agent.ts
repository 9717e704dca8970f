/** The performer of agents: one question for each item, with what the node's memory holds of its session. */
import { type AgentPlan, agentItem, prepareAgent } from "@brevet/core/graph/kinds/models/agent"
import { batchingOf } from "@brevet/core/graph/kinds/models/batching"
import { askAgent } from "../agent.ts"
import { collectPlaced, type PlacedItem } from "../each-item.ts"
import { type MemoryPorts, openMemory } from "../memory.ts"
import { ModelCalls } from "../model-calls.ts"
import type { Performer, Work } from "../perform.ts"
import type { ToolPorts } from "../tools/open-tools.ts"

/** Makes the performer. */
export function makeAgentPerformer(ports: ToolPorts & MemoryPorts): Performer {
  return (work) => {
    const { context, segment } = work
    const calls = new ModelCalls(work)
    const collecting = { outputs: 1, batches: batchesOf(work), signal: segment.signal }
    return collectPlaced(context, collecting, async (index) => {
      const plan = prepareAgent(context, segment.graph, index)
      return [await answerItem({ ports, work, calls, plan }, index)]
    })
  }
}

type Answering = {
  readonly ports: ToolPorts & MemoryPorts
  readonly work: Work
  readonly calls: ModelCalls
  readonly plan: AgentPlan
}

async function answerItem({ ports, work, calls, plan }: Answering, index: number): Promise<PlacedItem> {
  const memory = await openMemory(ports, work, index)
  const question = { node: work.context.node, plan, lane: `${index}`, remembered: memory?.remembered ?? null }
  const answer = await askAgent({ ports, work, calls }, question)
  const said = typeof answer.answer === "string" ? answer.answer : JSON.stringify(answer.answer)
  await memory?.keep({ question: plan.prompt, answer: said })
  return agentItem(plan, answer, index)
}

/** With a memory one item follows the other: each is to know of those before it. */
function batchesOf({ context, segment }: Work) {
  const batches = batchingOf(context)
  const hasMemory = (segment.graph.servants[context.node.ordinal] ?? []).some(({ type }) => type === "ai_memory")
  return hasMemory ? { ...batches, size: 1 } : batches
}
