/**
 * How findings are gathered. Findings are kept with every version and shown whole, so that their number and the texts in
 * them are bounded: a hostile definition must not make a report that is larger than itself.
 */
import type { Finding } from "./graph.ts"

/** Findings of one code that are kept of one definition (ours); a last one says how many more there are. */
export const findingsOfCodeMax = 20

/** Characters of a name of the definition that a message shows. */
const quotedCharsMax = 60

/** Takes findings; what is beyond the bound of its code is only counted. */
export type FindingList = {
  add(finding: Finding): void
  addAll(findings: Iterable<Finding>): void
  /** What was gathered, in the order in which it came. */
  all(): readonly Finding[]
}

/** An empty list. */
export function makeFindingList(): FindingList {
  const kept: Finding[] = []
  const counts = new Map<string, { severity: Finding["severity"]; count: number }>()
  const add = (finding: Finding): void => {
    const seen = counts.get(finding.code) ?? { severity: finding.severity, count: 0 }
    seen.count += 1
    counts.set(finding.code, seen)
    if (seen.count <= findingsOfCodeMax) kept.push(finding)
  }
  return {
    add,
    addAll(findings) {
      for (const finding of findings) add(finding)
    },
    all() {
      const rest = [...counts].filter(([, { count }]) => count > findingsOfCodeMax)
      return [...kept, ...rest.map(([code, { severity, count }]) => restFinding(code, severity, count))]
    },
  }
}

function restFinding(code: string, severity: Finding["severity"], count: number): Finding {
  const message = `${count - findingsOfCodeMax} more findings of this kind are not shown; repair those above and check again.`
  return { severity, code, message }
}

/** A name or value of the definition as messages show it: in quotes, cut where it is long. */
export function quote(text: string): string {
  return `'${cutText(text, quotedCharsMax)}'`
}

/** The beginning of a text, whole characters, with `…` where something was cut. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const end = isHighSurrogate(text.charCodeAt(charsMax - 1)) ? charsMax - 1 : charsMax
  return `${text.slice(0, end)}…`
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

const plainKey = /^[A-Za-z_$][\w$-]*$/

/** A JSON path with one more step: `nodes[2].parameters`, `connections["My node"]`. */
export function pathTo(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`
  if (!plainKey.test(key)) return `${path}[${JSON.stringify(cutText(key, quotedCharsMax))}]`
  const shown = cutText(key, quotedCharsMax)
  return path === "" ? shown : `${path}.${shown}`
}
