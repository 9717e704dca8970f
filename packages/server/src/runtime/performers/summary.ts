/** Summaries of long texts: in one call, piece by piece, or by refining. */
import type { AnswerItem } from "@brevet/core/graph/kinds/models/asking"
import {
  fitsOnePrompt,
  prepareSummary,
  type SummaryPlan,
  summaryItem,
} from "@brevet/core/graph/kinds/models/chain-summarization"
import { type AskedModels, ask } from "../asked-models.ts"
import type { ModelCalls } from "../model-calls.ts"
import type { Work } from "../perform.ts"

/** What a summary is made with. */
type Summing = { readonly work: Work; readonly calls: ModelCalls; readonly models: AskedModels }

/** Pieces that are asked for side by side (ours). */
const sideBySide = 5

/** The item that the summary of an item makes. Throws what asking does, NODE_SETTINGS_INVALID and ExpressionError. */
export async function summariseItem(summing: Summing, index: number): Promise<AnswerItem> {
  const { context } = summing.work
  const plan = prepareSummary(context, index)
  return summaryItem(context, { plan, text: await summaryOf(summing, plan, index) }, index)
}

function summaryOf(summing: Summing, plan: SummaryPlan, index: number): Promise<string> {
  if (plan.method === "refine") return refine(summing, plan, index)
  const isShort = plan.method === "stuff" || fitsOnePrompt(plan.pieces)
  return isShort
    ? say(summing, { call: 0, lane: `${index}` }, plan.whole(plan.pieces.join("\n\n")))
    : reduce(summing, plan, index)
}

/** The first piece, then with each next one the summary so far. */
async function refine(summing: Summing, plan: SummaryPlan, index: number): Promise<string> {
  const [first = "", ...others] = plan.pieces
  let summary = await say(summing, { call: 0, lane: `${index}` }, plan.piece(first))
  for (const [at, piece] of others.entries()) {
    summary = await say(summing, { call: at + 1, lane: `${index}` }, plan.refined(summary, piece))
  }
  return summary
}

/** Each piece by itself, then what came of them. */
async function reduce(summing: Summing, plan: SummaryPlan, index: number): Promise<string> {
  const parts: string[] = []
  for (let from = 0; from < plan.pieces.length; from += sideBySide) {
    const pieces = plan.pieces.slice(from, from + sideBySide)
    const settled = await Promise.allSettled(
      pieces.map((piece, at) => say(summing, { call: 0, lane: `${index}/pieces/${from + at}` }, plan.piece(piece))),
    )
    for (const outcome of settled) {
      if (outcome.status === "rejected") throw outcome.reason
      parts.push(outcome.value)
    }
  }
  return say(summing, { call: 0, lane: `${index}` }, plan.whole(parts.join("\n\n")))
}

async function say(
  { work, calls, models }: Summing,
  place: { readonly call: number; readonly lane: string },
  text: string,
): Promise<string> {
  const question = { place, messages: [{ role: "user", text }] as const, shows: "none" as const }
  return (await ask(work, calls, { models, question })).text.trim()
}
