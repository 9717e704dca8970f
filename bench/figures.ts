/** The rows of the result: what was measured of Brevet and of the floor in the same rounds, and what was aimed at. */
import { type Spread, spreadOf } from "./statistics.ts"

/** What is aimed at: `of` says whether the figure itself counts or its ratio to the floor's. */
export type Aim = { readonly of: "figure" | "ratio"; readonly at: "least" | "most"; readonly value: number }

/** A figure for the table. Ratios are of the same round, since noise of the machine meets both sides of a round. */
export type Row = {
  readonly what: string
  readonly unit: string
  readonly digits: number
  readonly brevet: Spread
  readonly floor: Spread | null
  readonly ratio: Spread | null
  readonly aim: Aim | null
  /** Whether the median reaches the aim; null without one. */
  readonly reached: boolean | null
}

/** What a row is made of: a value for each round. An empty list means that this machine cannot tell. */
export type RowParts = {
  readonly what: string
  readonly unit: string
  readonly digits: number
  readonly brevet: readonly number[]
  readonly floor?: readonly number[]
  readonly aim?: Aim
}

/** A row; no row where there is nothing to show. */
export function makeRows({ what, unit, digits, brevet, floor = [], aim }: RowParts): readonly Row[] {
  if (brevet.length === 0) return []
  const ratios = brevet.flatMap((value, round) => {
    const other = floor[round]
    return other === undefined || other === 0 ? [] : [value / other]
  })
  const figure = spreadOf(brevet)
  const ratio = ratios.length === 0 ? null : spreadOf(ratios)
  return [
    {
      what,
      unit,
      digits,
      brevet: figure,
      floor: floor.length === 0 ? null : spreadOf(floor),
      ratio,
      aim: aim ?? null,
      reached: aim === undefined ? null : isReached(aim, figure, ratio),
    },
  ]
}

function isReached({ of, at, value }: Aim, figure: Spread, ratio: Spread | null): boolean | null {
  const shown = of === "figure" ? figure : ratio
  if (shown === null) return null
  return at === "least" ? shown.median >= value : shown.median <= value
}
