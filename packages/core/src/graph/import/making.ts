/**
 * The frame in which the steps of a foreign flow become nodes: a name for each step, a place to add its nodes, doors by
 * which arrows come in and go out, and the node that stands for what nothing here does.
 *
 *     step "case 2" ──> nodes If, Set …      entrance: If      exit "true": If output 0
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { type Draft, type DraftNode, makeDraft } from "./draft.ts"
import { type Element, type Fidelity, makeFidelity } from "./fidelity.ts"
import { isShallow } from "./fields.ts"
import type { Flow, Step } from "./flow.ts"
import type { ImportFormat } from "./importer.ts"
import type { MadeNode } from "./made-nodes.ts"

/** An output of a node. */
export type Way = { readonly node: string; readonly output: number }

/** How arrows come to a step and leave it. */
export type Doors = {
  /** The node that arrows lead to; null where nothing of the step is in the flow. */
  readonly entrance: string | null
  /** Where an exit leaves; null where there is none. */
  exit(name: string): Way | null
  /** The names of its exits; null where it has one, whatever arrows call it. */
  readonly exits: readonly string[] | null
}

/** An import under way. */
export type Making = {
  readonly format: ImportFormat
  readonly draft: Draft
  readonly fidelity: Fidelity
  readonly flow: Flow
  /** The name of the node that stands for a step; null where no step has that key. */
  nameOf(key: string): string | null
  /** The source of an expression, as long as there is room for it: a definition must not grow far beyond its document. */
  spend(code: string): string
}

/** Characters of all expressions of one definition (ours). */
const codeCharsMax = 2_000_000

/** Begins an import of a flow: every step has its name before the first is converted. */
export function beginMaking(format: ImportFormat, flow: Flow): Making {
  const draft = makeDraft()
  const names = new Map(flow.steps.map(({ key, title, type }) => [key, draft.nameFor(title, type || key)]))
  const fidelity = makeFidelity()
  return { format, draft, fidelity, flow, nameOf: (key) => names.get(key) ?? null, spend: makePurse(fidelity) }
}

function makePurse(fidelity: Fidelity): (code: string) => string {
  let left = codeCharsMax
  let isTold = false
  return (code) => {
    left -= code.length
    if (left >= 0) return code
    if (!isTold) {
      const why = "the document refers to values so often that the definition would grow beyond all bounds"
      fidelity.lost({ element: "references", was: "values of other steps" }, { why, advice: "Split the workflow." })
    }
    isTold = true
    return "null"
  }
}

/** A step as reports tell it. */
export function elementOf({ key, title, type }: Step, was = type): Element {
  return { element: title === "" ? key : title, id: key, was }
}

/** What is told of a step that became something. */
export type Told = { readonly why: string; readonly advice: string }

/** Adds the node of a step under the step's name. */
export function addStep(making: Making, step: Step, made: MadeNode): string {
  const name = making.nameOf(step.key) ?? making.draft.nameFor(step.title, step.key)
  making.draft.add({ name, id: step.key, position: step.position, ...made })
  return name
}

/** Adds a further node near that of a step. `shift`: how far to the right of it, and below. */
export function addBeside(
  making: Making,
  step: Pick<Step, "position">,
  node: MadeNode & { readonly wished: string; readonly shift: readonly [x: number, y: number] },
): string {
  const { wished, shift, ...made } = node
  const name = making.draft.nameFor(wished, "Node")
  const position = [step.position[0] + shift[0], step.position[1] + shift[1]] as const
  making.draft.add({ name, position, ...made } satisfies DraftNode)
  return name
}

/** Doors of a step that is one node with one exit. */
export function oneDoor(name: string): Doors {
  return { entrance: name, exit: () => ({ node: name, output: 0 }), exits: null }
}

/** Doors of a step that is no part of the flow. */
export const noDoors: Doors = { entrance: null, exit: () => null, exits: [] }

/** Doors of a node whose outputs are the exits of these names, in this order. Other exits lead nowhere. */
export function namedDoors(name: string, exits: readonly string[]): Doors {
  const outputs = new Map(exits.map((exit, output) => [exit, output] as const).reverse())
  return {
    entrance: name,
    exit(exit) {
      const output = outputs.get(exit)
      return output === undefined ? null : { node: name, output }
    },
    exits,
  }
}

/**
 * Keeps a step that nothing here does: as a node of an unknown kind, which fails clearly when it is reached, with what it
 * was beside it, and all its arrows, so that it can be replaced where it stands.
 */
export function keepForeign(making: Making, step: Step, told: Told & { readonly data?: JsonObject }): Doors {
  const type = foreignType(making.format, step.type)
  const name = addStep(making, step, { type, typeVersion: 1, parameters: {}, imported: importedOf(step, told.data) })
  making.fidelity.lost(elementOf(step), { became: type, why: told.why, advice: told.advice })
  const exits = [...new Set((making.flow.leaving.get(step.key) ?? []).map(({ exit }) => exit))]
  return exits.length > 1 ? namedDoors(name, exits) : oneDoor(name)
}

/** The type of a node that stands for a foreign one. No kind of ours is called so. */
export function foreignType(format: ImportFormat, type: string): string {
  const slug = type.slice(0, 60).replace(/[^A-Za-z0-9_-]+/g, "-")
  return `imported.${format}-${slug === "" ? "node" : slug}`
}

/** What a foreign node was: its type and its settings without secrets; without settings that are nested too deeply. */
export function importedOf({ type, data }: Pick<Step, "type" | "data">, shown: JsonObject = data): JsonObject {
  return { type, data: isShallow(shown, 60) ? withoutSecrets(shown) : {} }
}

/** Names of settings that hold secrets. A document that was shared must not bring its author's keys into the store. */
const secretName = /api[_-]?key|secret|token$|password|passwd|authorization|credential|bearer|private[_-]?key/i

/** A value without the texts of settings that are named like secrets. */
export function withoutSecrets(value: JsonObject): JsonObject
export function withoutSecrets(value: JsonValue): JsonValue
export function withoutSecrets(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((child) => withoutSecrets(child))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      return [key, typeof child === "string" && child !== "" && secretName.test(key) ? "" : withoutSecrets(child)]
    }),
  )
}

/** Connects the nodes of steps as the arrows of the flow do. */
export function connectSteps(making: Making, doors: ReadonlyMap<string, Doors>): void {
  for (const { from, exit, to } of making.flow.arrows) {
    const way = doors.get(from)?.exit(exit) ?? null
    const entrance = doors.get(to)?.entrance ?? null
    if (way !== null && entrance !== null) making.draft.connect({ from: way.node, output: way.output, to: entrance })
  }
}
