/**
 * A profile of the processor, as V8 writes it, read as: which packages and functions the time went to in which measure.
 *
 * Samples are placed by their time on the machine's monotonic clock, in microseconds, so that the stretches in which a
 * measure loaded the server can be told from its start and from pauses.
 */

/** What is read of a `.cpuprofile`. `timeDeltas[i]` is the time from sample i - 1 to sample i, from `startTime` on. */
export type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** A stretch of time in milliseconds. */
export type Stretch = { readonly fromMs: number; readonly toMs: number }

/** Self time of one place, in milliseconds. */
export type Spent = { readonly name: string; readonly ms: number }

/** Where the time of some stretches went; idle time is none. The largest first. */
export type ProfileSummary = {
  readonly busyMs: number
  readonly groups: readonly Spent[]
  readonly files: readonly Spent[]
  readonly functions: readonly Spent[]
}

/** Adds up self times within the stretches. */
export function summarizeProfile(profile: CpuProfile, stretches: readonly Stretch[]): ProfileSummary {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const totals = {
    groups: new Map<string, number>(),
    files: new Map<string, number>(),
    functions: new Map<string, number>(),
  }
  const add = (map: Map<string, number>, name: string, ms: number): void =>
    void map.set(name, (map.get(name) ?? 0) + ms)
  let busyMs = 0
  let atMs = profile.startTime / 1_000
  for (const [index, id] of profile.samples.entries()) {
    const beganMs = atMs + (profile.timeDeltas[index] ?? 0) / 1_000
    atMs = beganMs
    // A sample stands for the time until the next one.
    const ms = (profile.timeDeltas[index + 1] ?? 0) / 1_000
    const frame = frames.get(id)
    if (frame === undefined || frame.functionName === "(idle)" || !isWithin(stretches, beganMs)) continue
    busyMs += ms
    const file = fileOf(frame.url)
    add(totals.groups, groupOf(frame.functionName, file), ms)
    add(totals.files, file === "" ? frame.functionName : file, ms)
    add(totals.functions, nameOf(frame, file), ms)
  }
  return { busyMs, groups: largest(totals.groups), files: largest(totals.files), functions: largest(totals.functions) }
}

function isWithin(stretches: readonly Stretch[], atMs: number): boolean {
  return stretches.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs)
}

/** The path within the project; `node:…` as it is; "" for what is no file, such as the collection of garbage. */
function fileOf(url: string): string {
  const path = url.replace(/^file:\/\//, "")
  // Compiled by whoever brings it along; its functions have no names worth telling apart.
  if (path.startsWith("wasm:")) return "wasm"
  const inside = /(?:^|\/)((?:packages|node_modules)\/.*)$/.exec(path)?.[1]
  return inside ?? path
}

/** The package of a file, for our own one its room. */
function groupOf(functionName: string, file: string): string {
  if (file === "") return functionName.startsWith("(") ? functionName : "(native)"
  if (file.startsWith("node:")) return "node"
  if (file === "wasm") return "wasm"
  const installed = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]
  if (installed !== undefined) return installed
  const [, name = "", , room = ""] = file.split("/")
  return `our ${name}/${room}`
}

function nameOf({ functionName, lineNumber }: CpuProfile["nodes"][number]["callFrame"], file: string): string {
  const name = functionName === "" ? "(anonymous)" : functionName
  return file === "" ? name : `${name}  ${file}:${lineNumber + 1}`
}

function largest(map: ReadonlyMap<string, number>): readonly Spent[] {
  return [...map].map(([name, ms]) => ({ name, ms })).sort((one, other) => other.ms - one.ms)
}

/** The summary as text: so many lines of each list, with its share and its time for each thing that was done. */
export function renderSummary(
  { busyMs, groups, files, functions }: ProfileSummary,
  { title, done, lines }: { readonly title: string; readonly done: number; readonly lines: number },
): string {
  const list = (head: string, all: readonly Spent[]): readonly string[] => [
    `  ${head}`,
    ...all.slice(0, lines).map(({ name, ms }) => {
      const share = ((ms / busyMs) * 100).toFixed(1).padStart(5)
      const each = ((ms / done) * 1_000).toFixed(1).padStart(7)
      return `  ${share} % ${each} µs  ${name}`
    }),
  ]
  return [
    `${title}: ${busyMs.toFixed(0)} ms busy, ${((busyMs / done) * 1_000).toFixed(0)} µs each`,
    ...list("by package", groups),
    ...list("by file", files),
    ...list("by function", functions),
  ].join("\n")
}
