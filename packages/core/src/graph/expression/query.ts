/**
 * JMESPath, as `$jmespath(data, "people[?age > `20`].name")`. The library reads the query; what it means is computed here,
 * since the library reads prototypes and knows no bounds: `[@, @] | [@, @] | …` doubles with every bar.
 *
 * A query that is not one, or that asks a function for the wrong type, is an error of the language, and gives null.
 */

import jmespath from "jmespath"
import { fieldNames, fieldValue, putField } from "./convert.ts"
import { limitError } from "./errors.ts"
import type { Evaluation } from "./evaluation.ts"
import { compare } from "./operators.ts"
import { deepEquals, QUERY_FUNCTIONS, QueryReference } from "./query-functions.ts"
import { isFieldObject, typeError } from "./values.ts"

/** Characters of one query. */
const QUERY_CHARS_MAX = 5_000

/** Nesting of one query: every field of a path is one level. */
const QUERY_DEPTH_MAX = 200

/** Steps of reading one query, and characters that are read in one step. */
const READING_STEPS = 200

/** Steps of one part of a query on one value. */
const VISIT_STEPS = 5

/** Queries kept in memory, read. */
const KEPT_MAX = 500

type Node = {
  readonly type: string
  readonly name?: string
  readonly value?: unknown
  readonly children?: readonly unknown[]
}

/** The library's parser, of which its types do not tell. Throws an `Error` for what is no query. */
const parser = jmespath as unknown as { compile(query: string): unknown }

const kept = new Map<string, Node>()

/** What a query finds in a value; null where it finds nothing. */
export function runQuery(run: Evaluation, data: unknown, query: string): unknown {
  const root = run.once(`query ${query}`, () => {
    run.charge(READING_STEPS + query.length)
    return readQuery(query)
  })
  return new Search(run).visit(root, data ?? null, 0)
}

function readQuery(query: string): Node {
  const known = kept.get(query)
  if (known !== undefined) return known
  if (query.length > QUERY_CHARS_MAX) throw limitError("a query that is too long", `${QUERY_CHARS_MAX} characters`)
  const root = parseQuery(query)
  admitDepth(root)
  if (kept.size >= KEPT_MAX) kept.clear()
  kept.set(query, root)
  return root
}

function parseQuery(query: string): Node {
  try {
    return asNode(parser.compile(query))
  } catch (error) {
    if (error instanceof RangeError) throw depthError()
    if (error instanceof Error) throw typeError(`the query is not valid JMESPath: ${error.message}`)
    throw error
  }
}

function depthError() {
  return limitError("parts inside parts of a query", `${QUERY_DEPTH_MAX} levels`)
}

function asNode(value: unknown): Node {
  if (typeof value === "object" && value !== null && "type" in value && typeof value.type === "string") {
    return value as Node
  }
  throw typeError("the query is not valid JMESPath")
}

function admitDepth(root: Node): void {
  const open: { node: Node; depth: number }[] = [{ node: root, depth: 1 }]
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    if (entry.depth > QUERY_DEPTH_MAX) throw depthError()
    const { node, depth } = entry
    const inner = node.type === "KeyValuePair" ? [node.value] : node.type === "Slice" ? [] : (node.children ?? [])
    for (const child of inner) open.push({ node: asNode(child), depth: depth + 1 })
  }
}

class Search {
  private readonly run: Evaluation

  constructor(run: Evaluation) {
    this.run = run
  }

  visit(node: Node, value: unknown, depth: number): unknown {
    this.run.charge(VISIT_STEPS)
    if (depth > QUERY_DEPTH_MAX) throw depthError()
    const child = (index: number, of: unknown) => this.visit(asNode(node.children?.[index]), of, depth + 1)
    switch (node.type) {
      case "Field":
        return this.field(value, node.name ?? "")
      case "Subexpression":
      case "IndexExpression":
      case "Pipe":
        return this.next(node, child(0, value), depth)
      case "Index":
        return Array.isArray(value) ? (value.at(Number(node.value)) ?? null) : null
      case "Slice":
        return this.slice(node, value)
      case "Projection":
      case "ValueProjection":
      case "FilterProjection":
        return this.project(node, child(0, value), depth)
      case "Flatten":
        return this.flatten(child(0, value))
      case "Comparator":
        return this.compare(node.name ?? "", child(0, value), child(1, value))
      case "MultiSelectList":
        return value === null ? null : this.run.own((node.children ?? []).map((_part, index) => child(index, value)))
      case "MultiSelectHash":
        return value === null ? null : this.hash(node, value, depth)
      case "Function":
        return this.call(node, value, depth)
      default:
        return this.simple(node, value, depth)
    }
  }

