/** Where a run begins that a form starts. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const formTrigger = makeTrigger({
  name: "formTrigger",
  types: ["n8n-nodes-base.formTrigger"],
  title: "Form trigger",
  help: "A form that was sent begins here. A chat turn can begin here too, with its own item.",
  armed: false,
})
