/**
 * Paths of triggers: what a node says, in the one form in which addresses are kept and compared, and what of a request
 * fits it. A step that begins with a colon is a parameter, as n8n documents: `orders/:id/items`.
 *
 *     "/orders/:id/"  ──read──>  { path: "orders/:id", shape: "orders/:" }
 *     "orders/17"     ──match──> { id: "17" }
 */

/** A path of a node. `shape` is the path with every parameter as a bare colon: two of one shape are one address. */
export type TriggerPath = {
  readonly path: string
  readonly shape: string
  readonly steps: readonly string[]
  /** How many of the steps are parameters. */
  readonly parameters: number
}

/** Bounds of a path (ours). */
const pathCharsMax = 500
const stepsMax = 30

/** Control characters, half characters, and what a request could never send as a part of a path. */
const unsendable = /[\p{Cc}\p{Surrogate}?#\\]/u
const parameterName = /^:[A-Za-z_][\w-]{0,99}$/

/** The path of a text; null where no request could come to it. Slashes and blanks around it do not count. */
export function readTriggerPath(text: string): TriggerPath | null {
  const path = text.trim().replace(/^\/+|\/+$/g, "")
  if (path === "" || path.length > pathCharsMax || unsendable.test(path)) return null
  const steps = path.split("/")
  if (steps.length > stepsMax || !steps.every(isStep)) return null
  const names = steps.filter(isParameter)
  if (new Set(names).size < names.length) return null
  const shape = steps.map((step) => (isParameter(step) ? ":" : step)).join("/")
  return { path, shape, steps, parameters: names.length }
}

function isStep(step: string): boolean {
  if (step === "" || step === "." || step === "..") return false
  return !step.startsWith(":") || (parameterName.test(step) && step !== ":__proto__")
}

function isParameter(step: string): boolean {
  return step.startsWith(":")
}

/** The steps of a request's path after the door's own, decoded; null where no path of a node can be meant. */
export function readRequestPath(raw: string): readonly string[] | null {
  const trimmed = raw.replace(/^\/+|\/+$/g, "")
  const steps = trimmed.split("/")
  if (trimmed === "" || trimmed.length > pathCharsMax * 3 || steps.length > stepsMax) return null
  const decoded: string[] = []
  for (const step of steps) {
    const text = decode(step)
    if (text === null || text === "" || text === "." || text === ".." || text.includes("\0")) return null
    decoded.push(text)
  }
  return decoded
}

function decode(step: string): string | null {
  try {
    return decodeURIComponent(step)
  } catch {
    // Half an escape is an answer here: no path of a node has it.
    return null
  }
}

/** What a request gives for the parameters of a path; null where the path is another one. */
export function matchPath(path: TriggerPath, request: readonly string[]): Readonly<Record<string, string>> | null {
  if (path.steps.length !== request.length) return null
  const parameters: [string, string][] = []
  for (const [index, step] of path.steps.entries()) {
    const given = request[index] ?? ""
    if (isParameter(step)) parameters.push([step.slice(1), given])
    else if (step !== given) return null
  }
  return Object.fromEntries(parameters)
}

/**
 * Which of two paths that fit one request is meant: the one whose first step that differs is no parameter. Negative: the
 * first.
 */
export function comparePaths(one: TriggerPath, other: TriggerPath): number {
  for (const [index, step] of one.steps.entries()) {
    const difference = Number(isParameter(step)) - Number(isParameter(other.steps[index] ?? ""))
    if (difference !== 0) return difference
  }
  return 0
}
