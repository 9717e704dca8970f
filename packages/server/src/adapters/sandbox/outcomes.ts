/** What a thread tells of a run, as the port says it: reports are read, and what kept them away gets its words. */
import type { CodeFailure, CodeResult } from "@brevet/core/graph/code/outcome"
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"
import type { CodeOutcome, CodeRequest, PatternMatch, PatternOutcome } from "../../ports/sandbox.ts"
import type { NoReport } from "./messages.ts"
import type { Done } from "./thread.ts"

type Bounds = CodeRequest["bounds"]

/** A report that is none: code got at what tells of it. */
class BadReport extends Error {
  override readonly name = "BadReport"
}

/** The outcome of code. A report that is none is a failure of the code: it comes from where the code could do as it likes. */
export function readCodeOutcome(done: Done, request: CodeRequest): CodeOutcome {
  try {
    return readOutcome(done, request)
  } catch (error) {
    return { console: done.console, status: "failed", failure: failureOfReport(error), item: null }
  }
}

function readOutcome({ outcome, console }: Done, { bounds, items, mode }: CodeRequest): CodeOutcome {
  if (outcome.type !== "report") {
    return { console, status: "failed", failure: failureOf(outcome.type, bounds), item: null }
  }
  const report = readReport(outcome.text)
  if (report.status === "failed") {
    const item = typeof report.item === "number" ? report.item : null
    return { console, status: "failed", failure: readFailure(report.failure), item }
  }
  const { results, staticData } = report
  const count = mode === "each" ? items.length : 1
  if (!Array.isArray(results) || results.length !== count) throw new BadReport("a report of the sandbox lacks results")
  return { console, status: "completed", results: results.map(readResult), staticData: readStaticData(staticData) }
}

/** The outcome of a pattern. */
export function readPatternOutcome({ outcome }: Done, bounds: Bounds): PatternOutcome {
  if (outcome.type !== "report") return { status: "failed", failure: failureOf(outcome.type, bounds) }
  const report = readReport(outcome.text)
  if (report.status === "failed") return { status: "failed", failure: readFailure(report.failure) }
  if (!Array.isArray(report.matches)) throw new BadReport("a report of the sandbox lacks matches")
  return { status: "completed", matches: report.matches.map(readMatch) }
}

function readReport(text: string): JsonObject {
  const report: unknown = JSON.parse(text)
  if (isJsonObject(report)) return report
  throw new BadReport("the sandbox reports what is no report")
}

function readFailure(value: JsonValue | undefined): CodeFailure {
  if (!isJsonObject(value) || typeof value.message !== "string")
    throw new BadReport("a failure of the sandbox has no words")
  const code = value.code === "CODE_LIMIT" ? "CODE_LIMIT" : "CODE_ERROR"
  return { code, message: value.message, line: typeof value.line === "number" ? value.line : null }
}

function readResult(value: JsonValue): CodeResult {
  if (!isJsonObject(value)) throw new BadReport("a result of the sandbox is none")
  const { type, value: given = null } = value
  switch (type) {
    case "undefined":
    case "null":
    case "list":
    case "object":
    case "other":
      return { type, value: given }
    case "failed":
      return { type, failure: readFailure(value.failure) }
    default:
      throw new BadReport("a result of the sandbox is of no known type")
  }
}

function readStaticData(value: JsonValue | undefined) {
  if (!isJsonObject(value)) return null
  const { node, global } = value
  return { node: isJsonObject(node) ? node : {}, global: isJsonObject(global) ? global : {} }
}

function readMatch(value: JsonValue): PatternMatch {
  if (!isJsonObject(value) || typeof value.index !== "number" || !Array.isArray(value.groups)) {
    throw new BadReport("a match of the sandbox is none")
  }
  const groups = value.groups.map((group: JsonValue) => (typeof group === "string" ? group : null))
  return { index: value.index, groups, named: readNamed(value.named) }
}

function readNamed(value: JsonValue | undefined): PatternMatch["named"] {
  if (!isJsonObject(value)) return null
  return Object.fromEntries(
    Object.entries(value).map(([name, group]) => [name, typeof group === "string" ? group : null]),
  )
}

function failureOfReport(error: unknown): CodeFailure {
  if (!(error instanceof BadReport || error instanceof SyntaxError)) throw error
  const message = "The code changed what tells of its results: leave the language's own objects as they are."
  return { code: "CODE_ERROR", message, line: null }
}

/** The words for a run without a report. */
function failureOf(reason: NoReport, { timeMs, memoryBytes, outputChars }: Bounds): CodeFailure {
  if (reason === "stuck") {
    const message = "The code waits for something that never comes: a promise in it is never settled."
    return { code: "CODE_ERROR", message, line: null }
  }
  const megabytes = Math.floor(memoryBytes / (1024 * 1024))
  const words: Record<Exclude<NoReport, "stuck">, string> = {
    time: `The code took longer than the ${timeMs / 1_000} seconds that it may take.`,
    memory: `The code needs more memory than the ${megabytes} MiB that it may have, or calls itself too deeply.`,
    broken: "The code is nested too deeply, or calls itself too deeply.",
    output: `The code gives more than the ${outputChars} characters that it may give.`,
    depth: "The code gives data that is nested more deeply than 100 levels.",
    stopped: "The code was stopped.",
  }
  return { code: "CODE_LIMIT", message: words[reason], line: null }
}
