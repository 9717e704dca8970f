/**
 * What an expression can reach: the caller (the runtime) hands in one scope per item. Nothing here is copied, and an
 * expression can not change any of it. Members may be getters, so that the caller computes only what is asked for; a
 * function that can not answer throws an `ExpressionError`.
 */

import type { JsonObject, JsonValue } from "../../json.ts"
import type { ExpressionError } from "./errors.ts"
import type { Template } from "./template.ts"

/** One item of data between nodes. */
export type ExpressionItem = {
  readonly json: JsonObject
  readonly binary?: JsonObject
  readonly pairedItem?: JsonValue
}

/** `$input`: what the node in hand was given. */
export type ExpressionInput = {
  /** The item in hand. */
  readonly item: ExpressionItem
  all(): readonly ExpressionItem[]
  first(): ExpressionItem | undefined
  last(): ExpressionItem | undefined
  /** Parameters of the node that the input came from. */
  readonly params: JsonObject
  /** What the node that the input came from keeps from run to run. */
  readonly context?: JsonObject
}

/** `$('Node')`: another node's data in this run. Indexes count from 0. */
export type ExpressionNode = {
  /** The item that the item in hand descends from; throws `ExpressionError` where that is unknown or ambiguous. */
  item(): ExpressionItem
  /** The item that item number `itemIndex` of the present input descends from; throws as `item` does. */
  itemMatching(itemIndex: number): ExpressionItem
  /** Items of an output (`branch`, default the one that leads here) in a run of the node (`run`, default the last). */
  all(branch?: number, run?: number): readonly ExpressionItem[]
  first(branch?: number, run?: number): ExpressionItem | undefined
  last(branch?: number, run?: number): ExpressionItem | undefined
  readonly params: JsonObject
  readonly isExecuted: boolean
  /** What the node keeps from run to run (`$('Loop').context.noItemsLeft`); absent where it keeps nothing. */
  readonly context?: JsonObject
  /** The number of the node's last run (`$node["Name"].runIndex`). */
  readonly runIndex?: number
}

/**
 * What all expressions of one execution of a node share. The caller makes one and hands it to the scope of every item: the
 * steps that they may take together, so that many items can not hold up the process one expression at a time; and the
 * templates that were met, so that none is compiled twice for one execution, however many there are.
 */
export type WorkBudget = { stepsLeft: number; readonly templates?: Map<string, Template | ExpressionError> }

/** What the settings of pages see: how many pages were asked for, the last answer, and what was asked. */
export type Exchange = { readonly pageCount: number; readonly response: JsonObject; readonly request: JsonObject }

/** All that an expression can see. */
export type ExpressionScope = {
  /** The item in hand: `$json`, `$binary`. */
  readonly item: ExpressionItem
  readonly input: ExpressionInput
  /** Throws `ExpressionError` where there is no such node. The data functions throw where the node has not run. */
  node(name: string): ExpressionNode
  readonly itemIndex: number
  readonly runIndex: number
  readonly workflow: { readonly id: string; readonly name: string; readonly active: boolean }
  readonly execution: {
    readonly id: string
    readonly mode: string
    readonly resumeUrl?: string
    readonly resumeFormUrl?: string
  }
  readonly vars: JsonObject
  /** The instant that counts as now, in milliseconds since 1970. */
  readonly now: number
  /** A number in [0, 1), from a source that the caller seeds. */
  random(): number
  /** IANA time zone: local times of dates, `$now`, `$today`. */
  readonly timeZone: string
  /** `$parameter`: the parameters of the node in hand. */
  readonly parameters: JsonObject
  readonly prevNode: { readonly name: string; readonly outputIndex: number; readonly runIndex: number }
  /** The node in hand: `$nodeId`, `$nodeVersion`. */
  readonly currentNode?: { readonly id: string; readonly name: string; readonly typeVersion: number }
  readonly work?: WorkBudget
  /** `$pageCount`, `$response`, `$request`: only in the settings of pages. */
  readonly exchange?: Exchange
  /** `$fromAI(key, description?, type?, default?)`: what the model gave for this call of a tool. */
  fromAi?(key: string, fallback: JsonValue | undefined): JsonValue | undefined
}
