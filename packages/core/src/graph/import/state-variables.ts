/**
 * Variables that steps of a run write and others read, whatever lies between them. Here values are read from the nodes
 * that made them: a variable is what the last of its writers that ran says, else what it begins with.
 *
 *     $('Second writer').isExecuted ? … : $('First writer').isExecuted ? … : "initial"
 */
import type { JsonValue } from "../../json.ts"
import { nodeCode, quoteCode } from "./expression-text.ts"

/** A node that writes a variable, and the source that reads what it wrote. */
export type Writer = { readonly node: string; readonly code: string; readonly rank: number }

/** Variables by name. */
export type StateVariables = {
  /** A variable and what it begins with. */
  declare(name: string, initial: JsonValue): void
  write(name: string, writer: Writer): void
  /** The source that reads a variable; null where nobody declares or writes it. */
  read(name: string): string | null
  /** The names of those that are declared or written. */
  names(): readonly string[]
}

/** Writers of one variable that are asked (ours): the last ones. */
const writersMax = 10

/** Characters of a first value that is written out wherever the variable is read. */
const initialCharsMax = 2_000

/** No variables. */
export function makeStateVariables(): StateVariables {
  const initials = new Map<string, string>()
  const writers = new Map<string, Writer[]>()
  const made = new Map<string, string>()
  return {
    names: () => [...new Set([...initials.keys(), ...writers.keys()])],
    declare(name, initial) {
      const code = quoteCode(initial)
      initials.set(name, code.length > initialCharsMax ? "null" : code)
      made.delete(name)
    },
    write(name, writer) {
      writers.set(name, [...(writers.get(name) ?? []), writer].slice(-1_000))
      made.delete(name)
    },
    read(name) {
      const known = made.get(name)
      if (known !== undefined) return known
      const all = writers.get(name) ?? []
      if (all.length === 0 && !initials.has(name)) return null
      const last = all.toSorted((a, b) => (a.rank < b.rank ? 1 : a.rank > b.rank ? -1 : 0)).slice(0, writersMax)
      const steps = last.map(({ node, code }) => `${nodeCode(node)}.isExecuted ? ${code} : `)
      const code = `(${steps.join("")}${initials.get(name) ?? "null"})`
      made.set(name, code)
      return code
    },
  }
}
