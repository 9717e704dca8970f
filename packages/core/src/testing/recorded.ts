/**
 * Outcomes that n8n 2.41.1 gave, copied from the conformance suite as far as the kinds here can run them: one case a line.
 * Nodes of other kinds (Code makes the data there) give what was recorded of them.
 */
import { readFileSync } from "node:fs"
import type { JsonObject, JsonValue } from "../json.ts"

/** A run: what its nodes gave, in which order, and which node failed. */
export type RecordedRun = {
  readonly id: string
  readonly title: string
  /** Recorded where n8n's answer is an accident or a library's detail: ours may differ. */
  readonly informative?: true
  readonly nodes: readonly JsonObject[]
  readonly connections: JsonObject
  readonly start: string
  readonly given: Readonly<Record<string, readonly (readonly (readonly JsonObject[])[])[]>>
  readonly expected: Readonly<Record<string, readonly RecordedExecution[]>>
  readonly order: readonly string[]
  readonly status: "success" | "error"
  readonly failed: string | null
}

/** One run of a node: its outputs, or that it failed. The wording of errors is our own. */
export type RecordedExecution = { readonly outputs?: readonly (readonly JsonObject[])[]; readonly fails?: true }

/** A truth table: conditions over one item, and whether each holds. */
export type RecordedTable = {
  readonly id: string
  readonly title: string
  readonly item: JsonObject
  readonly rules: readonly {
    readonly name: string
    readonly typeValidation: "strict" | "loose"
    readonly left: JsonValue
    readonly right: JsonValue
    readonly operator: JsonObject
    readonly holds: boolean
  }[]
}

/** The recorded runs. */
export const recordedRuns: readonly RecordedRun[] = readCases("recorded-runs.jsonl")

/** The recorded runs of the kinds that shape data: each has a node of one of them. */
export const recordedKinds: readonly RecordedRun[] = readCases("recorded-kinds.jsonl")

/** The recorded truth tables. */
export const recordedTables: readonly RecordedTable[] = readCases("recorded-conditions.jsonl")

function readCases<Case>(file: string): readonly Case[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8")
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Case)
}
