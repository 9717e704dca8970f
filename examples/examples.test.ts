/** Runs every example against a whole server and compares what comes with its golden files (`-u` writes them anew). */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { JsonObject } from "../packages/core/src/json.ts"
import type { ScriptedAnswer, ScriptedRequest } from "../packages/server/src/testing/scripted-model.ts"
import { startTestServer, type TestServer } from "../packages/server/src/testing/server.ts"
import { makeNaming, type Naming } from "./naming.ts"

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** One call: `keep` takes values of the answer under names, `show` picks the fields that the transcript shows. */
type Step = {
  readonly why: string
  readonly call: string
  readonly body?: Json
  readonly keep?: Readonly<Record<string, string>>
  readonly show?: readonly string[]
}

/** What the model answers where the last thing said has these words: a text, calls of tools, or both. */
type Rule = {
  readonly when: string
  readonly say?: string
  readonly use?: readonly { readonly name: string; readonly arguments: JsonObject }[]
}

const folder = dirname(fileURLToPath(import.meta.url))
const names = readdirSync(folder).filter((name) => /^\d\d-/.test(name))

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const readJson = <T>(...path: string[]): T => JSON.parse(readFileSync(join(folder, ...path), "utf8")) as T

describe.each(names)("example %s", (name) => {
  it("does what its golden files say", async () => {
    const rules = readJson<Rule[]>(name, "model.json")
    server.model.answerWith((request) => answerOf(rules.find(({ when }) => said(request).includes(when))))
    const naming = makeNaming()
    const kept: Record<string, string> = {}
    const transcript = [`# ${name}\n`]
    for (const step of readJson<Step[]>(name, "calls.json")) transcript.push(await take(name, step, { kept, naming }))
    await expect(transcript.join("\n")).toMatchFileSnapshot(join(folder, name, "golden", "transcript.md"))
    const events = await eventsOf(kept.run ?? "", naming)
    await expect(events).toMatchFileSnapshot(join(folder, name, "golden", "events.txt"))
  })
})

function answerOf({ say = "", use = [] }: Partial<Rule> = {}): ScriptedAnswer {
  const toolCalls = use.map((call, index) => ({ id: `call_${index + 1}`, ...call }))
  return toolCalls.length === 0 ? { text: say } : { text: say, toolCalls }
}

/** The last thing that a person or a program said to the model. */
function said(request: ScriptedRequest): string {
  return JSON.stringify(request.messages.at(-1)?.content ?? "")
}

type Progress = { readonly kept: Record<string, string>; readonly naming: Naming }

/** Makes a call and gives its part of the transcript. */
async function take(name: string, step: Step, { kept, naming }: Progress): Promise<string> {
  const [method = "", path = ""] = step.call.split(" ")
  const fill = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (whole, key: string) => kept[key] ?? whole)
  const body = step.body === undefined ? undefined : (JSON.parse(fill(withFiles(name, step.body))) as Json)
  // Addresses of triggers take no key.
  const key = path.startsWith("/v1/") ? {} : { key: null }
  const options = body === undefined ? key : { ...key, body }
  const response = await server.client.send(method, fill(path), options)
  const text = await response.text()
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true
  const values = isStream ? valuesOfStream(text) : (JSON.parse(text) as Json)
  for (const [key, field] of Object.entries(step.keep ?? {})) kept[key] = String(pick(values, field))
  const shown = isStream ? text.trimEnd() : JSON.stringify(picked(values, step.show), null, 2)
  const sent =
    step.body === undefined ? [] : ["```json", naming.apply(fill(JSON.stringify(step.body, null, 2))), "```", ""]
  return [
    `## ${step.why}\n`,
    `\`${naming.apply(`${method} ${fill(path)}`)}\`\n`,
    ...sent,
    `→ ${response.status}\n`,
    isStream ? "```text" : "```json",
    naming.apply(shown),
    "```",
    "",
  ].join("\n")
}

/** A body in which `file:…` stands for what the file holds. */
function withFiles(name: string, body: Json): string {
  return JSON.stringify(body, (_key, value: Json) =>
    typeof value === "string" && value.startsWith("file:") ? readJson<Json>(name, value.slice(5)) : value,
  )
}

/** The fields of all frames of a stream, the later ones over the earlier. */
function valuesOfStream(text: string): Json {
  const frames = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json ?? "{}") as object)
  return Object.assign({}, ...frames) as Json
}

function pick(value: Json, path: string): Json {
  let found: Json | undefined = value
  for (const key of path.split(".")) found = (found as Record<string, Json> | undefined)?.[key]
  return found ?? null
}

function picked(value: Json, fields: readonly string[] | undefined): Json {
  return fields === undefined ? value : Object.fromEntries(fields.map((field) => [field, pick(value, field)]))
}

async function eventsOf(run: string, naming: Naming): Promise<string> {
  const response = await server.client.send("GET", `/v1/runs/${run}/events`)
  return naming.apply(await response.text())
}
