/** Where a run begins that the failure of another one starts. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const errorTrigger = makeTrigger({
  name: "errorTrigger",
  types: ["n8n-nodes-base.errorTrigger"],
  title: "Error trigger",
  help: "The failure of another run begins here.",
  armed: false,
})
