/**
 * Loop over items: hands out its items in batches, and when they come back, the next ones; after the last it gives
 * everything that came back.
 *
 *     run 0: items in ──> batch 1 ──> body ──┐
 *     run 1: what came back ──> batch 2 ──> body ──┐          memory: { since: 0, taken: … }
 *     run n: what came back, none left ──> done: all that came back in runs 1 … n
 *
 * It keeps no items: which execution they came in with (`since`) and how many of them were handed out (`taken`) says it
 * all, so that a long loop does not grow the run's state. Without `reset` a loop that has ended stays ended: new items
 * come out of done at once, behind those of before (recorded outcome).
 */
import { isJsonObject } from "../../json.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber } from "../value-types.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, type KindResult, NodeFailure, type Port, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. Version 3: outputs done, loop; version 2: loop, done; version 1: loop alone. */
export const splitInBatches: PureKind = {
  name: "splitInBatches",
  types: ["n8n-nodes-base.splitInBatches"],
  title: "Loop over items",
  help: "Hands its items out in batches, again and again until none is left, and then gives all that came back.",
  group: "flow",
  effect: "none",
  inputs: () => onePort,
  outputs,
  check,
  run,
}

const [donePort, loopPort]: readonly [Port, Port] = [{ name: "done" }, { name: "loop" }]

function outputs({ typeVersion }: GraphNode): readonly Port[] {
  if (typeVersion < 2) return [loopPort]
  return typeVersion < 3 ? [loopPort, donePort] : [donePort, loopPort]
}

/** Where a loop stands. `since`: the execution whose input it hands out; `taken`: items handed out. */
type Progress = { readonly since: number; readonly taken: number }

function run(context: KindContext): KindResult {
  const size = batchSize(context)
  const { since, taken } = progressOf(context)
  const source = (since === context.iteration ? context.inputs : context.earlierInputs(since))[0] ?? []
  const batch = source.slice(taken, taken + size).map((item, index): Item => {
    return { ...item, pairedItem: placed(taken + index, since, context) }
  })
  const after = taken + batch.length
  const shown = {
    noItemsLeft: after >= source.length,
    currentRunIndex: context.iteration - since,
    maxRunIndex: Math.ceil(source.length / size),
    done: batch.length === 0,
  }
  const memory = { since, taken: after, context: shown }
  const done = batch.length === 0 ? cameBack(context, since) : []
  return { outputs: outputs(context.node).map((port) => (port === donePort ? done : batch)), memory }
}

/** Goes on where the last execution stopped; begins with the first, and with each where `reset` holds. */
function progressOf(context: KindContext): Progress {
  const { memory, iteration } = context
  const isReset = context.parameter("options.reset", 0) === true
  if (isReset || !isJsonObject(memory)) return { since: iteration, taken: 0 }
  return { since: Number(memory.since), taken: Number(memory.taken) }
}

function batchSize(context: KindContext): number {
  const size = asNumber(context.parameter("batchSize", 0) ?? (context.node.typeVersion < 3 ? 10 : 1))
  if (size !== undefined && size >= 1) return Math.trunc(size)
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The batch size of the node is no number of at least 1; correct it.")
}

/** All that came in after the items that are handed out, in the order in which it came. */
function cameBack(context: KindContext, since: number): readonly Item[] {
  const items: Item[] = []
  for (let iteration = since + 1; iteration <= context.iteration; iteration += 1) {
    const inputs = iteration === context.iteration ? context.inputs : context.earlierInputs(iteration)
    const came = inputs[0] ?? []
    boundItems(items.length + came.length)
    for (const [index, item] of came.entries()) items.push({ ...item, pairedItem: placed(index, iteration, context) })
  }
  return items
}

function placed(item: number, iteration: number, context: KindContext): NonNullable<Item["pairedItem"]> {
  return iteration === context.iteration ? { item } : { item, iteration }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const { batchSize: size = 1 } = parameters
  const number = asNumber(size)
  if ((typeof size === "string" && size.startsWith("=")) || (number !== undefined && number >= 1)) return []
  const message = `Give ${quote(name)} a batch size of at least 1.`
  const place = pathTo(pathTo(path, "parameters"), "batchSize")
  return [{ severity: "error", code: "SETTING_INVALID", message, node: name, path: place }]
}
