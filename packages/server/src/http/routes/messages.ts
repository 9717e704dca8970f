/** The calls of messages: parsed input to service, record to wire. */
import { presentCursorPage } from "@brevet/core/contract/cursor-page"
import {
  deleteMessageRoute,
  listMessagesRoute,
  presentMessage,
  presentUpdatedMessage,
  updateMessageRoute,
} from "@brevet/core/contract/messages"
import { deleteMessage, listMessages, updateMessage } from "../../services/messages.ts"
import { bind } from "../route.ts"

/** Every call of the documented group "messages". */
export const messageRoutes = [
  bind(listMessagesRoute, async (cx, { params, query }) => {
    const { limit, order, after, before, output_mode } = query
    const { records, hasMore } = await listMessages(cx, {
      threadId: params.thread_id,
      limit,
      order,
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
    })
    const messages = records.map((record) => presentMessage(record, output_mode))
    return { status: 200, body: presentCursorPage(messages, { hasMore }) }
  }),
  bind(updateMessageRoute, async (cx, { params, body }) => {
    const target = { threadId: params.thread_id, messageId: params.message_id }
    return { status: 200, body: presentUpdatedMessage(await updateMessage(cx, target, body)) }
  }),
  bind(deleteMessageRoute, async (cx, { params }) => {
    const { thread_id: threadId, message_id: messageId } = params
    await deleteMessage(cx, { threadId, messageId })
    return { status: 200, body: { id: messageId, deleted: true, object: "thread.message.deleted" } }
  }),
]
