/** What a thread tells of a run, as the port says it: reports are read, and what kept them away gets its words. */
import type { CodeFailure, CodeResult } from "@brevet/core/graph/code/outcome"
import { isJsonObject, type JsonObject, type JsonValue } from "@brevet/core/json"
import type { CodeOutcome, CodeRequest, PatternMatch, PatternOutcome } from "../../ports/sandbox.ts"
import type { NoReport } from "./messages.ts"
import type { Done } from "./thread.ts"

type Bounds = CodeRequest["bounds"]

/** The outcome of code. Throws an Error for a report that is none: a fault of ours, or of the engine. */
export function readCodeOutcome({ outcome, console }: Done, { bounds, items, mode }: CodeRequest): CodeOutcome {
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
  if (!Array.isArray(results) || results.length !== count) throw new Error("a report of the sandbox lacks results")
  return { console, status: "completed", results: results.map(readResult), staticData: readStaticData(staticData) }
}

/** The outcome of a pattern. Throws as `readCodeOutcome` does. */
export function readPatternOutcome({ outcome }: Done, bounds: Bounds): PatternOutcome {
  if (outcome.type !== "report") return { status: "failed", failure: failureOf(outcome.type, bounds) }
  const report = readReport(outcome.text)
  if (report.status === "failed") return { status: "failed", failure: readFailure(report.failure) }
  if (!Array.isArray(report.matches)) throw new Error("a report of the sandbox lacks matches")
  return { status: "completed", matches: report.matches.map(readMatch) }
}

function readReport(text: string): JsonObject {
  const report: unknown = JSON.parse(text)
  if (isJsonObject(report)) return report
  throw new Error("the sandbox reports what is no report")
}

function readFailure(value: JsonValue | undefined): CodeFailure {
  if (!isJsonObject(value) || typeof value.message !== "string")
    throw new Error("a failure of the sandbox has no words")
  const code = value.code === "CODE_LIMIT" ? "CODE_LIMIT" : "CODE_ERROR"
  return { code, message: value.message, line: typeof value.line === "number" ? value.line : null }
}

function readResult(value: JsonValue): CodeResult {
  if (!isJsonObject(value)) throw new Error("a result of the sandbox is none")
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
      throw new Error("a result of the sandbox is of no known type")
  }
}

function readStaticData(value: JsonValue | undefined) {
  if (!isJsonObject(value)) return null
  const { node, global } = value
  return { node: isJsonObject(node) ? node : {}, global: isJsonObject(global) ? global : {} }
}

function readMatch(value: JsonValue): PatternMatch {
  if (!isJsonObject(value) || typeof value.index !== "number" || !Array.isArray(value.groups)) {
    throw new Error("a match of the sandbox is none")
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
