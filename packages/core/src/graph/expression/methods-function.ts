/** Methods of functions. There is no `this` in an expression, so that the first argument of `call` counts for nothing. */

import { toElements } from "./convert.ts"
import type { Evaluation } from "./evaluation.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { FunctionValue } from "./values.ts"

/** A bound function is a call around a call. */
const BOUND_HEIGHT = 2

/** Methods of a function. */
export const FUNCTION_METHODS: MethodTable<FunctionValue> = methodTable<FunctionValue>({
  apply: (run, self, args) =>
    self.invoke(run, args[1] === undefined || args[1] === null ? [] : toElements(run, args[1])),
  bind: (run, self, args) => {
    const first = args.slice(1)
    run.charge(first.length)
    return new FunctionValue(`bound ${self.name}`, (inner, rest) => {
      inner.charge(first.length + rest.length)
      inner.enter(BOUND_HEIGHT)
      const value = self.invoke(inner, [...first, ...rest])
      inner.leave(BOUND_HEIGHT)
      return value
    })
  },
  call: (run, self, args) => self.invoke(run, args.slice(1)),
  toString: (_run: Evaluation, self: FunctionValue) => self.text(),
})
