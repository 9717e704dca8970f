/** The calls of pauses: parsed input to service, record to wire. */
import { answerPauseRoute, getPauseRoute, listPausesRoute } from "@brevet/core/contract/pause-routes"
import { presentPause } from "@brevet/core/contract/pauses"
import { holdsScopes } from "@brevet/core/contract/scopes"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { Context } from "../../ports/context.ts"
import type { PauseRecord } from "../../ports/pause-table.ts"
import { type LinkPorts, linkOf } from "../../services/pause-links.ts"
import { answerPause, getPause, listPauses } from "../../services/pauses.ts"
import { bind } from "../route.ts"

/** A link for those who may answer any pause. */
function shownTo(cx: Context, links: LinkPorts): (pause: PauseRecord) => JsonObject {
  const isShown = holdsScopes(cx.principal.scopes, ["runs:write"])
  return (pause) => presentPause(pause, isShown ? linkOf(links, pause) : null)
}

/** Reading and answering, over what links need. */
export function makePauseRoutes(links: LinkPorts) {
  return [
    bind(listPausesRoute, async (cx, { query }) => {
      const { status, thread_id, assistant_id, run_id, limit, offset } = query
      const { records, total } = await listPauses(cx, {
        limit,
        offset,
        ...(status === undefined ? {} : { status }),
        ...(thread_id === undefined ? {} : { threadId: thread_id }),
        ...(assistant_id === undefined ? {} : { assistantId: assistant_id }),
        ...(run_id === undefined ? {} : { runId: run_id }),
      })
      return { status: 200, body: { pauses: records.map(shownTo(cx, links)), total, limit, offset } }
    }),
    bind(getPauseRoute, async (cx, { params }) => ({
      status: 200,
      body: shownTo(cx, links)(await getPause(cx, params.pause_id)),
    })),
    bind(answerPauseRoute, async (cx, { params, body }) => ({
      status: 200,
      // It was read from JSON.
      body: shownTo(cx, links)(await answerPause(cx, params.pause_id, body.answer as JsonValue)),
    })),
  ]
}
