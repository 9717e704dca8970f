/** One node of a kind without an effect, run alone for tests: its inputs in, its outputs out. */
import type { Item, Outputs } from "../graph/items.ts"
import { kindOfType, newestVersion } from "../graph/kinds/type-names.ts"
import { readDefinition } from "../graph/read.ts"
import { validate } from "../graph/validate.ts"
import { isJsonObject, type JsonObject } from "../json.ts"
import { definitionOf } from "./definitions.ts"
import { runInMemory } from "./memory-run.ts"

/** What came of it. `code` is that of the failure, null where there was none; `json` are the outputs without lineage. */
export type KindOutcome = {
  readonly outputs: Outputs
  readonly json: readonly (readonly JsonObject[])[]
  readonly code: string | null
  readonly message: string
}

/** Runs a node (its type without a prefix means n8n's) with items, or json alone, on each of its inputs. */
export function runKind(node: JsonObject, ...inputs: readonly (readonly (JsonObject | Item)[])[]): KindOutcome {
  const whole = wholeNode(node)
  const names = inputs.map((_, index) => `Input ${index + 1}`)
  const [first = []] = inputs
  const isJoined = inputs.length > 1
  const outcome = runInMemory({
    definition: isJoined
      ? definitionOf(
          { Start: "manual", ...Object.fromEntries(names.map((name) => [name, "data"])), Node: whole },
          names.flatMap((name, index) => [`Start > ${name}`, `${name} > Node:${index}`]),
        )
      : definitionOf({ Node: whole }),
    start: isJoined ? "Start" : "Node",
    items: isJoined ? [{ json: {} }] : first.map(asItem),
    given: Object.fromEntries(
      inputs
        .slice(0, isJoined ? undefined : 0)
        .map((items, index) => [names[index], [[items.map(asItem).map(({ json }) => json)]]]),
    ),
  })
  return {
    outputs: outcome.outputs.Node?.[0] ?? [],
    json: outcome.nodes.Node?.[0]?.outputs ?? [],
    code: outcome.error?.code ?? null,
    message: outcome.error?.message ?? "",
  }
}

/** The node with its whole type, of the newest version where it says none. */
export function wholeNode(node: JsonObject): JsonObject {
  const type = `n8n-nodes-base.${node.type}`
  return { typeVersion: newestVersion(kindOfType(type)), ...node, type }
}

/** An item as it is, or one with this json. */
function asItem(value: JsonObject | Item): Item {
  const keys = Object.keys(value)
  const isItem = isJsonObject(value.json) && keys.every((key) => key === "json" || key === "binary")
  return isItem ? (value as Item) : { json: value as JsonObject }
}

/** Code, severity and path within the node of every finding about a node alone. */
export function findingsOf(node: JsonObject): readonly (readonly [code: string, severity: string, path: string])[] {
  const read = readDefinition(definitionOf({ Start: "manual", Node: wholeNode(node) }, ["Start > Node"]))
  return validate(read).map(({ code, severity, path = "" }) => [
    code,
    severity,
    path.replace(/^nodes\[1\]\.?(parameters\.?)?/, ""),
  ])
}
