/** Figures from samples: percentiles within a round, and the spread over rounds. */

/** A figure over several rounds. `values` keeps their order. */
export type Spread = {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly values: readonly number[]
}

/** The nearest-rank percentile (0–100) of samples in any order. Throws where there is none. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = Float64Array.from(samples).sort()
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length))
  const value = sorted[rank - 1]
  if (value === undefined) throw new Error("there is no sample")
  return value
}

/** Median, smallest and largest of values, one for each round. With an even number the median is the middle two's mean. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new Error("there is no round")
  return { median: (lower + upper) / 2, min: sorted[0] ?? upper, max: sorted.at(-1) ?? upper, values }
}
