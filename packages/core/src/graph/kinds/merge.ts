/**
 * Joins branches. It waits until each connected input has data or can no longer get any (the planner's work); how items
 * become one is in `merge-fields.ts` and `merge-clash.ts`. Versions 3 and 2; of version 1 the mode `append`.
 */
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber, asText } from "../value-types.ts"
import { listNames } from "./fields.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure, type Port, type PureKind } from "./kind.ts"
import { mergePlaced, type Placed, readClashes } from "./merge-clash.ts"
import { mergeByFields } from "./merge-fields.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const merge: PureKind = {
  name: "merge",
  types: ["n8n-nodes-base.merge"],
  title: "Merge",
  help: "Waits for its branches and joins their items: one after the other, or into one another.",
  group: "data",
  effect: "none",
  inputs,
  outputs: () => onePort,
  check,
  run: (context) => ({ outputs: [runMode(context)] }),
}

/** Inputs that a node may have (documented: 2–10, since version 3). */
const inputsMax = 10

function inputs(node: GraphNode): readonly Port[] {
  const wanted = node.typeVersion >= 3 ? asNumber(node.parameters.numberInputs) : undefined
  const count = Math.min(inputsMax, Math.max(2, Math.trunc(wanted ?? 2)))
  return Array.from({ length: count }, (_, index) => ({ name: `input ${index + 1}` }))
}

/** What a node does, whatever its version calls it. */
type Mode = "append" | "by fields" | "by position" | "all combinations" | "choose branch" | "sql" | "unknown"

/** Ways to combine, as versions 3 and 2 call them. */
const combinations: ReadonlyMap<unknown, Mode> = new Map<unknown, Mode>([
  ["combineByFields", "by fields"],
  ["mergeByFields", "by fields"],
  ["combineByPosition", "by position"],
  ["mergeByPosition", "by position"],
  ["combineAll", "all combinations"],
  ["multiplex", "all combinations"],
])

function modeOf({ typeVersion }: GraphNode, says: (name: string) => unknown): Mode {
  const mode = says("mode") ?? "append"
  if (mode === "append") return "append"
  if (typeVersion < 2) return "unknown"
  if (mode === "chooseBranch") return "choose branch"
  if (mode === "combineBySql") return "sql"
  if (mode !== "combine") return "unknown"
  return combinations.get(says(typeVersion < 3 ? "combinationMode" : "combineBy") ?? "combineByFields") ?? "unknown"
}

function runMode(context: KindContext): readonly Item[] {
  const mode = modeOf(context.node, (name) => context.parameter(name, 0))
  switch (mode) {
    case "append":
      return append(context)
    case "by fields":
      return mergeByFields(context)
    case "by position":
      return mergeByPosition(context)
    case "all combinations":
      return mergeAll(context)
    case "choose branch":
      return chooseBranch(context)
    case "sql":
      throw new NodeFailure("NODE_SETTINGS_INVALID", "SQL queries are not run here; combine the data in another mode.")
    case "unknown": {
      const shown = cutText(asText(context.parameter("mode", 0)) ?? "", 60)
      throw new NodeFailure(
        "NODE_SETTINGS_INVALID",
        `The mode '${shown}' of the node is not known; choose another one.`,
      )
    }
  }
}

function append({ inputs: lists }: KindContext): readonly Item[] {
  boundItems(lists.reduce((sum, items) => sum + items.length, 0))
  return lists.flatMap((items, input) => items.map((item, index) => sameOf({ item, input, index })))
}

const sameOf = ({ item, input, index }: Placed): Item => ({ ...item, pairedItem: { item: index, input } })

/** The items at each place become one; as many as the shortest input has, or the longest (`includeUnpaired`). */
function mergeByPosition(context: KindContext): readonly Item[] {
  const lengths = context.inputs.map((items) => items.length)
  const keepsUnpaired = context.parameter("options.includeUnpaired", 0) === true
  const length = keepsUnpaired ? Math.max(...lengths) : Math.min(...lengths)
  const clashes = readClashes(context, context.inputs.length - 1)
  return Array.from({ length }, (_, index) => {
    const placed = context.inputs.flatMap((items, input): Placed[] => {
      const item = items[index]
      return item === undefined ? [] : [{ item, input, index }]
    })
    return mergePlaced(placed, clashes)
  })
}

/** Each item of the first input with each of the second. */
function mergeAll(context: KindContext): readonly Item[] {
  const [first = [], second = []] = context.inputs
  boundItems(first.length * second.length)
  const clashes = readClashes(context, 1)
  return first.flatMap((item, index) =>
    second.map((other, place) =>
      mergePlaced(
        [
          { item, input: 0, index },
          { item: other, input: 1, index: place },
        ],
        clashes,
      ),
    ),
  )
}

/** The items of one input unchanged, or a single empty item (documented). Version 2 names the input in `output`. */
function chooseBranch(context: KindContext): readonly Item[] {
  const output = context.parameter("output", 0) ?? (context.node.typeVersion < 3 ? "input1" : "specifiedInput")
  if (output === "empty") {
    const pairedItem = context.inputs.flatMap((items, input) => items.map((_, index) => ({ item: index, input })))
    return [{ json: {}, pairedItem }]
  }
  const earlier = /^input(\d)$/.exec(asText(output) ?? "")?.[1]
  const number = asNumber(earlier ?? context.parameter("useDataOfInput", 0) ?? 1)
  const items = number === undefined ? undefined : context.inputs[number - 1]
  if (number !== undefined && items !== undefined) {
    return items.map((item, index) => sameOf({ item, input: number - 1, index }))
  }
  const message = `The node has no such input to choose; give a number from 1 to ${context.inputs.length}.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

function check(node: GraphNode): Finding[] {
  const { parameters, name } = node
  const path = pathTo(node.path, "parameters")
  const mode = modeOf(node, (setting) => parameters[setting])
  const isExpression = [parameters.mode, parameters.combineBy, parameters.combinationMode].some(
    (value) => typeof value === "string" && value.startsWith("="),
  )
  if (mode === "sql" || (mode === "unknown" && !isExpression)) {
    const message = `Choose another mode for ${quote(name)}: ${mode === "sql" ? "SQL queries are" : "this one is"} not run here.`
    return [{ severity: "error", code: "SETTING_UNSUPPORTED", message, node: name, path: pathTo(path, "mode") }]
  }
  if (mode !== "by fields" || namesFields(node)) return []
  const message = `Name the fields by which ${quote(name)} matches items.`
  return [{ severity: "error", code: "SETTING_MISSING", message, node: name, path }]
}

function namesFields({ parameters, typeVersion }: GraphNode): boolean {
  const isPlain = typeVersion >= 3 && parameters.advanced !== true
  if (!isPlain || typeof parameters.advanced === "string") return parameters.mergeByFields !== undefined
  return listNames(parameters.fieldsToMatchString).length > 0
}
