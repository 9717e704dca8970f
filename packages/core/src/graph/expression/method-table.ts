/** What a method is: a function of ours over a value of one type, found by its name in that type's table. */

import type { Evaluation } from "./evaluation.ts"

/** A method called on `self`. */
export type Method<T> = (run: Evaluation, self: T, args: readonly unknown[]) => unknown

/** The methods of one type. What is not in the table does not exist. */
export type MethodTable<T> = ReadonlyMap<string, Method<T>>

/** A table from a list of named methods. */
export function methodTable<T>(methods: { readonly [name: string]: Method<T> }): MethodTable<T> {
  return new Map(Object.entries(methods))
}
