/** A note on the canvas. Nothing leads to it, and it is never run. */
import type { NoteKind } from "./kind.ts"
import { noPorts } from "./ports.ts"

/** The kind. */
export const stickyNote: NoteKind = {
  name: "stickyNote",
  types: ["n8n-nodes-base.stickyNote"],
  title: "Sticky note",
  help: "A text for whoever reads the workflow.",
  group: "note",
  effect: "never",
  inputs: () => noPorts,
  outputs: () => noPorts,
  check: () => [],
}
