/** What can go wrong with an expression, as the rest of the system sees it. */

/** `EXPRESSION_ERROR`: the expression is wrong or asks for what it may not have. `EXPRESSION_LIMIT`: it would use too much. */
export type ExpressionErrorCode = "EXPRESSION_ERROR" | "EXPRESSION_LIMIT"

/**
 * The only error that leaves this room. Its message says what to do and may be shown to the author of the workflow.
 * A type error or a `throw` inside an expression is no such error: it gives null (documented by recorded outcomes).
 */
export class ExpressionError extends Error {
  readonly code: ExpressionErrorCode

  constructor(message: string, options: { code?: ExpressionErrorCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "ExpressionError"
    this.code = options.code ?? "EXPRESSION_ERROR"
  }
}

/** An `EXPRESSION_LIMIT`: `what` is what would become too much ("text", "list"), `limit` the bound with its unit. */
export function limitError(what: string, limit: string): ExpressionError {
  return new ExpressionError(
    `The expression uses too much: ${what} (limit: ${limit}). Make the data smaller, or do the work in a Code node.`,
    { code: "EXPRESSION_LIMIT" },
  )
}
