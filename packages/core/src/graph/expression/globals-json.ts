/**
 * `JSON`. Writing is done here and not by the platform, since a small value that holds the same list many times is a giant
 * text: every piece is counted before it is added.
 */

import { fieldNames, fieldValue, putField, toKey, toText } from "./convert.ts"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { EXPRESSION_LIMITS } from "./limits.ts"
import { FunctionValue, guarded, HostObject, isFieldObject, SpecialValue } from "./values.ts"

/** Characters of JSON that make one value, at the least. */
const CHARS_PER_VALUE = 4

const INDENT_MAX = 10

/** The global `JSON`. */
export const JSON_OBJECT = new HostObject("JSON", (key) => MEMBERS.get(key))

const MEMBERS: ReadonlyMap<string, FunctionValue> = new Map([
  ["parse", new FunctionValue("parse", (run, args) => parseJson(run, toText(run, args[0]), args[1]))],
  [
    "stringify",
    new FunctionValue("stringify", (run, args) =>
      writeJson(run, args[0], { replacer: args[1], indent: indentOf(run, args[2]) }),
    ),
  ],
])

function indentOf(run: Evaluation, value: unknown): string {
  if (typeof value === "number") return " ".repeat(Math.max(0, Math.min(INDENT_MAX, Math.trunc(value) || 0)))
  return typeof value === "string" ? run.look(value).slice(0, INDENT_MAX) : ""
}

/** Reads JSON. A reviver is called for each value, from the inside out. */
export function parseJson(run: Evaluation, text: string, reviver?: unknown): unknown {
  run.charge(Math.ceil(text.length / CHARS_PER_VALUE))
  const value: unknown = guarded(() => JSON.parse(text))
  const mayNamePrototypes = text.includes("__proto__") || text.includes("\\u")
  if (run.tracksChanges || mayNamePrototypes) adopt(run, value)
  return reviver instanceof FunctionValue ? revive(run, reviver, { key: "", value, depth: 0 }) : value
}

/** Makes every object in a value that was just read one that the expression may change. */
function adopt(run: Evaluation, root: unknown): void {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== "object" || value === null) continue
    run.charge(1)
    run.own(value)
    if (!Array.isArray(value)) Reflect.deleteProperty(value, "__proto__")
    for (const child of Object.values(value)) if (typeof child === "object") open.push(child)
  }
}

type Revived = { readonly key: string; readonly value: unknown; readonly depth: number }

function revive(run: Evaluation, reviver: FunctionValue, at: Revived): unknown {
  const { key, value, depth } = at
  admitDepth(depth)
  if (Array.isArray(value)) {
    run.charge(value.length)
    const list = value.map((element, index) =>
      revive(run, reviver, { key: `${index}`, value: element, depth: depth + 1 }),
    )
    return reviver.invoke(run, [key, run.own(list)])
  }
  if (!isFieldObject(value)) return reviver.invoke(run, [key, value])
  const object: Record<string, unknown> = {}
  for (const name of fieldNames(run, value)) {
    const revived = revive(run, reviver, { key: name, value: value[name], depth: depth + 1 })
    if (revived !== undefined) putField(object, name, revived)
  }
  return reviver.invoke(run, [key, run.own(object)])
}

function admitDepth(depth: number): void {
  if (depth > EXPRESSION_LIMITS.valueDepthMax) {
    throw limitError("objects inside objects", `${EXPRESSION_LIMITS.valueDepthMax} levels`)
  }
}

/** How JSON is written. `replacer` is what an expression handed in: a function, a list of names, or nothing. */
export type JsonStyle = { readonly replacer?: unknown; readonly indent?: string }

/** Writes a value as JSON; undefined where it has no JSON form. */
export function writeJson(run: Evaluation, value: unknown, style: JsonStyle = {}): string | undefined {
  const writer = new JsonWriter(run, style)
  return writer.write(value)
}

class JsonWriter {
  private readonly run: Evaluation
  private readonly indent: string
  private readonly replacer: FunctionValue | null
  private readonly names: ReadonlySet<string> | null
  private readonly parts: string[] = []
  private chars = 0

  constructor(run: Evaluation, style: JsonStyle) {
    this.run = run
    this.indent = style.indent ?? ""
    this.replacer = style.replacer instanceof FunctionValue ? style.replacer : null
    this.names = Array.isArray(style.replacer) ? new Set(style.replacer.map((name) => toKey(run, name))) : null
  }

  write(root: unknown): string | undefined {
    const value = this.toWritable("", root)
    if (value === undefined) return undefined
    this.value(value, 0)
    this.run.chargeNewText(this.chars)
    return this.parts.join("")
  }

  /** What is written for a value; undefined where it has no JSON form. */
  private toWritable(key: string, given: unknown): unknown {
    const value = this.replacer === null ? given : this.replacer.invoke(this.run, [key, given])
    if (value instanceof FunctionValue) return undefined
    if (value instanceof SpecialValue) return value.toJSON()
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    return value instanceof Map || value instanceof Set ? {} : value
  }

  private value(value: unknown, depth: number): void {
    this.run.charge(1)
    admitDepth(depth)
    if (typeof value === "string") this.text(value)
    else if (typeof value === "number") this.add(Number.isFinite(value) ? String(value) : "null")
    else if (Array.isArray(value)) this.list(value, depth)
    else if (typeof value === "object" && value !== null) this.object(value, depth)
    else this.add(value === undefined ? "null" : String(value))
  }

  private text(text: string): void {
    this.admit(text.length + 2)
    this.run.chargeText(text.length)
    this.add(JSON.stringify(text))
  }

  private list(list: readonly unknown[], depth: number): void {
    this.add("[")
    for (let index = 0; index < list.length; index++) {
      if (index > 0) this.add(",")
      this.newLine(depth + 1)
      const value = this.toWritable(String(index), list[index])
      this.value(value === undefined ? null : value, depth + 1)
    }
    if (list.length > 0) this.newLine(depth)
    this.add("]")
  }

  private object(object: object, depth: number): void {
    this.add("{")
    let isEmpty = true
    for (const name of fieldNames(this.run, object)) {
      if (this.names !== null && !this.names.has(name)) continue
      const value = this.toWritable(name, fieldValue(object, name))
      if (value === undefined) continue
      if (!isEmpty) this.add(",")
      isEmpty = false
      this.newLine(depth + 1)
      this.text(name)
      this.add(this.indent === "" ? ":" : ": ")
      this.value(value, depth + 1)
    }
    if (!isEmpty) this.newLine(depth)
    this.add("}")
  }

  private newLine(depth: number): void {
    if (this.indent !== "") this.add(`\n${this.indent.repeat(depth)}`)
  }

  private add(part: string): void {
    this.admit(part.length)
    this.chars += part.length
    this.parts.push(part)
  }

  private admit(chars: number): void {
    if (this.chars + chars > EXPRESSION_LIMITS.textCharsMax) this.run.chargeNewText(this.chars + chars)
  }
}
