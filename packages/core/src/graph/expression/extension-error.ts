/** The refusal of an extension method that was asked for what it can not do: unlike errors of the language it fails the node. */

import { ExpressionError } from "./errors.ts"

/** An extension method's own refusal: `toInt(): …` with what to do about it. */
export function extensionError(method: string, problem: string): ExpressionError {
  return new ExpressionError(`${method}(): ${problem}`)
}
