/**
 * Reading the conformance suite: the cases of a folder with what they ask and expect. The cases name the fixtures at the
 * ports at which they were recorded; whoever reads a suite says where its fixtures are, and every mention is rewritten.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { JsonObject, JsonValue } from "@brevet/core/json"

/** How far requests to the model are compared; see README.md. */
export type RequestLevel = "exact" | "loose" | "free"

/** What n8n answered. `error.node` is null where it refused before the run began. */
export type Expected = {
  readonly status: "success" | "error"
  readonly nodes: Readonly<Record<string, readonly { readonly outputs: JsonObject[][]; readonly error?: string }[]>>
  readonly order: readonly string[]
  readonly lastNode: string | null
  readonly error?: { readonly node: string | null; readonly message: string }
}

/** A case. `script` and `requests`: what the model says, and what is asked of it. */
export type Case = {
  readonly id: string
  readonly area: string
  readonly title: string
  readonly isInformative: boolean
  readonly level: RequestLevel
  readonly workflow: JsonObject
  readonly expected: Expected
  readonly script: JsonValue | null
  readonly requests: JsonValue | null
}

/** A line of a suite's index. */
export type IndexLine = {
  readonly id: string
  readonly area: string
  readonly title: string
  readonly informative?: boolean
  readonly requests?: RequestLevel
}

/** A credential that workflows name. */
export type SuiteCredential = { readonly name: string; readonly type: string; readonly data: JsonObject }

/** Where the fixtures listen, as `host:port`. */
export type FixtureAddresses = { readonly http: string; readonly model: string }

/** The suite of this folder. */
export const ownSuite: string = import.meta.dirname

const recordedAddresses: FixtureAddresses = { http: "127.0.0.1:9310", model: "127.0.0.1:9311" }

/** The index of the suite in a folder, in its order. */
export function readIndex(folder: string): readonly IndexLine[] {
  return JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"))
}

/** The credentials of the suite in a folder. */
export function readCredentials(folder: string, addresses: FixtureAddresses): readonly SuiteCredential[] {
  return readRewritten(join(folder, "credentials.json"), addresses) as unknown as SuiteCredential[]
}

/** The case of a line. */
export function readCase(folder: string, line: IndexLine, addresses: FixtureAddresses): Case {
  const read = (name: string): JsonValue | null => {
    const file = join(folder, line.id, name)
    return existsSync(file) ? readRewritten(file, addresses) : null
  }
  return {
    id: line.id,
    area: line.area,
    title: line.title,
    isInformative: line.informative === true,
    level: line.requests ?? "exact",
    workflow: read("workflow.json") as JsonObject,
    expected: read("expected.json") as unknown as Expected,
    script: read("script.json"),
    requests: read("llm-requests.json"),
  }
}

function readRewritten(file: string, { http, model }: FixtureAddresses): JsonValue {
  const text = readFileSync(file, "utf8")
  return JSON.parse(text.replaceAll(recordedAddresses.http, http).replaceAll(recordedAddresses.model, model))
}
