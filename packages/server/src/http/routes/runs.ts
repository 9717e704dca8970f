/** The calls that read runs, and the one that cancels: parsed input to service, view to wire. */
import {
  cancelRunRoute,
  getRunNodeRoute,
  getRunRoute,
  listRunEventsRoute,
  listRunNodesRoute,
  listRunsRoute,
} from "@brevet/core/contract/run-routes"
import { presentRun, presentRunNode, presentRunNodeWithInputs, presentRunSummary } from "@brevet/core/contract/runs"
import {
  cancelRun,
  getRun,
  getRunNode,
  listRunEvents,
  listRunNodes,
  listRuns,
  requireRunLog,
} from "../../services/runs.ts"
import { bind } from "../route.ts"
import { resumeNumber, streamRunEvents } from "../run-stream.ts"

/** Reading runs, their nodes and events, and cancelling. */
export const runRoutes = [
  bind(listRunsRoute, async (cx, { query }) => {
    const { workflow_id, assistant_id, thread_id, status, limit, offset } = query
    const { records, total } = await listRuns(cx, {
      limit,
      offset,
      ...(workflow_id === undefined ? {} : { workflowId: workflow_id }),
      ...(assistant_id === undefined ? {} : { assistantId: assistant_id }),
      ...(thread_id === undefined ? {} : { threadId: thread_id }),
      ...(status === undefined ? {} : { status }),
    })
    return { status: 200, body: { runs: records.map(presentRunSummary), total, limit, offset } }
  }),
  bind(getRunRoute, async (cx, { params }) => ({ status: 200, body: presentRun(await getRun(cx, params.run_id)) })),
  bind(listRunNodesRoute, async (cx, { params }) => {
    const nodes = await listRunNodes(cx, params.run_id)
    return { status: 200, body: { nodes: nodes.map(presentRunNode) } }
  }),
  bind(getRunNodeRoute, async (cx, { params }) => {
    const node = await getRunNode(cx, params.run_id, params.name)
    return { status: 200, body: presentRunNodeWithInputs(node) }
  }),
  bind(listRunEventsRoute, async (cx, { params, query, lastEventId, acceptsJsonAlone }) => {
    const { starting_after: startingAfter = 0, limit } = query
    if (!acceptsJsonAlone) {
      const after = resumeNumber(lastEventId, startingAfter)
      await requireRunLog(cx, params.run_id)
      return streamRunEvents(cx, params.run_id, after)
    }
    const after = startingAfter
    const { frames, hasMore } = await listRunEvents(cx, params.run_id, { after, limit })
    const last_seq = frames.at(-1)?.number ?? null
    return { status: 200, body: { events: frames.map((frame) => frame.body), last_seq, has_more: hasMore } }
  }),
  bind(cancelRunRoute, async (cx, { params }) => ({
    status: 200,
    body: presentRun(await cancelRun(cx, params.run_id)),
  })),
]
