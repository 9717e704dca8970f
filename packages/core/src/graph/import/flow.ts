/**
 * A foreign workflow that is drawn as steps with arrows between them, before it is converted: its steps by their own ids,
 * its arrows with the names of the exits that they leave. Formats that are drawn as parts that serve each other are in
 * `dataflow.ts`.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import type { Position } from "./draft.ts"
import { asRecord, field, objectsAt, textAt } from "./fields.ts"
import { groupBy } from "./joins.ts"

/** A step. */
export type Step = {
  readonly key: string
  /** What it is called there; may be empty, and several may be called the same. */
  readonly title: string
  readonly type: string
  readonly data: JsonObject
  readonly position: Position
  /** The key of the step inside of which it lies. */
  readonly parent: string | null
}

/** An arrow. `exit` is the foreign name of the output that it leaves; empty where a step has one. */
export type Arrow = { readonly from: string; readonly exit: string; readonly to: string; readonly entrance: string }

/** Steps and arrows; arrows that name no step are left out. */
export type Flow = {
  readonly steps: readonly Step[]
  readonly byKey: ReadonlyMap<string, Step>
  readonly arrows: readonly Arrow[]
  readonly leaving: ReadonlyMap<string, readonly Arrow[]>
  readonly arriving: ReadonlyMap<string, readonly Arrow[]>
  /** The steps that lie inside of a step, by its key. */
  readonly inside: ReadonlyMap<string, readonly Step[]>
}

/** A flow of steps and arrows; of two steps with one key the first counts. */
export function makeFlow(steps: readonly Step[], arrows: readonly Arrow[]): Flow {
  const byKey = new Map<string, Step>()
  for (const step of steps) if (!byKey.has(step.key)) byKey.set(step.key, step)
  const distinct = [...byKey.values()]
  const known = arrows.filter(({ from, to }) => byKey.has(from) && byKey.has(to))
  return {
    steps: distinct,
    byKey,
    arrows: known,
    leaving: groupBy(known, ({ from }) => from),
    arriving: groupBy(known, ({ to }) => to),
    inside: groupBy(
      distinct.filter(({ parent }) => parent !== null),
      ({ parent }) => parent ?? "",
    ),
  }
}

/** Arrows in the form of React Flow: `{source, target, sourceHandle?, targetHandle?}`, in any spelling. */
export function readArrows(graph: JsonObject): readonly Arrow[] {
  return objectsAt(graph, "edges").map((edge) => ({
    from: textAt(edge, "source", "from", "source_node_id"),
    exit: textAt(edge, "sourceHandle", "source_handle", "sourceOutput"),
    to: textAt(edge, "target", "to", "target_node_id"),
    entrance: textAt(edge, "targetHandle", "target_handle"),
  }))
}

/** `{x, y}` or `[x, y]`; where it is neither, a place on one line in the order of the steps. */
export function readPosition(value: JsonValue | undefined, index: number): Position {
  const [x, y] = Array.isArray(value)
    ? (value as readonly JsonValue[])
    : [field(asRecord(value), "x"), field(asRecord(value), "y")]
  const isPlace = typeof x === "number" && typeof y === "number" && Number.isFinite(x) && Number.isFinite(y)
  return isPlace ? [Math.round(x), Math.round(y)] : [index * 200, 0]
}
