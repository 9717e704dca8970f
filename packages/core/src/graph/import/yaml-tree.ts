/**
 * YAML to JSON, by our own walk over what the reader parsed: its own conversion writes out keys that are collections, and
 * looks each alias up among all of them, which takes minutes on texts that were made for it. Here keys are scalars, an
 * alias costs what it stands for, and everything is counted.
 */
import { type Document, isAlias, isMap, isScalar, isSeq } from "yaml"
import type { JsonValue } from "../../json.ts"

/** Bounds of a tree: values and characters of texts, each with repetitions, and nesting. */
export type TreeBounds = { readonly valuesMax: number; readonly charsMax: number; readonly depthMax: number }

/** The tree, or what is wrong with it, in words that follow "the document". */
export type Tree = { readonly value: JsonValue } | { readonly fault: string }

class TreeFault extends Error {}

/** The contents of a parsed document. */
export function treeOf(document: Document, bounds: TreeBounds): Tree {
  try {
    return { value: new TreeWalk(bounds).value(document.contents, 0) }
  } catch (error) {
    if (error instanceof TreeFault) return { fault: error.message }
    throw error
  }
}

/** Anchors mean what they last stood at, in the order of the text. */
class TreeWalk {
  readonly #bounds: TreeBounds
  readonly #anchors = new Map<string, unknown>()
  #values = 0
  #chars = 0

  constructor(bounds: TreeBounds) {
    this.#bounds = bounds
  }

  value(node: unknown, depth: number): JsonValue {
    const { valuesMax, depthMax } = this.#bounds
    this.#values += 1
    if (this.#values > valuesMax) throw new TreeFault(`holds more than ${valuesMax} values`)
    if (depth > depthMax) throw new TreeFault(`is nested more than ${depthMax} levels deep`)
    if (isAlias(node)) return this.value(this.#meant(node.source), depth + 1)
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return null
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#scalar(node.value)
    if (isSeq(node)) return node.items.map((item) => this.value(item, depth + 1))
    // Of keys that stand twice the last one counts, as in JSON.
    const entries = new Map<string, JsonValue>()
    for (const { key, value } of node.items) entries.set(this.#key(key), this.value(value, depth + 1))
    return Object.fromEntries(entries)
  }

  #key(key: unknown): string {
    const node = isAlias(key) ? this.#meant(key.source) : key
    if (!isScalar(node)) throw new TreeFault("has a key that is no text")
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    const value = this.#scalar(node.value)
    return typeof value === "string" ? value : String(value)
  }

  #meant(anchor: string): unknown {
    const node = this.#anchors.get(anchor)
    if (node === undefined) throw new TreeFault("has an alias that leads nowhere")
    return node
  }

  #scalar(value: unknown): JsonValue {
    if (value === null || typeof value === "number" || typeof value === "boolean") return value
    if (typeof value !== "string") throw new TreeFault("holds values that JSON does not have")
    this.#chars += value.length
    if (this.#chars > this.#bounds.charsMax) throw new TreeFault("is larger than a request may be")
    return value
  }
}
