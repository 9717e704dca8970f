import { importsOf } from "../imports.ts"
import { type Project, type SourceFile, sourcesOf } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/**
 * No cycles of values: files that need each other to be evaluated cannot be read, tested or moved alone. `import type` is
 * gone after compilation and may close a cycle (a state and the events that it is made of); `import()` is evaluated later.
 */
export const cycles: Rule = {
  name: "cycles",
  sentence: "has no import cycles of values",
  check: (project) => findCycles(project).map((cycle) => toBreach(project, cycle)),
}

function toBreach(project: Project, cycle: readonly string[]): Breach {
  const [first = "", second = first] = cycle
  const file = project.files.get(first) as SourceFile
  const line = importsOf(project, file).find(({ target }) => "file" in target && target.file === second)?.line ?? 1
  const path = [...cycle, first].join(" -> ")
  return {
    file: first,
    line,
    subject: second,
    message: `import cycle: ${path}. Move what both need into a file of its own, or write \`import type\` where only types are needed`,
  }
}

/** One cycle per knot (strongly connected component), shortest from the alphabetically first file of it. */
function findCycles(project: Project): readonly (readonly string[])[] {
  const edges = new Map<string, readonly string[]>()
  for (const file of sourcesOf(project)) {
    const targets = importsOf(project, file).flatMap(({ how, target }) =>
      how === "value" && "file" in target && project.files.has(target.file) ? [target.file] : [],
    )
    edges.set(file.path, targets)
  }
  const reported = new Set<string>()
  const found: (readonly string[])[] = []
  for (const start of [...edges.keys()].sort()) {
    if (reported.has(start)) continue
    const cycle = shortestCycle(edges, start)
    if (cycle === null) continue
    found.push(cycle)
    for (const path of knotOf(edges, start)) reported.add(path)
  }
  return found
}

function shortestCycle(edges: ReadonlyMap<string, readonly string[]>, start: string): readonly string[] | null {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const next of edges.get(path) ?? []) {
      if (next === start) return pathTo(cameFrom, start, path)
      if (cameFrom.has(next)) continue
      cameFrom.set(next, path)
      queue.push(next)
    }
  }
  return null
}

function pathTo(cameFrom: ReadonlyMap<string, string>, start: string, end: string): readonly string[] {
  const path = [end]
  for (let at = end; at !== start; ) {
    const before = cameFrom.get(at)
    if (before === undefined) break
    path.unshift(before)
    at = before
  }
  return path
}

/** The files that a file reaches and that reach it. */
function knotOf(edges: ReadonlyMap<string, readonly string[]>, start: string): readonly string[] {
  return [...reach(edges, start)].filter((path) => reach(edges, path).has(start))
}

function reach(edges: ReadonlyMap<string, readonly string[]>, start: string): ReadonlySet<string> {
  const reached = new Set<string>()
  const queue = [start]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const next of edges.get(path) ?? []) {
      if (reached.has(next)) continue
      reached.add(next)
      queue.push(next)
    }
  }
  return reached
}
