/** What a global is: a name that is known in every expression, and what it means in an evaluation. */

import type { Evaluation } from "./evaluation.ts"
import { FunctionValue, HostObject, type Invoke } from "./values.ts"

/** Globals by name. */
export type GlobalTable = ReadonlyMap<string, (run: Evaluation) => unknown>

/** A table of globals that mean the same in every evaluation. */
export function constantGlobals(values: { readonly [name: string]: unknown }): GlobalTable {
  return new Map(Object.entries(values).map(([name, value]) => [name, () => value]))
}

/** Members of an object or class of ours: functions by name, and values. */
export function membersOf(
  functions: { readonly [name: string]: Invoke },
  values: { readonly [name: string]: unknown } = {},
): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>(Object.entries(values))
  for (const [name, invoke] of Object.entries(functions)) members.set(name, new FunctionValue(name, invoke))
  return members
}

/** An object of ours that is only a set of members: `Math`. */
export function namespaceOf(name: string, members: ReadonlyMap<string, unknown>): HostObject {
  return new HostObject(name, (key) => members.get(key))
}
