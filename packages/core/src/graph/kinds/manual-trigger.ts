/** Where an execution by hand begins. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const manualTrigger = makeTrigger({
  name: "manualTrigger",
  types: ["n8n-nodes-base.manualTrigger", "n8n-nodes-base.start"],
  title: "Manual trigger",
  help: "An execution begins here with the items that the call gives.",
  armed: true,
})
