/** Where a workflow begins that another one calls. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const executeWorkflowTrigger = makeTrigger({
  name: "executeWorkflowTrigger",
  types: ["n8n-nodes-base.executeWorkflowTrigger"],
  title: "When called by another workflow",
  help: "A call begins here with the items that it gives.",
  armed: true,
})
