/** Where a run begins that the failure of another one starts. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const errorTrigger = makeTrigger({
  name: "errorTrigger",
  types: ["n8n-nodes-base.errorTrigger"],
  title: "Error trigger",
  help: "The failure of a run begins here: of a workflow whose settings name this one as its error workflow, or of this one itself.",
  armed: true,
})
