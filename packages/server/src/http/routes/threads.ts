/** The calls of threads: parsed input to service, record to wire. */
import { presentCursorPage } from "@brevet/core/contract/cursor-page"
import type { RouteInput } from "@brevet/core/contract/route"
import {
  createThreadRoute,
  deleteThreadRoute,
  deleteThreadsRoute,
  generateThreadNameRoute,
  getThreadRoute,
  listThreadsRoute,
  moveThreadRoute,
  pinThreadRoute,
  unpinThreadRoute,
  updateThreadRoute,
} from "@brevet/core/contract/thread-routes"
import { presentMove, presentPin, presentThread, presentThreadName } from "@brevet/core/contract/threads"
import type { ThreadRecord } from "../../ports/thread-table.ts"
import { listThreads, type ThreadQuery } from "../../services/thread-list.ts"
import { moveThread } from "../../services/thread-move.ts"
import { generateThreadName } from "../../services/thread-name.ts"
import {
  createThread,
  deleteThread,
  deleteThreads,
  getThread,
  pinThread,
  unpinThread,
  updateThread,
} from "../../services/threads.ts"
import { type Answer, bind } from "../route.ts"

const answer = (status: 200 | 201, thread: ThreadRecord) => ({
  status,
  body: presentThread(thread),
  headers: {
    etag: `"${thread.revision}"`,
    ...(status === 201 ? { location: `/v1/threads/${thread.id}` } : {}),
  },
})

type ListQuery = RouteInput<typeof listThreadsRoute>["query"]

function toThreadQuery(query: ListQuery): ThreadQuery {
  return {
    order: query.order,
    limit: query.limit,
    visibleInUi: query.visible_in_ui,
    includeDeleted: query.include_deleted,
    includeTotal: query.include_total,
    ...(query.organization_id === undefined ? {} : { organizationId: query.organization_id }),
    ...(query.after === undefined ? {} : { after: query.after }),
    ...(query.before === undefined ? {} : { before: query.before }),
    ...(query.assistant_id === undefined ? {} : { assistantId: query.assistant_id }),
    ...(query.workflow_id === undefined ? {} : { workflow: query.workflow_id }),
    ...(query.is_pinned === undefined ? {} : { isPinned: query.is_pinned }),
  }
}

/** A name as a stream (documented): it comes whole, since a name that may still change is of no use to anybody. */
function streamName(thread: ThreadRecord): Answer {
  const frames = [
    { event: "response.content_delta", delta: thread.title },
    { event: "response.completed", ...presentThreadName(thread) },
  ]
  const blocks = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")
  return {
    status: 200,
    stream(sink) {
      sink.send(`${blocks}data: [DONE]\n\n`)
      sink.end()
    },
  }
}

/** Every call of the documented group "threads" but for messages, and the move. */
export const threadRoutes = [
  bind(createThreadRoute, async (cx, { body }) => answer(201, await createThread(cx, body))),
  bind(listThreadsRoute, async (cx, { query }) => {
    const { records, hasMore, total } = await listThreads(cx, toThreadQuery(query))
    const page = presentCursorPage(records.map(presentThread), { hasMore })
    return { status: 200, body: { ...page, limit: query.limit, total } }
  }),
  bind(deleteThreadsRoute, async (cx, { query }) => {
    const deleted = await deleteThreads(cx, query.organization_id)
    return { status: 200, body: { deleted, message: "Threads deleted successfully" } }
  }),
  bind(getThreadRoute, async (cx, { params }) => answer(200, await getThread(cx, params.thread_id))),
  bind(updateThreadRoute, async (cx, { params, body, ifRevision }) =>
    answer(200, await updateThread(cx, { threadId: params.thread_id, ifRevision }, body)),
  ),
  bind(deleteThreadRoute, async (cx, { params, ifRevision }) => {
    await deleteThread(cx, { threadId: params.thread_id, ifRevision })
    return { status: 204, body: null }
  }),
  bind(pinThreadRoute, async (cx, { params }) => ({
    status: 200,
    body: presentPin(await pinThread(cx, params.thread_id)),
  })),
  bind(unpinThreadRoute, async (cx, { params }) => ({
    status: 200,
    body: presentPin(await unpinThread(cx, params.thread_id)),
  })),
  bind(generateThreadNameRoute, async (cx, { params, query, body }) => {
    const thread = await generateThreadName(cx, params.thread_id, { messages: body.messages ?? null })
    if (query.stream || body.stream === true) return streamName(thread)
    return { status: 200, body: presentThreadName(thread) }
  }),
  bind(moveThreadRoute, async (cx, { params, body }) => {
    const request = { version: body.workflow_version ?? null, isDryRun: body.dry_run ?? false }
    return { status: 200, body: presentMove(await moveThread(cx, params.thread_id, request)) }
  }),
]
