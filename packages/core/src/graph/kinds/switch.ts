/**
 * Sends each item one of several ways: to the output of the first rule that holds (of every rule, with
 * `allMatchingOutputs`), or to the output whose number an expression gives. The rules are in `switch-rules.ts`.
 */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item, Outputs } from "../items.ts"
import { asNumber, asText } from "../value-types.ts"
import { sameItem, treatEachItem } from "./each-item.ts"
import { type KindContext, NodeFailure, type Port, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"
import { checkRules, listRules, ruleHolds, type SwitchRule, switchOutputsMax } from "./switch-rules.ts"

/** The kind. */
export const switchKind: PureKind = {
  name: "switch",
  types: ["n8n-nodes-base.switch"],
  title: "Switch",
  help: "Sends each item to one of several outputs, by rules or by a number.",
  group: "data",
  effect: "none",
  exclusiveOutputs: ({ parameters }) => (optionsOf(parameters).allMatchingOutputs ?? false) === false,
  inputs: () => onePort,
  outputs: (node) => outputNames(node).map((name, index) => ({ name: name === "" ? `${index}` : name }) satisfies Port),
  check,
  run: (context) => ({
    outputs: context.parameter("mode", 0) === "expression" ? switchByNumber(context) : switchByRules(context),
  }),
}

/** Names of the outputs; empty where one has none of its own. */
function outputNames(node: GraphNode): readonly string[] {
  const { parameters, typeVersion } = node
  if (typeVersion < 2) return unnamed(4)
  if (parameters.mode === "expression") return unnamed(countOf(parameters.numberOutputs ?? parameters.outputsAmount))
  const names = listRules(node).map(({ name }) => name)
  const { fallbackOutput, renameFallbackOutput } = optionsOf(parameters)
  return fallbackOutput === "extra" ? [...names, asText(renameFallbackOutput) ?? "fallback"] : names
}

const unnamed = (length: number): readonly string[] => Array.from({ length }, () => "")

/** The number of outputs in expression mode: 4 where none is said (documented). */
function countOf(value: unknown): number {
  return Math.min(switchOutputsMax, Math.max(1, Math.trunc(asNumber(value ?? 4) ?? 4)))
}

function optionsOf({ options }: JsonObject): JsonObject {
  return isJsonObject(options) ? options : {}
}

function switchByNumber(context: KindContext): Outputs {
  return treatEachItem(context, {
    work: (item, itemIndex) => ({
      output: outputAt(context, context.parameter("output", itemIndex) ?? 0),
      items: [sameItem(item, itemIndex)],
    }),
    failed: (_item, itemIndex, error) => ({ output: 0, items: [{ json: { error }, pairedItem: { item: itemIndex } }] }),
  })
}

/** A condition that fails falls on the whole node, whatever `onError` says of items (recorded outcome). */
function switchByRules(context: KindContext): Outputs {
  const made: Item[][] = Array.from({ length: context.node.outputs }, () => [])
  const rules = listRules(context.node)
  for (const [itemIndex, item] of (context.inputs[0] ?? []).entries()) {
    const matching = matchingOutputs(context, rules, itemIndex)
    const chosen = matching.length > 0 ? matching : fallbackOutputs(context, itemIndex)
    for (const output of chosen) made[output]?.push(sameItem(item, itemIndex))
  }
  return made
}

/** The outputs whose rules hold: the first, or all of them, each once. */
function matchingOutputs(context: KindContext, rules: readonly SwitchRule[], itemIndex: number): readonly number[] {
  const takesAll = context.parameter("options.allMatchingOutputs", itemIndex) === true
  const outputs: number[] = []
  for (const rule of rules) {
    if (!ruleHolds(context, rule, itemIndex)) continue
    const output = outputAt(context, rule.output)
    if (!outputs.includes(output)) outputs.push(output)
    if (!takesAll) break
  }
  return outputs
}

/** Where an item goes that no rule holds for: nowhere, to the last output, or to the one of a number (documented). */
function fallbackOutputs(context: KindContext, itemIndex: number): readonly number[] {
  const { node } = context
  const path = node.typeVersion < 3 ? "fallbackOutput" : "options.fallbackOutput"
  const wanted = context.parameter(path, itemIndex) ?? "none"
  if (wanted === "none" || wanted === -1) return []
  return wanted === "extra" ? [node.outputs - 1] : [outputAt(context, wanted)]
}

/** An output by its number. Throws NODE_SETTINGS_INVALID where the node has none of that number. */
function outputAt({ node }: KindContext, value: unknown): number {
  const output = asNumber(value)
  if (output !== undefined && Number.isInteger(output) && output >= 0 && output < node.outputs) return output
  const shown = cutText(asText(value) ?? "", 60)
  const message = `The node has no output '${shown}'; give a number from 0 to ${node.outputs - 1}.`
  throw new NodeFailure("NODE_SETTINGS_INVALID", message)
}

function check(node: GraphNode): readonly Finding[] {
  const path = pathTo(node.path, "parameters")
  if (node.parameters.mode === "expression") {
    if (node.parameters.output !== undefined) return []
    const message = `Give ${quote(node.name)} the number of an output: without one, every item goes to output 0.`
    return [{ severity: "warning", code: "SETTING_MISSING", message, node: node.name, path: pathTo(path, "output") }]
  }
  if (listRules(node).length > 0) return checkRules(node)
  const message = `Give ${quote(node.name)} rules: without any, no item matches.`
  return [{ severity: "warning", code: "SETTING_MISSING", message, node: node.name, path: pathTo(path, "rules") }]
}
