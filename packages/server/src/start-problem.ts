/**
 * Why the server cannot start, told to the person who starts it. It never reaches an HTTP client: whoever starts the
 * process prints `message` and ends with `exitCode`. The words name what is wrong and what to do about it.
 */
export class StartProblem extends Error {
  override readonly name = "StartProblem"
  /** The process ends with this number: 78 for faulty settings (as sysexits has it), otherwise 1. */
  readonly exitCode: number

  constructor(message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = options.exitCode ?? 1
  }
}
