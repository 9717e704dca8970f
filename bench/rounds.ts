/**
 * Rounds: each side of a comparison is loaded for the same time, one after the other, in an order that turns from round to
 * round, so that what the machine does meanwhile meets all of them.
 *
 * A round in which other programs took too much of the machine is made again, up to three times as many rounds as are
 * wanted; then the quietest count.
 */
import type { Bench } from "./bench.ts"
import { childrenOf, readBusyMs, readCpuMs } from "./process-figures.ts"
import { nowMs } from "./stamp.ts"

/** Loads one side for so long; null: as much as it takes (it counts by itself). `isWarmUp`: the result is thrown away. */
export type Lane<Result> = (pace: { readonly durationMs: number; readonly isWarmUp: boolean }) => Promise<Result>

/** The results of each lane, a value for each round. */
export type Results<Name extends string, Result> = Readonly<Record<Name, readonly Result[]>>

const triesPerRound = 3

/** Makes the rounds of a measure, after one that warms everything up. */
export async function inRounds<Name extends string, Result>(
  bench: Bench,
  measure: string,
  lanes: Readonly<Record<Name, Lane<Result>>>,
): Promise<Results<Name, Result>> {
  const { rounds, roundMs, warmUpMs, othersCoresMax } = bench.options
  const names = Object.keys(lanes) as Name[]
  for (const name of names) await lanes[name]({ durationMs: warmUpMs, isWarmUp: true })
  const made: { readonly results: Record<Name, Result>; readonly othersCores: number }[] = []
  const quiet = () => made.filter(({ othersCores }) => othersCores <= othersCoresMax)
  while (quiet().length < rounds && made.length < rounds * triesPerRound) {
    const before = await readAccount(bench)
    const results: Partial<Record<Name, Result>> = {}
    for (const name of rotated(names, made.length)) {
      results[name] = await lanes[name]({ durationMs: roundMs, isWarmUp: false })
    }
    const othersCores = othersBetween(before, await readAccount(bench))
    made.push({ results: results as Record<Name, Result>, othersCores })
    bench.note(`${measure}: round ${made.length}, other programs took ${othersCores.toFixed(2)} cores`)
  }
  const counted = [...made].sort((one, other) => one.othersCores - other.othersCores).slice(0, rounds)
  for (const { othersCores } of counted) bench.othersCores.push(othersCores)
  const entries = names.map((name) => [name, counted.map(({ results }) => results[name])])
  return Object.fromEntries(entries) as Results<Name, Result>
}

type Account = { readonly atMs: number; readonly busyMs: number | null; readonly ownMs: number | null }

async function readAccount(bench: Bench): Promise<Account> {
  const pids = bench.ownPids()
  // Of a backend that lives only itself knows; of one that has ended its parent does.
  const children = await Promise.all(pids.map(childrenOf))
  const all = [...new Set([...pids, ...children.flat()])]
  const [busyMs, ownMs] = await Promise.all([readBusyMs(), readCpuMs(all)])
  return { atMs: nowMs(), busyMs, ownMs }
}

/** Cores that other programs took; 0 where the kernel does not tell. */
function othersBetween(before: Account, after: Account): number {
  if (before.busyMs === null || after.busyMs === null || before.ownMs === null || after.ownMs === null) return 0
  const othersMs = after.busyMs - before.busyMs - (after.ownMs - before.ownMs)
  return Math.max(0, othersMs / (after.atMs - before.atMs))
}

function rotated<Name>(names: readonly Name[], by: number): readonly Name[] {
  const first = by % names.length
  return [...names.slice(first), ...names.slice(0, first)]
}
