/** Where a run begins that a clock starts. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const scheduleTrigger = makeTrigger({
  name: "scheduleTrigger",
  types: ["n8n-nodes-base.scheduleTrigger", "n8n-nodes-base.cron", "n8n-nodes-base.interval"],
  title: "Schedule trigger",
  help: "A point in time begins here. A chat turn can begin here too, with its own item.",
  armed: false,
})
