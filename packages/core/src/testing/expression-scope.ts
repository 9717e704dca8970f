/** Scopes for the tests of this room: items and nodes given by hand, a clock that stands still, counted random numbers. */

import { ExpressionError } from "../graph/expression/errors.ts"
import type { ExpressionItem, ExpressionNode, ExpressionScope } from "../graph/expression/scope.ts"
import type { JsonObject } from "../json.ts"

/** What a test says about another node. Without items it exists and has not run. */
export type TestNode = {
  readonly items?: readonly JsonObject[]
  readonly params?: JsonObject
  /** For each item in hand the index of the item it descends from; absent: the same index. */
  readonly lineage?: readonly number[]
}

/** What a test says about the place of an expression. */
export type TestPlace = {
  readonly items?: readonly JsonObject[]
  readonly itemIndex?: number
  readonly nodes?: { readonly [name: string]: TestNode }
  readonly parameters?: JsonObject
  readonly timeZone?: string
  readonly nowMs?: number
  readonly workSteps?: number
}

/** 2026-03-04T05:06:07.089Z. */
export const TEST_NOW_MS = Date.UTC(2026, 2, 4, 5, 6, 7, 89)

/** The scope of one item. */
export function testScope(place: TestPlace = {}): ExpressionScope {
  const items: ExpressionItem[] = (place.items ?? [{}]).map((json, item) => ({ json, pairedItem: { item } }))
  const itemIndex = place.itemIndex ?? 0
  const item = items[itemIndex] ?? { json: {} }
  let drawn = 0
  return {
    item,
    input: { item, all: () => items, first: () => items[0], last: () => items.at(-1), params: {} },
    node: (name) => testNode(place.nodes ?? {}, name, itemIndex),
    itemIndex,
    runIndex: 0,
    workflow: { id: "wf_1", name: "My workflow é", active: false },
    execution: { id: "run_1", mode: "test", resumeUrl: "http://127.0.0.1/resume" },
    vars: {},
    now: place.nowMs ?? TEST_NOW_MS,
    random: () => (drawn++ % 10) / 10,
    timeZone: place.timeZone ?? "UTC",
    parameters: place.parameters ?? {},
    prevNode: { name: "Start", outputIndex: 0, runIndex: 0 },
    currentNode: { id: "n1", name: "Out", typeVersion: 3.4 },
    ...(place.workSteps === undefined ? {} : { work: { stepsLeft: place.workSteps } }),
  }
}

function testNode(nodes: { readonly [name: string]: TestNode }, name: string, itemIndex: number): ExpressionNode {
  const node = Object.hasOwn(nodes, name) ? nodes[name] : undefined
  if (node === undefined) throw new ExpressionError(`There is no node named '${name}'.`)
  const all = (): readonly ExpressionItem[] => {
    if (node.items === undefined) throw new ExpressionError(`The node '${name}' has not run.`)
    return node.items.map((json) => ({ json }))
  }
  const at = (index: number): ExpressionItem => {
    const found = all()[node.lineage?.[index] ?? index]
    if (found === undefined) throw new ExpressionError(`No item of '${name}' leads here.`)
    return found
  }
  return {
    item: () => at(itemIndex),
    itemMatching: at,
    all,
    first: () => all()[0],
    last: () => all().at(-1),
    params: node.params ?? {},
    isExecuted: node.items !== undefined,
    runIndex: 0,
  }
}