  private simple(node: Node, value: unknown, depth: number): unknown {
    const child = (index: number) => this.visit(asNode(node.children?.[index]), value, depth + 1)
    switch (node.type) {
      case "Identity":
      case "Current":
        return value
      case "Literal":
        return node.value ?? null
      case "OrExpression": {
        const first = child(0)
        return isFalse(first) ? child(1) : first
      }
      case "AndExpression": {
        const first = child(0)
        return isFalse(first) ? first : child(1)
      }
      case "NotExpression":
        return isFalse(child(0))
      default:
        throw typeError("the query is not valid JMESPath")
    }
  }

  private next(node: Node, value: unknown, depth: number): unknown {
    const right = node.children?.[1]
    if (right === undefined) return null
    return this.visit(asNode(right), value, depth + 1)
  }

  private field(value: unknown, name: string): unknown {
    return isFieldObject(value) && name !== "__proto__" && Object.hasOwn(value, name) ? (value[name] ?? null) : null
  }

  private slice(node: Node, value: unknown): unknown {
    if (!Array.isArray(value)) return null
    const [from, to, by] = (node.children ?? []).map((part) => (typeof part === "number" ? part : null))
    const step = by ?? 1
    if (step === 0) throw typeError("the step of a slice can not be 0")
    const length = value.length
    const cap = (index: number) => {
      const at = index < 0 ? index + length : index
      if (at < 0) return step < 0 ? -1 : 0
      return at >= length ? (step < 0 ? length - 1 : length) : at
    }
    const start = from === null || from === undefined ? (step < 0 ? length - 1 : 0) : cap(from)
    const stop = to === null || to === undefined ? (step < 0 ? -1 : length) : cap(to)
    const found: unknown[] = []
    for (let at = start; step > 0 ? at < stop : at > stop; at += step) found.push(value[at])
    this.run.charge(found.length)
    return this.run.own(found)
  }

  private project(node: Node, base: unknown, depth: number): unknown {
    const elements = node.type === "ValueProjection" ? this.valuesOf(base) : Array.isArray(base) ? base : null
    if (elements === null) return null
    const condition = node.type === "FilterProjection" ? asNode(node.children?.[2]) : null
    const right = asNode(node.children?.[1])
    this.run.charge(elements.length)
    const found: unknown[] = []
    for (const element of elements) {
      if (condition !== null && isFalse(this.visit(condition, element ?? null, depth + 1))) continue
      const value = this.visit(right, element ?? null, depth + 1)
      if (value !== null) found.push(value)
    }
    return this.run.own(found)
  }

  private valuesOf(value: unknown): unknown[] | null {
    if (!isFieldObject(value)) return null
    return fieldNames(this.run, value).map((name) => fieldValue(value, name))
  }

  private flatten(list: unknown): unknown {
    if (!Array.isArray(list)) return null
    const merged: unknown[] = []
    for (const element of list) {
      const added = Array.isArray(element) ? element : [element]
      this.run.chargeList(merged.length + added.length)
      for (const value of added) merged.push(value)
    }
    return this.run.own(merged)
  }

  private compare(name: string, left: unknown, right: unknown): boolean {
    if (name === "EQ") return deepEquals(this.run, left, right)
    if (name === "NE") return !deepEquals(this.run, left, right)
    const order = compare(this.run, left, right)
    if (name === "GT") return order > 0
    if (name === "GTE") return order >= 0
    return name === "LT" ? order < 0 : order <= 0
  }

  private hash(node: Node, value: unknown, depth: number): unknown {
    const object: Record<string, unknown> = {}
    for (const part of node.children ?? []) {
      const pair = asNode(part)
      putField(object, pair.name ?? "", this.visit(asNode(pair.value), value, depth + 1))
    }
    return this.run.own(object)
  }

  private call(node: Node, value: unknown, depth: number): unknown {
    const called = QUERY_FUNCTIONS.get(node.name ?? "")
    if (called === undefined) throw typeError(`JMESPath has no function ${node.name}()`)
    const args = (node.children ?? []).map((part) => {
      const argument = asNode(part)
      if (argument.type !== "ExpressionReference") return this.visit(argument, value, depth + 1)
      const inner = asNode(argument.children?.[0])
      return new QueryReference((of) => this.visit(inner, of ?? null, depth + 1))
    })
    return called(this.run, args)
  }
}

/** What counts as false in a query: null, false, the empty text, list and object. */
function isFalse(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "") return true
  if (Array.isArray(value)) return value.length === 0
  return isFieldObject(value) && Object.keys(value).length === 0
}
