/**
 * Tries a folder of n8n workflows as a user would: imports them all, promotes those that chat, and talks to those whose
 * path needs no node that is not run here. The model is the scripted one; credentials of models are made for it.
 *
 *     node --conditions=brevet-source --import tsx scripts/try-collection.ts FOLDER [--verbose] [--only WORD] [--chats]
 *
 * Prints shares and what went wrong, the most frequent first. Collections are not part of the repository.
 */

import { readdirSync, readFileSync } from "node:fs"
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"
import { credentialTypes } from "../packages/core/src/graph/credential-types.ts"
import { chatEntry } from "../packages/core/src/graph/entry.ts"
import type { Graph, GraphNode } from "../packages/core/src/graph/graph.ts"
import { findKind } from "../packages/core/src/graph/kinds/table.ts"
import { readDefinition } from "../packages/core/src/graph/read.ts"
import { isNote, reachedFrom } from "../packages/core/src/graph/structure.ts"
import { isJsonObject, type JsonValue } from "../packages/core/src/json.ts"
import { startServer } from "../packages/server/src/compose.ts"
import { readConfig } from "../packages/server/src/config.ts"
import { startScriptedModel } from "../packages/server/src/testing/scripted-model.ts"
import { exampleAnswer } from "./example-answer.ts"

const key = "brv_key_of_the_collection_run"
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verbose: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    chats: { type: "boolean", default: false },
  },
})
const [folder] = positionals
if (folder === undefined) throw new Error("name the folder of the collection")

/** Types of model nodes, and the credential that each takes. */
const credentialOf: Readonly<Record<string, string>> = {
  lmChatOpenAi: "openAiApi",
  openAi: "openAiApi",
  lmChatAnthropic: "anthropicApi",
  lmChatGoogleGemini: "googlePalmApi",
  lmChatOpenRouter: "openRouterApi",
  lmChatGroq: "groqApi",
  lmChatMistralCloud: "mistralCloudApi",
  lmChatDeepSeek: "deepSeekApi",
  lmChatOllama: "ollamaApi",
  lmChatAzureOpenAi: "azureOpenAiApi",
}

/**
 * What a chat turn can come to: nodes of which all are run here, also services over HTTP, tools that are not run here (they
 * fail only when a model calls them), or nodes that are not.
 */
type Path = "whole" | "outside" | "tools" | "vendor"

/** What came of one file. */
type Tried = {
  readonly file: string
  readonly imported: string
  readonly promoted?: string
  readonly path?: Path
  readonly answered?: string
}

const asked: readonly (readonly [Path, string])[] = [
  ["whole", "without nodes that are not run here"],
  ["outside", "the same, that call services over HTTP"],
  ["tools", "with tools of agents that are not run here"],
]

type Answer = { readonly status: number; readonly body: ReturnType<typeof JSON.parse> }

const data = await mkdtemp(join(await realpath(tmpdir()), "brevet-collection-"))
// As root Postgres runs as another user, who has to be able to enter.
await chmod(data, 0o711)
const model = await startScriptedModel({ record: false, answer: exampleAnswer })
const server = await startServer(
  readConfig({
    BREVET_DATA: join(data, "data"),
    BREVET_PORT: "0",
    BREVET_BOOTSTRAP_API_KEY: key,
    BREVET_LOG_LEVEL: "silent",
    BREVET_OUTBOUND_ALLOW: new URL(model.baseUrl).host,
    OPENAI_API_KEY: "scripted",
    OPENAI_BASE_URL: model.baseUrl,
  }),
)
try {
  const credentials = await makeCredentials()
  const files = filesIn(folder).filter((file) => file.includes(values.only) && isWanted(file))
  const tried: Tried[] = []
  for (const file of files) {
    const one = await tryFile(file, credentials)
    tried.push(one)
    if (values.verbose) console.log(JSON.stringify(one))
  }
  report(tried)
} finally {
  await server.close()
  await model.stop()
  await rm(data, { recursive: true, force: true })
}

