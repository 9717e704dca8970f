/**
 * Outcomes that n8n 2.41.1 gave for expressions, copied from the conformance suite: one case a line, with the items that
 * its Code node made, the other nodes that it names, the expressions of the node under test and what that node put out.
 */
import { readFileSync } from "node:fs"
import type { JsonObject } from "../json.ts"
import type { TestNode } from "./expression-scope.ts"

/** A case. `json` is a whole item as one expression, `fields` are those of an item, each with the type that it is given. */
export type RecordedExpressions = {
  readonly id: string
  readonly title: string
  readonly informative?: true
  readonly items: readonly JsonObject[]
  readonly nodes?: { readonly [name: string]: TestNode }
  readonly json?: string
  readonly fields?: readonly { readonly name: string; readonly type: string; readonly value: string }[]
  readonly fails?: true
  readonly outcome?: readonly JsonObject[]
}

/** The recorded cases. */
export const recordedExpressions: readonly RecordedExpressions[] = readFileSync(
  new URL("recorded-expressions.jsonl", import.meta.url),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as RecordedExpressions)
