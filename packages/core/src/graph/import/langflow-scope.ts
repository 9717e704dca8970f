/** What components of Langflow give and take: the source of each output, and the text or value of each field. */
import type { JsonObject, JsonValue } from "../../json.ts"
import type { Wire, Wiring } from "./dataflow.ts"
import { nodeCode, type Piece, pathCode, quoteCode } from "./expression-text.ts"
import { field, objectAt, textAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import type { Making } from "./making.ts"
import { readPlaceholders } from "./placeholders.ts"

/** The frame of one flow. `isGuarded`: the step may not have run when another one does. */
export type LangflowScope = {
  readonly making: Making
  readonly wiring: Wiring
  readonly trigger: string
  isGuarded(key: string, at: string): boolean
}

/** What a component is here. Values of `value` ones are read through them. */
export type Role =
  | "message"
  | "model"
  | "agent"
  | "prompt"
  | "text"
  | "answer"
  | "branch"
  | "request"
  | "value"
  | "memory"
  | "tool"
  | "note"
  | "foreign"

/** Components that hand on what they get, in another form. */
const values =
  /^(TypeConverter(Component)?|MessagetoData|DataToMessage|ParseData|ParseDataFrame|ParserComponent|CombineText|StoreMessage|MessageStore|Pass)$/i

/** The role of a component, by its type and by what its output is used for. */
export function roleOf(step: Step, { outOf }: Pick<Wiring, "outOf">): Role {
  const { type } = step
  if (type === "note" || type === "noteNode") return "note"
  if (type === "ChatInput") return "message"
  if (type === "ChatOutput" || type === "TextOutput") return "answer"
  if (/^(Prompt|Prompt ?Template)$/i.test(type)) return "prompt"
  if (type === "TextInput") return "text"
  if (/^(ConditionalRouter|If ?Else)$/i.test(type)) return "branch"
  if (/^(APIRequest|API ?Request)$/i.test(type)) return "request"
  if (/^(Memory|MessageHistory)$/i.test(type)) return "memory"
  const used = outOf(step.key)
  if (used.some(({ field: name }) => name === "tools")) return "tool"
  if (/agent$/i.test(type)) return "agent"
  if (/(Model|ModelComponent|LLM)$/i.test(type)) {
    return used.length > 0 && used.every(({ output }) => output === "model_output") ? "value" : "model"
  }
  return values.test(type) ? "value" : "foreign"
}

/** Roles that become a node of the flow. */
export function isNodeRole(role: Role): boolean {
  return !["value", "memory", "tool", "note", "text"].includes(role)
}

/** The value of a field as the component has it, where nothing is wired to it. */
export function ownValue({ data }: Step, name: string): JsonValue | undefined {
  return field(objectAt(data, "template", name), "value")
}

/** The text of a field in pieces: what is wired to it, else its own. */
export function fieldPieces(scope: LangflowScope, step: Step, name: string): readonly Piece[] {
  const wires = scope.wiring.into(step.key, name)
  if (wires.length > 0) {
    return wires.flatMap((wire, index) => [...(index === 0 ? [] : ["\n"]), { code: outputCode(scope, wire, step.key) }])
  }
  const own = ownValue(step, name)
  return typeof own === "string" ? [own] : own === undefined || own === null ? [] : [JSON.stringify(own)]
}

/** The source of what leaves a component by an output, for the step that reads it. */
export function outputCode(scope: LangflowScope, wire: Wire, at: string): string {
  return scope.making.spend(findOutput(scope, wire, { at, seen: new Set() }))
}

type Looking = { readonly at: string; readonly seen: ReadonlySet<string> }

/** Where each role has its text in the item of its node. */
const textFields: ReadonlyMap<Role, string> = new Map<Role, string>([
  ["model", "text"],
  ["agent", "output"],
  ["prompt", "text"],
  ["answer", "text"],
  ["request", "body"],
])

function findOutput(scope: LangflowScope, { from }: Wire, { at, seen }: Looking): string {
  const { making, wiring, trigger } = scope
  const step = making.flow.byKey.get(from)
  if (step === undefined || seen.has(from)) return "null"
  const role = roleOf(step, wiring)
  if (role === "message") return `${nodeCode(trigger)}.first()?.json?.chatInput`
  if (role === "text") return textOf(scope, step, { at, seen: new Set([...seen, from]) })
  if (role === "memory") return "null"
  if (role === "value" || role === "branch") {
    const [first] = wiring.allInto(from)
    return first === undefined ? "null" : findOutput(scope, first, { at, seen: new Set([...seen, from]) })
  }
  const name = making.nameOf(from)
  if (name === null) return "null"
  const code = `${nodeCode(name)}.first()?.json${pathCode([textFields.get(role) ?? "output"])}`
  return scope.isGuarded(from, at) ? `(${nodeCode(name)}.isExecuted ? ${code} : null)` : code
}

function textOf(scope: LangflowScope, step: Step, looking: Looking): string {
  const [wire] = scope.wiring.into(step.key, "input_value")
  return wire === undefined ? quoteCode(ownValue(step, "input_value") ?? "") : findOutput(scope, wire, looking)
}

/** A template with `{name}`, each a field of its component; doubled braces are braces. */
export function promptPieces(scope: LangflowScope, step: Step): readonly Piece[] {
  const template = textAt(objectAt(step.data, "template", "template"), "value")
  const fields = objectAt(step.data, "template")
  const marked = template.replaceAll("{{", "\ue000").replaceAll("}}", "\ue001")
  const pieces = readPlaceholders(marked, { open: "{", close: "}", charsMax: 60 }, (inside) => {
    if (!Object.hasOwn(fields, inside)) return null
    const [first, ...others] = fieldPieces(scope, step, inside)
    return others.length === 0 ? (first ?? "") : (first ?? "")
  })
  return pieces.map((piece) =>
    typeof piece === "string" ? piece.replaceAll("\ue000", "{").replaceAll("\ue001", "}") : piece,
  )
}

/** Whether a component sees the earlier messages: they come to it through a memory component, whatever lies between. */
export function seesHistory(scope: LangflowScope, key: string): boolean {
  const seen = new Set<string>([key])
  const stack = scope.wiring.allInto(key).map(({ from }) => from)
  for (let from = stack.pop(); from !== undefined; from = stack.pop()) {
    const step = scope.making.flow.byKey.get(from)
    if (step === undefined || seen.has(from)) continue
    seen.add(from)
    const role = roleOf(step, scope.wiring)
    if (role === "memory") return true
    if (role === "prompt" || role === "value") stack.push(...scope.wiring.allInto(from).map((wire) => wire.from))
  }
  return false
}

/** The literal settings of a component by their names. */
export function settingsOf({ data }: Step): JsonObject {
  const entries = Object.entries(objectAt(data, "template")).flatMap(
    ([name, entry]): (readonly [string, JsonValue])[] => {
      const value =
        typeof entry === "object" && entry !== null && !Array.isArray(entry)
          ? field(entry as JsonObject, "value")
          : undefined
      return value === undefined || value === null || value === "" || name === "code" ? [] : [[name, value]]
    },
  )
  return Object.fromEntries(entries)
}
