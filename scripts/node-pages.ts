/** The pages of kinds: one for each, made from what the kind says, its example, and what comes of that. */
import { findNode } from "../packages/core/src/graph/graph.ts"
import type { Kind } from "../packages/core/src/graph/kinds/kind.ts"
import { kinds } from "../packages/core/src/graph/kinds/table.ts"
import { readDefinition } from "../packages/core/src/graph/read.ts"
import type { JsonObject, JsonValue } from "../packages/core/src/json.ts"
import { definitionOf } from "../packages/core/src/testing/definitions.ts"
import { runInMemory } from "../packages/core/src/testing/memory-run.ts"
import { nodeExamples } from "./node-examples.ts"
import type { NodeExample } from "./node-examples-models.ts"

/** A page: its path in the project, and what makes it. */
export type NodePage = { readonly path: string; readonly make: () => string }

/** Every page, the list of them first. */
export function nodePages(): readonly NodePage[] {
  const pages = kinds.map((kind) => ({ path: `docs/nodes/${slugOf(kind)}.md`, make: () => pageOf(kind) }))
  return [{ path: "docs/nodes/README.md", make: indexPage }, ...pages]
}

const slugOf = ({ name }: Kind): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const groups: Readonly<Record<Kind["group"], string>> = {
  ours: "Ours",
  trigger: "Where runs begin",
  data: "Data",
  flow: "Flow",
  outside: "The world outside",
  model: "Language models",
  note: "Notes",
}

const made = "<!-- Made by `npm run generate` from the kinds and `scripts/node-examples.ts`; do not edit. -->"

function indexPage(): string {
  const sections = Object.entries(groups).map(([group, title]) => {
    const own = kinds.filter((kind) => kind.group === group)
    const rows = own.map((kind) => `| [${kind.title}](${slugOf(kind)}.md) | ${kind.help} |`)
    return own.length === 0 ? "" : `## ${title}\n\n| node | does |\n| --- | --- |\n${rows.join("\n")}\n`
  })
  const intro =
    "Every kind of node that is run here. Nodes of other types are kept, shown, and fail clearly when they are reached.\n" +
    "What every node can do (`onError`, `retryOnFail`, `executeOnce`, …) is in the workflow language; how values are written is\n" +
    "in [expressions](../how-it-works/expressions.md)."
  return `${made}\n\n# Nodes\n\n${intro}\n\n${sections.filter((text) => text !== "").join("\n")}`
}

/** A node of a kind with the settings of its example. */
export function exampleNode(kind: Kind, example: NodeExample): JsonObject {
  return {
    id: "example",
    name: kind.title,
    type: kind.types[0] ?? kind.name,
    typeVersion: example.typeVersion ?? 1,
    position: [200, 0],
    parameters: example.parameters,
  }
}

function pageOf(kind: Kind): string {
  const example = nodeExamples[kind.name]
  const parts = [made, `# ${kind.title}`, kind.help, factsOf(kind, example)]
  if (example === undefined) return `${parts.join("\n\n")}\n`
  const settings = Object.entries(example.settings)
  if (settings.length > 0) {
    const rows = settings.map(
      ([name, meaning]) =>
        `| ${name
          .split(", ")
          .map((one) => `\`${one}\``)
          .join(", ")} | ${meaning} |`,
    )
    parts.push("## Settings", `| setting | means |\n| --- | --- |\n${rows.join("\n")}`)
  }
  parts.push("## Example", fenced(exampleNode(kind, example)))
  if (example.inputs !== undefined) parts.push(...outcomeOf(kind, example))
  return `${parts.join("\n\n")}\n`
}

function factsOf(kind: Kind, example: NodeExample | undefined): string {
  const node = readDefinition({ nodes: [exampleNode(kind, example ?? { parameters: {}, settings: {} })] }).graph
    .nodes[0]
  const names = (ports: readonly { readonly name: string }[]): string =>
    ports.length === 0
      ? "none"
      : ports.map(({ name }, index) => `${index}${name === "" ? "" : ` (${name})`}`).join(", ")
  const rows = [["type", kind.types.map((type) => `\`${type}\``).join(", ")]]
  if (node !== undefined && kind.effect !== "serves" && kind.effect !== "never") {
    rows.push(["inputs", names(kind.inputs(node))], ["outputs", names(kind.outputs(node))])
  }
  if (kind.effect === "serves")
    rows.push(["serves", "other nodes, over an `ai_…` connection; the planner does not run it"])
  return `| | |\n| --- | --- |\n${rows.map(([name, value]) => `| ${name} | ${value} |`).join("\n")}`
}

/** What the example gives for its items, as it is computed now. Throws where it fails. */
export function runExample(kind: Kind, example: NodeExample): readonly (readonly JsonObject[])[] {
  const inputs = example.inputs ?? []
  const names = inputs.map((_, index) => `Input ${index + 1}`)
  const node = exampleNode(kind, example)
  const name = String(node.name)
  const isJoined = inputs.length > 1
  const start = isJoined ? "Start" : name
  const definition = isJoined
    ? definitionOf(
        { Start: "manual", ...Object.fromEntries(names.map((one) => [one, "data"])), [name]: node },
        names.flatMap((one, index) => [`Start > ${one}`, `${one} > ${name}:${index}`]),
      )
    : { nodes: [node], connections: {} }
  const outcome = runInMemory({
    definition,
    start,
    items: isJoined ? [{ json: {} }] : (inputs[0] ?? []).map((json) => ({ json })),
    given: isJoined ? Object.fromEntries(names.map((one, index) => [one, [[inputs[index] ?? []]]])) : {},
  })
  if (outcome.status !== "success") throw new Error(`the example of ${kind.name} failed: ${outcome.error?.message}`)
  if (findNode(readDefinition(definition).graph, name) === null) throw new Error(`${kind.name} has no node`)
  return outcome.nodes[name]?.[0]?.outputs ?? []
}

function outcomeOf(kind: Kind, example: NodeExample): readonly string[] {
  const inputs = example.inputs ?? []
  const outputs = runExample(kind, example)
  const given = inputs.map(
    (items, index) => `${inputs.length > 1 ? `On input ${index}` : "With these items"}:\n\n${fenced(items)}`,
  )
  const gives = outputs.map(
    (items, index) => `${outputs.length > 1 ? `output ${index}` : "it gives"}:\n\n${fenced(items)}`,
  )
  return [...given, ...gives]
}

/** JSON with an entry a line where it is a list of items. */
function fenced(value: JsonValue): string {
  const lines = Array.isArray(value)
    ? value.length === 0
      ? "[]"
      : `[\n${(value as readonly JsonValue[]).map((item) => `  ${JSON.stringify(item)}`).join(",\n")}\n]`
    : JSON.stringify(value, null, 2)
  return `\`\`\`json\n${lines}\n\`\`\``
}
