/**
 * What the handles of an edge mean: which output or input of a node, and of which type. Handles have no fixed form, so that
 * the usual ones are understood: the name of a port (`true`), a number at the end (`output-1`, from 0), a service
 * (`ai_tool`), `error`.
 */
import type { JsonValue } from "../json.ts"
import type { GraphNode } from "./graph.ts"
import type { Port } from "./kinds/kind.ts"
import { findKind } from "./kinds/table.ts"

/** A port of a node. `type` is `main` or a service. */
export type EdgePort = { readonly index: number; readonly type: string }

const firstPort: EdgePort = { index: 0, type: "main" }
const service = /ai_[A-Za-z]+/
const numbered = /(?:^|[^\d])(\d{1,3})$/

/** The output that a `sourceHandle` means; the first where it says nothing that is understood. */
export function sourcePort(handle: JsonValue | undefined, node: GraphNode): EdgePort {
  const kind = node.kind === null ? null : findKind(node.kind)
  if (isText(handle) && handle.toLowerCase() === "error" && node.onError === "continueErrorOutput") {
    return { index: node.outputs, type: "main" }
  }
  return portOf(handle, kind?.outputs(node) ?? null)
}

/** The input that a `targetHandle` means. */
export function targetPort(handle: JsonValue | undefined, node: GraphNode): EdgePort {
  const kind = node.kind === null ? null : findKind(node.kind)
  return portOf(handle, kind?.inputs(node) ?? null)
}

const isText = (handle: JsonValue | undefined): handle is string =>
  typeof handle === "string" && handle.length > 0 && handle.length <= 100

/** `ports` null: the node's ports are unknown. */
function portOf(handle: JsonValue | undefined, ports: readonly Port[] | null): EdgePort {
  if (typeof handle === "number") return { index: Number.isInteger(handle) ? handle : 0, type: "main" }
  if (!isText(handle)) return firstPort
  const [type] = service.exec(handle) ?? []
  if (type !== undefined) return { index: 0, type }
  const named = ports?.findIndex(({ name }) => name.toLowerCase() === handle.toLowerCase()) ?? -1
  if (named >= 0) return { index: named, type: "main" }
  const number = Number(numbered.exec(handle)?.[1] ?? "0")
  // A node with one port has nothing to choose from: `output-1` and `out` are it.
  return ports !== null && ports.length <= 1 ? firstPort : { index: number, type: "main" }
}
