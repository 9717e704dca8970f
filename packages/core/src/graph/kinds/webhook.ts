/** Where a run begins that an HTTP request starts. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const webhook = makeTrigger({
  name: "webhook",
  types: ["n8n-nodes-base.webhook"],
  title: "Webhook",
  help: "An HTTP request begins here. A chat turn can begin here too, with its own item.",
  armed: false,
})
