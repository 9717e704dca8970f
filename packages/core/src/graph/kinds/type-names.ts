/**
 * Which kind a type name means (the workflow language, §3).
 *
 * The prefixes of n8n's two packages map by an exact table of (package, name), since names repeat across packages. Names
 * without a prefix are matched without regard to case, `_`, `-` and blanks; FreddyLLM, Assistant and Ask are matched so
 * whatever their prefix. Everything else is an unknown kind, whose nodes are kept and fail only when they are reached.
 */
import { kinds } from "./table.ts"

/** Our own kinds, matched by name alone, whatever stands before it. */
const ownKinds: ReadonlySet<string> = new Set(["freddyLlm", "assistant", "ask"])

/** Versions that a node has where its definition says none: the newest whose meaning we know. Others: 1. */
const newestVersions: ReadonlyMap<string, number> = new Map([
  ["webhook", 2.1],
  ["convertToFile", 1.1],
  ["respondToWebhook", 1.5],
  ["set", 3.4],
  ["if", 2.2],
  ["filter", 2.2],
  ["switch", 3.2],
  ["merge", 3],
  ["summarize", 1.1],
  ["removeDuplicates", 2],
  ["compareDatasets", 2.3],
  ["itemLists", 3.1],
  ["splitInBatches", 3],
  ["dateTime", 2],
  ["code", 2],
  ["html", 1.2],
  ["httpRequest", 4.2],
  ["graphql", 1.1],
  ["rssFeedRead", 1.2],
  ["executeWorkflow", 1.2],
  ["executeWorkflowTrigger", 1.1],
  ["agent", 2.2],
  ["agentTool", 2.2],
  ["chainLlm", 1.7],
  ["openAi", 1.8],
  ["lmChatOpenAi", 1.2],
  ["informationExtractor", 1.2],
  ["textClassifier", 1.1],
  ["sentimentAnalysis", 1.1],
  ["chainSummarization", 2],
  ["outputParserStructured", 1.2],
  ["memoryBufferWindow", 1.3],
  ["toolCode", 1.2],
  ["toolWorkflow", 2.2],
  ["toolHttpRequest", 1.1],
  ["httpRequestTool", 4.2],
])

/** The version of a node of that kind where the definition says none. */
export function newestVersion(kind: string | null): number {
  return (kind === null ? undefined : newestVersions.get(kind)) ?? 1
}

/** The name of the kind that a type means; null where it is unknown. */
export function kindOfType(type: string): string | null {
  const exact = exactTypes.get(type)
  if (exact !== undefined) return exact
  const name = nameOfType(type)
  const squashed = squash(name)
  const own = ownTypes.get(squashed)
  if (own !== undefined) return own
  return name === type ? (bareTypes.get(squashed) ?? null) : null
}

/** A type name without its prefix: what follows the last `.`, `/` or `:`. */
export function nameOfType(type: string): string {
  const end = Math.max(type.lastIndexOf("."), type.lastIndexOf("/"), type.lastIndexOf(":"))
  return type.slice(end + 1)
}

/** A name without case, `_`, `-` and blanks. No kind has a long name, so that a long one is not worth the work. */
function squash(name: string): string {
  return name.length > 100 ? "" : name.toLowerCase().replace(/[\s_-]+/g, "")
}

/** Every type name with its kind. */
const rows: readonly (readonly [type: string, kind: string])[] = kinds.flatMap(({ name, types }) =>
  types.map((type) => [type, name] as const),
)
const exactTypes: ReadonlyMap<string, string> = new Map(rows)
const bareTypes: ReadonlyMap<string, string> = new Map(rows.map(([type, kind]) => [squash(nameOfType(type)), kind]))
const ownTypes: ReadonlyMap<string, string> = new Map([...bareTypes].filter(([, kind]) => ownKinds.has(kind)))
