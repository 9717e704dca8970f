/** Merge by fields: the items of two inputs whose fields are the same become one, as joins of tables do. */

import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { listNames, toField } from "./fields.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure } from "./kind.ts"
import { type FieldPair, type Matches, matchItems, readFieldPairs } from "./matching.ts"
import { type Clashes, mergePlaced, type Placed, readClashes, unmerged } from "./merge-clash.ts"

/** What is kept: inner join, what has no partner, outer join, left and right join. */
type JoinMode = "keepMatches" | "keepNonMatches" | "keepEverything" | "enrichInput1" | "enrichInput2"
const joinModes: readonly string[] = [
  "keepMatches",
  "keepNonMatches",
  "keepEverything",
  "enrichInput1",
  "enrichInput2",
] satisfies JoinMode[]

/** The items that a node by fields puts out. Throws NODE_SETTINGS_INVALID, RUN_ITEMS_EXCEEDED and ExpressionError. */
export function mergeByFields(context: KindContext): readonly Item[] {
  const [first = [], second = []] = context.inputs
  const joinMode = readJoinMode(context)
  const from = context.parameter("outputDataFrom", 0)
  const pairs = readPairs(context)
  if (first.length === 0 || second.length === 0) return whereOneIsEmpty(context, { joinMode, from })
  const matching = {
    pairs,
    comparing: { fuzzy: context.parameter("options.fuzzyCompare", 0) === true },
    takes: context.parameter("options.multipleMatches", 0) === "first" ? "first" : "all",
  } as const
  const matches = matchItems([first, second], matching, boundItems)
  const clashes = readClashes(context, joinMode === "enrichInput2" ? 0 : 1)
  return join({ inputs: [first, second], matches, clashes, from }, joinMode)
}

function readJoinMode(context: KindContext): JoinMode {
  const mode = context.parameter("joinMode", 0) ?? "keepMatches"
  if (typeof mode === "string" && joinModes.includes(mode)) return mode as JoinMode
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    `The output type of the node is unknown; choose ${joinModes.join(", ")}.`,
  )
}

function readPairs(context: KindContext): readonly FieldPair[] {
  const dotNotation = context.parameter("options.disableDotNotation", 0) !== true
  const isPlain = context.node.typeVersion >= 3 && context.parameter("advanced", 0) !== true
  const named = isPlain ? listNames(context.parameter("fieldsToMatchString", 0)) : []
  const pairs = isPlain
    ? named.map((name) => ({ first: toField(name, { dotNotation }), second: toField(name, { dotNotation }) }))
    : readFieldPairs(context, "mergeByFields", { dotNotation })
  if (pairs.length > 0) return pairs
  throw new NodeFailure("NODE_SETTINGS_INVALID", "The node names no fields to match; name at least one.")
}

/** Without items on one side there is nothing to match: what the join keeps of the other side stays as it is. */
function whereOneIsEmpty(
  { inputs }: KindContext,
  { joinMode, from }: { joinMode: JoinMode; from: unknown },
): readonly Item[] {
  const input = (inputs[0]?.length ?? 0) > 0 ? 0 : 1
  const isLeftOut =
    joinMode === "keepMatches" ||
    (joinMode === "enrichInput1" && input === 1) ||
    (joinMode === "enrichInput2" && input === 0) ||
    (joinMode === "keepNonMatches" && from === (input === 0 ? "input2" : "input1"))
  if (isLeftOut) return []
  return (inputs[input] ?? []).map((item, index) => ({ ...item, pairedItem: { item: index, input } }))
}

type Join = {
  readonly inputs: readonly [readonly Item[], readonly Item[]]
  readonly matches: Matches
  readonly clashes: Clashes
  readonly from: unknown
}

/** What matched comes first, then what did not (recorded outcomes). */
function join(work: Join, joinMode: JoinMode): readonly Item[] {
  const { matches, clashes } = work
  const unmatched = (input: 0 | 1): Item[] => unmatchedOf(work, input).map((placed) => unmerged(placed, clashes))
  switch (joinMode) {
    case "keepMatches":
      return keptMatches(work)
    case "keepNonMatches":
      return keptNonMatches(work)
    case "keepEverything":
      boundItems(matches.pairs.length + matches.unmatchedFirst.length + matches.unmatchedSecond.length)
      return [...merged(work), ...unmatched(0), ...unmatched(1)]
    case "enrichInput1":
      return [...merged(work), ...unmatched(0)]
    case "enrichInput2":
      return [...merged(work), ...unmatched(1)]
  }
}

function placedAt({ inputs }: Join, input: 0 | 1, index: number): Placed[] {
  const item = inputs[input][index]
  return item === undefined ? [] : [{ item, input, index }]
}

function merged(work: Join): Item[] {
  return work.matches.pairs.map(([first, second]) =>
    mergePlaced([...placedAt(work, 0, first), ...placedAt(work, 1, second)], work.clashes),
  )
}

function unmatchedOf(work: Join, input: 0 | 1): readonly Placed[] {
  const { unmatchedFirst, unmatchedSecond } = work.matches
  return (input === 0 ? unmatchedFirst : unmatchedSecond).flatMap((index) => placedAt(work, input, index))
}

const plain = ({ item, input, index }: Placed): Item => ({ ...item, pairedItem: { item: index, input } })

/** Matches, merged or as one of the inputs has them: there each item once. */
function keptMatches(work: Join): readonly Item[] {
  const { from, matches } = work
  if (from !== "input1" && from !== "input2") return merged(work)
  const input = from === "input1" ? 0 : 1
  const places = new Set(matches.pairs.map((pair) => pair[input]))
  return [...places].sort((a, b) => a - b).flatMap((index) => placedAt(work, input, index).map(plain))
}

/** Items without a partner; those of both inputs say where they are from (recorded outcome). */
function keptNonMatches(work: Join): readonly Item[] {
  const from = asText(work.from)
  if (from === "input1" || from === "input2") return unmatchedOf(work, from === "input1" ? 0 : 1).map(plain)
  boundItems(work.matches.unmatchedFirst.length + work.matches.unmatchedSecond.length)
  return [...unmatchedOf(work, 0), ...unmatchedOf(work, 1)].map((placed) => {
    const item = plain(placed)
    return { ...item, json: { ...item.json, _source: `input${placed.input + 1}` } }
  })
}
