/**
 * How many items a node that asks a model works on side by side (documented: "batch processing", from a version of each node
 * on; five items where nothing is said, an agent one). Pure.
 */
import { isJsonObject } from "../../../json.ts"
import { asNumber } from "../../value-types.ts"
import type { KindContext } from "../kind.ts"
import { optionsOf } from "./asking.ts"

/** Items at a time, and milliseconds before the next ones. */
export type Batching = { readonly size: number; readonly pauseMs: number }

/** From these versions on a node asks for several items at a time, and so many where nothing is said. */
const batchedSince: Readonly<Record<string, { readonly version: number; readonly size: number }>> = {
  chainLlm: { version: 1.7, size: 5 },
  agent: { version: 2.1, size: 1 },
  informationExtractor: { version: 1.1, size: 5 },
  textClassifier: { version: 1.1, size: 5 },
  sentimentAnalysis: { version: 1.1, size: 5 },
  chainSummarization: { version: 2.1, size: 5 },
}

/** More items at a time than that no provider bears (ours). */
const sizeMost = 50
/** A longer pause than that is a mistake (ours). */
const pauseMsMost = 60_000

/** The batches of a node. Throws ExpressionError. */
export function batchingOf(context: KindContext): Batching {
  const { kind, typeVersion, parameters } = context.node
  const since = batchedSince[kind ?? ""]
  if (since === undefined || typeVersion < since.version) return { size: 1, pauseMs: 0 }
  const given = kind === "chainLlm" ? parameters.batching : optionsOf(context.node).batching
  const batching = isJsonObject(given) ? given : {}
  const numberAt = (name: string) => asNumber(context.resolve(batching[name] ?? null, 0) ?? undefined)
  return {
    size: within(numberAt("batchSize") ?? since.size, 1, sizeMost),
    pauseMs: within(numberAt("delayBetweenBatches") ?? 0, 0, pauseMsMost),
  }
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.trunc(value)))
}
