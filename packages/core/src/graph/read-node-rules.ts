/** The rules that every node has whatever its kind: what happens on an error, tries, how many items it sees. */
import type { JsonObject } from "../json.ts"
import { type FindingList, pathTo, quote } from "./findings.ts"
import type { GraphNode, OnError } from "./graph.ts"

/** These rules of a node. */
export type NodeRules = Pick<GraphNode, "onError" | "tries" | "alwaysOutputData" | "executeOnce">

/** n8n's bounds and defaults (documented): 2–5 tries, 3 where none are said; 0–5,000 ms between them, 1,000. */
const triesLeast = 2
const triesMost = 5
const triesDefault = 3
const waitMostMs = 5_000
const waitDefaultMs = 1_000

/** Reads them; a value of the wrong type counts as absent, with a finding. */
export function readNodeRules(
  raw: JsonObject,
  place: { readonly node: string; readonly path: string },
  findings: FindingList,
): NodeRules {
  const report = (field: string, wanted: string): void => {
    const message = `Make ${field} of ${quote(place.node)} ${wanted}: what is there was ignored.`
    const path = pathTo(place.path, field)
    findings.add({ severity: "warning", code: "NODE_FIELD_INVALID", message, node: place.node, path })
  }
  const flag = (field: string): boolean => {
    const value = raw[field] ?? false
    if (typeof value !== "boolean") report(field, "true or false")
    return value === true
  }
  return {
    onError: readOnError(raw, report),
    tries: flag("retryOnFail") ? readTries(raw) : { max: 1, waitMs: 0 },
    alwaysOutputData: flag("alwaysOutputData"),
    executeOnce: flag("executeOnce"),
  }
}

const choices: readonly OnError[] = ["stopWorkflow", "continueRegularOutput", "continueErrorOutput"]

/** `continueOnFail` is the older form of `continueRegularOutput` (recorded outcome). */
function readOnError(raw: JsonObject, report: (field: string, wanted: string) => void): OnError {
  const said = raw.onError ?? null
  const choice = choices.find((name) => name === said)
  if (choice !== undefined) return choice
  if (said !== null) report("onError", `one of ${choices.join(", ")}`)
  return raw.continueOnFail === true ? "continueRegularOutput" : "stopWorkflow"
}

function readTries(raw: JsonObject): NodeRules["tries"] {
  const max = clamp(raw.maxTries, { least: triesLeast, most: triesMost, otherwise: triesDefault })
  const waitMs = clamp(raw.waitBetweenTries, { least: 0, most: waitMostMs, otherwise: waitDefaultMs })
  return { max, waitMs }
}

function clamp(value: unknown, bounds: { least: number; most: number; otherwise: number }): number {
  const number = typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : bounds.otherwise
  return Math.min(bounds.most, Math.max(bounds.least, number))
}