function filesIn(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".json"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** With `--chats` only those that a chat message can come to. */
function isWanted(file: string): boolean {
  return !values.chats || readFileSync(file, "utf8").includes("chatTrigger")
}

async function call(method: string, path: string, body?: JsonValue): Promise<Answer> {
  const response = await fetch(server.address + path, {
    method,
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === "" ? null : JSON.parse(text) }
}

/** A credential of each provider of models, all of which lead to the scripted one. Ids by type. */
async function makeCredentials(): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>()
  for (const { name, provider, fields } of credentialTypes) {
    if (provider === null) continue
    const address =
      provider === "google" || provider === "anthropic" ? model.baseUrl.replace(/\/v1$/, "") : model.baseUrl
    const entries = fields.flatMap((field): (readonly [string, string])[] =>
      field.kind === "address" ? [[field.name, address]] : field.required ? [[field.name, "scripted"]] : [],
    )
    const made = await call("POST", "/v1/credentials", {
      name: `Scripted ${name}`,
      type: name,
      data: Object.fromEntries(entries),
    })
    if (made.status === 201) ids.set(name, String(made.body.id))
    else console.log(`no credential of type ${name}: ${JSON.stringify(made.body)}`)
  }
  return ids
}

/** Chooses a credential in each model node, as whoever imports a workflow has to. */
function withCredentials(document: JsonValue, ids: ReadonlyMap<string, string>): JsonValue {
  if (!isJsonObject(document) || !Array.isArray(document.nodes)) return document
  const nodes = document.nodes.map((node: JsonValue): JsonValue => {
    if (!isJsonObject(node)) return node
    const type = credentialOf[String(node.type).split(".").at(-1) ?? ""]
    const id = type === undefined ? undefined : ids.get(type)
    return type === undefined || id === undefined
      ? node
      : { ...node, credentials: { [type]: { id, name: `Scripted ${type}` } } }
  })
  return { ...document, nodes }
}

/** A file as JSON, or as the text that it is. */
function readFile(file: string): JsonValue {
  const text = readFileSync(file, "utf8")
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

async function tryFile(file: string, ids: ReadonlyMap<string, string>): Promise<Tried> {
  const name = relative(folder ?? "", file)
  const document = readFile(file)
  const made = await call("POST", "/v1/workflows/import", { document })
  if (made.status !== 201) return { file: name, imported: `${made.status} ${said(made)}` }
  const { workflow } = made.body
  const { graph } = readDefinition(workflow.definition)
  const isChat = graph.nodes.some(({ kind, disabled }) => kind === "chatTrigger" && !disabled)
  if (!isChat) return { file: name, imported: "yes" }
  await call("PATCH", `/v1/workflows/${workflow.id}`, { definition: withCredentials(workflow.definition, ids) })
  const promoted = await promote(workflow.id, name)
  if (promoted.status !== 201) return { file: name, imported: "yes", promoted: `${promoted.status} ${said(promoted)}` }
  const path = pathOf(graph)
  const base = { file: name, imported: "yes", promoted: "yes", path } as const
  if (path === "vendor") return base
  const turn = await call("POST", "/v1/model/response", {
    assistant_id: promoted.body.assistant_id,
    inputs: [{ role: "user", content: "Hello, what can you do for me?" }],
  })
  return { ...base, answered: turn.status === 200 ? "yes" : `${turn.status} ${said(turn)}` }
}

/** Promotes; where several nodes could lead, the one that is suggested does. */
async function promote(id: string, name: string): Promise<Answer> {
  const path = `/v1/workflows/${id}/promote-to-assistant`
  const first = await call("POST", path, { name: name.slice(-200) })
  if (first.body?.error?.code !== "PRIMARY_NODE_REQUIRED") return first
  const candidates: { id: string; suggested: boolean }[] = first.body.error.details.candidates
  const chosen = candidates.find(({ suggested }) => suggested) ?? candidates[0]
  return chosen === undefined ? first : call("POST", path, { name: name.slice(-200), primary_node_id: chosen.id })
}

/** Looks at the nodes of the flow, and at those that serve them, also through one another. */
function pathOf(graph: Graph): Path {
  const { start } = chatEntry(graph, null)
  const flow = start === null ? [] : [...reachedFrom(graph, [start.ordinal])]
  const servants = new Set(flow.flatMap((ordinal) => needed(graph, ordinal)))
  for (const ordinal of servants) for (const other of needed(graph, ordinal)) servants.add(other)
  const nodes = [...flow, ...servants]
    .flatMap((ordinal) => graph.nodes[ordinal] ?? [])
    .filter((node) => !node.disabled && !isNote(node))
  if (nodes.some(isVendor)) return "vendor"
  const tools = flow.flatMap((ordinal) => (graph.servants[ordinal] ?? []).filter(({ type }) => type === "ai_tool"))
  if (nodes.some(({ kind }) => kind === "httpRequest" || kind === "graphql" || kind === "rssFeedRead")) return "outside"
  if (tools.some(({ node }) => isVendorAt(graph, node))) return "tools"
  return "whole"
}

/** Who serves a node, but for its tools. */
function needed(graph: Graph, ordinal: number): readonly number[] {
  return (graph.servants[ordinal] ?? []).flatMap(({ type, node }) => (type === "ai_tool" ? [] : [node]))
}

function isVendorAt(graph: Graph, ordinal: number): boolean {
  const node = graph.nodes[ordinal]
  return (
    node !== undefined &&
    !node.disabled &&
    (isVendor(node) || (graph.servants[ordinal] ?? []).some((servant) => isVendorAt(graph, servant.node)))
  )
}

/** Nodes of kinds that are not run here. */
function isVendor({ kind }: GraphNode): boolean {
  return kind === null || findKind(kind) === null
}

function said({ body }: Answer): string {
  const error = body?.error
  const details = error?.details ?? {}
  const cause = details.cause_code === undefined ? "" : ` ${details.cause_code} in ${details.node}`
  return `${error?.code}${cause}: ${String(error?.system_message ?? error?.message).slice(0, 160)}`
}

function report(tried: readonly Tried[]): void {
  const imported = tried.filter((one) => one.imported === "yes")
  const chats = tried.filter((one) => one.promoted !== undefined)
  const promoted = chats.filter((one) => one.promoted === "yes")
  console.log(`imported: ${imported.length} of ${tried.length}`)
  console.log(`chat workflows promoted: ${promoted.length} of ${chats.length}`)
  for (const [path, what] of asked) {
    const some = promoted.filter((one) => one.path === path)
    console.log(`${what}, that answered: ${some.filter((one) => one.answered === "yes").length} of ${some.length}`)
  }
  console.log(`with nodes that are not run here: ${promoted.filter(({ path }) => path === "vendor").length}`)
  for (const field of ["imported", "promoted", "answered"] as const) {
    for (const one of tried) {
      const outcome = one[field]
      if (outcome !== undefined && outcome !== "yes") console.log(`not ${field}: ${one.file}: ${outcome}`)
    }
  }
}
