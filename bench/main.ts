/**
 * `npm run bench`: measures Brevet and its floor side by side and prints a table. Ends with 1 where something was answered
 * wrongly or not stored; figures alone never fail. What was started is ended and removed, also on Ctrl-C.
 */
import { readdir, readFile } from "node:fs/promises"
import { availableParallelism, cpus, loadavg } from "node:os"
import { join } from "node:path"
import { buildIfOld } from "../scripts/build.mjs"
import { Bench } from "./bench.ts"
import type { Row } from "./figures.ts"
import { Grounds } from "./grounds.ts"
import { measures } from "./measures.ts"
import { type Options, readOptions } from "./options.ts"
import { type CpuProfile, renderSummary, summarizeProfile } from "./profile.ts"
import { spreadOf } from "./statistics.ts"
import { renderTable } from "./table.ts"

/** Lines of each list of a profile. */
const profileLines = 30

type Outcome = { readonly measure: string; readonly rows: readonly Row[]; readonly failure: string | null }

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), Object.keys(measures))
  if (!buildIfOld()) throw new Error("Brevet could not be built.")
  const grounds = await Grounds.make()
  endOnSignals(grounds)
  try {
    const bench = await Bench.open(options, grounds)
    const outcomes: Outcome[] = []
    for (const name of options.measures.length === 0 ? Object.keys(measures) : options.measures) {
      outcomes.push(await measureOne(bench, name))
      if (grounds.isClosing) return
    }
    if (outcomes.some(({ failure }) => failure !== null)) process.exitCode = 1
    printOutcomes(bench, outcomes)
    // A profile is written when its process ends.
    if (bench.profileFolder !== null) {
      const { server } = await bench.brevet()
      await server?.child.end()
      if (server !== null) await printProfile(bench, bench.profileFolder, server.child.pid)
    }
  } finally {
    await grounds.close()
  }
}

async function measureOne(bench: Bench, name: string): Promise<Outcome> {
  try {
    return { measure: name, rows: (await measures[name]?.(bench)) ?? [], failure: null }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    if (!bench.grounds.isClosing) bench.note(`${name} failed: ${failure}`)
    return { measure: name, rows: [], failure }
  }
}

/** A first signal ends what was started; a second one while that takes its time ends this process as it is. */
function endOnSignals(grounds: Grounds): void {
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.once(signal, () => {
      process.stderr.write("Ending what was started …\n")
      void grounds.close().finally(() => process.exit(128 + number))
    })
  }
}

function printOutcomes({ options, othersCores }: Bench, outcomes: readonly Outcome[]): void {
  const environment = {
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? "unknown",
    load: loadavg()[0],
    rounds: options.rounds,
    seconds: options.roundMs / 1_000,
    others_cores: othersCores.length === 0 ? null : spreadOf(othersCores),
    profiled: options.profile,
  }
  if (options.json) {
    console.log(JSON.stringify({ environment, outcomes }, null, 2))
    return
  }
  console.log(renderTable(outcomes.flatMap(({ rows }) => rows)))
  console.log(`\n${describe(options, environment)}`)
  for (const { measure, failure } of outcomes) if (failure !== null) console.log(`\n${measure} FAILED: ${failure}`)
}

type Environment = {
  readonly node: string
  readonly cores: number
  readonly processor: string
  readonly others_cores: { readonly median: number; readonly max: number } | null
}

function describe(
  { rounds, roundMs, profile }: Options,
  { node, cores, processor, others_cores }: Environment,
): string {
  const others =
    others_cores === null
      ? ""
      : ` Other programs took ${others_cores.median.toFixed(2)} cores in the median round, ${others_cores.max.toFixed(2)} in the worst.`
  return [
    `Median of ${rounds} rounds (smallest–largest), ${roundMs / 1_000} s each; Node ${node} on ${cores} cores (${processor}), shared by the server, its Postgres, the model and the load.${others}`,
    ...(profile ? ["Brevet was profiled, which makes it slower."] : []),
  ].join("\n")
}

async function printProfile({ windows }: Bench, folder: string, pid: number): Promise<void> {
  // V8 names the file for the time, the process and its thread.
  const name = (await readdir(folder)).find((file) => file.includes(`.${pid}.0.`))
  if (name === undefined) throw new Error(`the server left no profile in ${folder}`)
  const path = join(folder, name)
  const profile = JSON.parse(await readFile(path, "utf8")) as CpuProfile
  for (const measure of new Set(windows.map((window) => window.measure))) {
    const own = windows.filter((window) => window.measure === measure)
    const done = own.reduce((sum, window) => sum + window.done, 0)
    process.stderr.write(
      `\n${renderSummary(summarizeProfile(profile, own), { title: measure, done, lines: profileLines })}\n`,
    )
  }
  process.stderr.write(`\nThe whole profile, for the tools of a browser: ${path}\n`)
}

main().catch((error: unknown) => {
  console.error(error instanceof Error && error.cause === undefined ? error.message : error)
  process.exitCode = 1
})
