/**
 * A definition while an importer writes it: nodes with unique names and ids, connections between them, positions as they
 * were. What comes out is a definition in n8n's shape that reads without errors of structure.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import { cutText } from "../findings.ts"
import { joinBranches } from "./joins.ts"

/** A place on the canvas. */
export type Position = readonly [x: number, y: number]

/** A node to be added; its name was given by `nameFor`. */
export type DraftNode = {
  readonly name: string
  readonly id?: string | undefined
  readonly type: string
  readonly typeVersion: number
  readonly position: Position
  readonly parameters: JsonObject
  readonly disabled?: boolean
  readonly credentials?: JsonObject
  /** Sees only the first item. */
  readonly executeOnce?: boolean
  /** Rules that every node has: `onError`, `retryOnFail` and its companions. */
  readonly rules?: JsonObject
  /** What the node was in the document it came from, where nothing here does the same. */
  readonly imported?: JsonObject
}

/** A connection by names. `type` is `main` where none is said. */
export type Link = {
  readonly from: string
  readonly output?: number
  readonly to: string
  readonly input?: number
  readonly type?: string
}

/** A definition under way. */
export type Draft = {
  /** A name that no other node has, near the one that is wished; it is taken from now on. */
  nameFor(wished: string, otherwise: string): string
  add(node: DraftNode): void
  connect(link: Link): void
  /** Whether a node of that name was added. */
  has(name: string): boolean
  /** The definition; further fields stand beside its nodes. */
  finish(fields?: JsonObject): JsonObject
}

/** Characters of a name or id that are kept, as reading keeps them. */
const nameCharsMax = 255

/** An empty draft. */
export function makeDraft(): Draft {
  const names = makeTaken()
  const ids = makeTaken()
  const nodes = new Map<string, DraftNode>()
  const links: Required<Link>[] = []
  return {
    nameFor: (wished, otherwise) => names.take(wished.trim() === "" ? otherwise : wished.trim()),
    add: (node) => void nodes.set(node.name, { ...node, id: ids.take(node.id ?? slug(node.name)) }),
    connect: ({ from, output = 0, to, input = 0, type = "main" }) => void links.push({ from, output, to, input, type }),
    has: (name) => nodes.has(name),
    finish(fields = {}) {
      const joined = joinBranches({ nodes: [...nodes.values()], links: distinct(links, nodes) }, (wished) => {
        const name = names.take(wished)
        return { name, id: ids.take(slug(name)) }
      })
      return {
        ...fields,
        nodes: joined.nodes.map(presentNode),
        connections: connectionsOf(joined.links),
      }
    },
  }
}

/** Texts of which each is given once. */
function makeTaken(): { take(wished: string): string } {
  const taken = new Set<string>()
  const counters = new Map<string, number>()
  return {
    take(wished) {
      // A key of the connections; JSON from outside may not hold it either.
      const base = wished === "__proto__" ? "proto" : cutText(wished, nameCharsMax - 8)
      let text = base
      for (let count = counters.get(base) ?? 1; taken.has(text); count += 1) {
        text = `${base} ${count + 1}`
        counters.set(base, count + 1)
      }
      taken.add(text)
      return text
    },
  }
}

function slug(name: string): string {
  const plain = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_")
  return plain === "" || plain === "_" ? "node" : plain
}

/** Each connection once, and only between nodes that are there. */
function distinct(links: readonly Required<Link>[], nodes: ReadonlyMap<string, DraftNode>): readonly Required<Link>[] {
  const known = new Map<string, Required<Link>>()
  for (const link of links) {
    if (!nodes.has(link.from) || !nodes.has(link.to)) continue
    known.set(JSON.stringify([link.type, link.from, link.output, link.to, link.input]), link)
  }
  return [...known.values()]
}

function presentNode({ name, id, type, typeVersion, position, parameters, ...rest }: DraftNode): JsonObject {
  const { disabled, credentials, executeOnce, rules, imported } = rest
  return {
    id: id ?? name,
    name,
    type,
    typeVersion,
    position: [...position],
    parameters,
    ...(credentials === undefined ? {} : { credentials }),
    ...(disabled === true ? { disabled } : {}),
    ...(executeOnce === true ? { executeOnce } : {}),
    ...rules,
    ...(imported === undefined ? {} : { imported }),
  }
}

/** Connections by source, type and output, as n8n writes them. */
function connectionsOf(links: readonly Required<Link>[]): JsonObject {
  const bySource = new Map<string, Map<string, JsonValue[][]>>()
  for (const { from, output, to, input, type } of links) {
    const byType = bySource.get(from) ?? new Map<string, JsonValue[][]>()
    bySource.set(from, byType)
    const outputs = byType.get(type) ?? []
    byType.set(type, outputs)
    while (outputs.length <= output) outputs.push([])
    outputs[output]?.push({ node: to, type, index: input })
  }
  return Object.fromEntries([...bySource].map(([from, byType]) => [from, Object.fromEntries(byType)]))
}

/** An object of entries; names that JSON from outside may not have are left out. */
export function recordOf(entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  return Object.fromEntries([...entries].filter(([name]) => name !== "__proto__"))
}
