/** What a tidy rule is, and how its findings are weighed against the list of exceptions. */
import type { Project } from "./project.ts"

/** A place where a rule is broken. `message` says what to do about it. */
export type Breach = {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly message: string
  /** What an exception can name: a function, an export, an imported file. */
  readonly subject?: string
  /** How large the thing is, where the rule bounds a size. */
  readonly measure?: number
}

/** A rule of the house. `sentence` completes "the project …" as the name of its test. */
export type Rule = {
  readonly name: string
  readonly sentence: string
  readonly check: (project: Project) => readonly Breach[]
}

/** Leave to break one rule in one file (at one subject, where it is named). Sizes get a bound of their own. */
export type Exception = {
  readonly rule: string
  readonly file: string
  readonly subject?: string
  readonly atMost?: number
  readonly reason: string
}

/** The breaches that no exception covers, and the exceptions that cover nothing. */
export type Judgement = { readonly breaches: readonly Breach[]; readonly idle: readonly Exception[] }

/** Weighs what one rule found against the exceptions of that rule. */
export function judge(rule: Rule, project: Project, exceptions: readonly Exception[]): Judgement {
  const own = exceptions.filter((exception) => exception.rule === rule.name)
  const used = new Set<Exception>()
  const breaches = rule.check(project).filter((breach) => {
    const exception = own.find((candidate) => covers(candidate, breach))
    if (exception !== undefined) used.add(exception)
    return exception === undefined
  })
  return { breaches, idle: own.filter((exception) => !used.has(exception)) }
}

/** Breaches as lines that an editor can jump to. */
export function breachLines(breaches: readonly Breach[]): string {
  return breaches.map(({ file, line, message }) => `${file}:${line} ${message}`).join("\n")
}

function covers(exception: Exception, breach: Breach): boolean {
  if (exception.file !== breach.file) return false
  if (exception.subject !== undefined && exception.subject !== breach.subject) return false
  return breach.measure === undefined || (exception.atMost !== undefined && breach.measure <= exception.atMost)
}
