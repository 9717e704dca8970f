/** What the benchmark is asked for. */
import { parseArgs } from "node:util"

/** The options, with their defaults filled in. */
export type Options = {
  /** Names of measures; empty: all. */
  readonly measures: readonly string[]
  readonly rounds: number
  /** How long each side is loaded in a round, and before the first one (milliseconds). */
  readonly roundMs: number
  readonly warmUpMs: number
  /** Rounds in which other programs took more than so many cores are made again (while there is patience). */
  readonly othersCoresMax: number
  readonly json: boolean
  readonly profile: boolean
}

/** What `--help` says. */
const usage = `npm run bench -- [measure …] [options]

  --quick          short rounds: a look, not a result
  --rounds N       rounds of each measure (default 3, at least 3)
  --seconds N      how long each side is loaded in a round (default 4)
  --others N       make rounds again in which other programs took more than N cores (default 0.25)
  --json           everything as JSON on stdout, in place of the table
  --profile        Brevet with --cpu-prof: says where its time goes and where the profile lies`

/** Reads the command line. Throws an Error with a sentence about what does not fit. */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string", default: "3" },
      seconds: { type: "string" },
      others: { type: "string", default: "0.25" },
      json: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  if (values.help) throw new Error(`${usage}\n\nMeasures: ${names.join(", ")}`)
  const unknown = positionals.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new Error(`There is no measure ${unknown.join(", ")}. There are: ${names.join(", ")}.`)
  const seconds = numberOf("seconds", values.seconds ?? (values.quick ? "1" : "4"), { min: 0.1 })
  return {
    measures: positionals,
    rounds: Math.round(numberOf("rounds", values.rounds, { min: 3 })),
    roundMs: seconds * 1_000,
    warmUpMs: values.quick ? 500 : 4_000,
    othersCoresMax: values.quick ? Number.POSITIVE_INFINITY : numberOf("others", values.others, { min: 0 }),
    json: values.json,
    profile: values.profile,
  }
}

function numberOf(name: string, text: string, { min }: { readonly min: number }): number {
  const value = Number(text)
  if (text.trim() === "" || !(value >= min)) throw new Error(`--${name} must be a number of at least ${min}.`)
  return value
}
