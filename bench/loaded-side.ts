/** One side under load for a while: how fast it was, what it cost, and whether everything was stored. */
import type { Bench, Side } from "./bench.ts"
import { driveLoad, type Load } from "./load.ts"
import { readServerCpu } from "./process-figures.ts"
import { nowMs } from "./stamp.ts"
import { percentile } from "./statistics.ts"
import { requireStored } from "./subjects.ts"

/** What a load of one side gave. Times in milliseconds; processor time for each answer, null where it is not told. */
export type Loaded = {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly nodeMs: number | null
  readonly postgresMs: number | null
}

/** A load with the name of its measure. */
export type SideLoad = Load & { readonly measure: string; readonly isWarmUp: boolean }

/** Loads a side. Throws WrongAnswer where it answered wrongly, or stored something else than it answered. */
export async function loadSide(bench: Bench, { subject, server }: Side, load: SideLoad): Promise<Loaded> {
  const before = await subject.countStored()
  const readCpu = () => (server === null ? null : readServerCpu(server.child.pid, server.postmaster))
  const cpuBefore = await readCpu()
  const fromMs = nowMs()
  const { answered, seconds, latenciesMs } = await driveLoad(subject.address, load)
  const toMs = nowMs()
  const cpuAfter = await readCpu()
  await requireStored(subject, { before, answered })
  if (subject.name === "Brevet" && !load.isWarmUp) {
    bench.windows.push({ measure: load.measure, fromMs, toMs, done: answered })
  }
  const each = (total: (cpu: NonNullable<typeof cpuAfter>) => number): number | null =>
    cpuBefore === null || cpuAfter === null ? null : (total(cpuAfter) - total(cpuBefore)) / answered
  return {
    perSecond: answered / seconds,
    p50Ms: percentile(latenciesMs, 50),
    p99Ms: percentile(latenciesMs, 99),
    nodeMs: each((cpu) => cpu.nodeMs),
    postgresMs: each((cpu) => cpu.postgresMs),
  }
}

/** The values of one figure, without rounds in which it was not told. */
export function valuesOf<Name extends keyof Loaded>(loads: readonly Loaded[], name: Name): readonly number[] {
  return loads.flatMap((load) => load[name] ?? [])
}
