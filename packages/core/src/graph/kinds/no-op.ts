/** Does nothing: a place where branches meet or end. */
import { sameItem } from "./each-item.ts"
import type { PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const noOp: PureKind = {
  name: "noOp",
  types: ["n8n-nodes-base.noOp"],
  title: "No operation",
  help: "Passes its items on unchanged.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check: () => [],
  run: ({ inputs }) => ({ outputs: [(inputs[0] ?? []).map(sameItem)] }),
}
