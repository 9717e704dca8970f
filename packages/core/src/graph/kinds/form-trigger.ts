/** Where a run begins that a form starts. Its settings are read in `triggers/form-settings.ts`. */
import { pathsOf } from "../triggers/addresses.ts"
import { formPathOf } from "../triggers/form-settings.ts"
import { makeTrigger, noAddress } from "./trigger.ts"

/** The kind. */
export const formTrigger = makeTrigger({
  name: "formTrigger",
  types: ["n8n-nodes-base.formTrigger"],
  title: "Form trigger",
  help: "A form that people fill in begins here, at its address, while the workflow is armed. A chat turn can begin here too, with its own item.",
  armed: true,
  check: (node) => (pathsOf(node, formPathOf(node)).length === 0 ? [noAddress(node)] : []),
})
