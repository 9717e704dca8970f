/** Where a chat turn begins. */
import { makeTrigger } from "./trigger.ts"

/** The kind. */
export const chatTrigger = makeTrigger({
  name: "chatTrigger",
  types: ["@n8n/n8n-nodes-langchain.chatTrigger", "@n8n/n8n-nodes-langchain.manualChatTrigger"],
  title: "Chat trigger",
  help: "A chat turn begins here; the message is chatInput of the item.",
  armed: true,
})
