/** The calls about triggers; requests to their addresses come through a door of their own. */
import { listenRoute, listTriggersRoute, presentTriggers, stopListeningRoute } from "@brevet/core/contract/triggers"
import { listen, listTriggers, stopListening } from "../../services/trigger-list.ts"
import { bind } from "../route.ts"

/** The calls. `publicUrl`: where this server is reached. */
export function makeTriggerRoutes({ publicUrl }: { readonly publicUrl: () => string }) {
  return [
    bind(listTriggersRoute, async (cx, { params }) => {
      return { status: 200, body: presentTriggers(await listTriggers(cx, params.workflow_id), publicUrl()) }
    }),
    bind(listenRoute, async (cx, { params, body }) => {
      const durationMs = typeof body.seconds === "number" ? body.seconds * 1_000 : undefined
      return { status: 200, body: presentTriggers(await listen(cx, params.workflow_id, { durationMs }), publicUrl()) }
    }),
    bind(stopListeningRoute, async (cx, { params }) => {
      await stopListening(cx, params.workflow_id)
      return { status: 204, body: null }
    }),
  ]
}
