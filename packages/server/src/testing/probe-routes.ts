/** Routes that tests of the door bind: each shows what it was handed, or does what the test says. */
import { type Route, route } from "@brevet/core/contract/route"
import { listLimit, plainText } from "@brevet/core/contract/text"
import { z } from "zod"
import { type Answer, bind, type CallInput } from "../http/route.ts"
import type { Context } from "../ports/context.ts"

/** What a probe answers with. */
type Handle = (cx: Context, input: CallInput<Route>) => Promise<Answer>

const anything = z.looseObject({})

/** Shows the inputs as they came out of the door. */
const showInput: Handle = async (cx, input) => ({
  status: 200,
  body: {
    params: input.params,
    query: input.query,
    body: input.body ?? null,
    if_revision: input.ifRevision ?? null,
    last_event_id: input.lastEventId,
    accepts_stream: input.acceptsStream,
    generation: input.standing.generation,
    caller: { ...cx.principal },
    trace_id: cx.traceId,
  },
})

/** A documented call without a body: `GET /v1/probe`. */
export const probeGet = route({
  id: "probeGet",
  method: "GET",
  path: "/v1/probe",
  summary: "Probe",
  tag: "Probe",
  scopes: ["workflows:read"],
  params: {},
  query: z.object({ limit: listLimit, name: plainText(20).optional() }),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "Seen", schema: anything } },
  errors: ["RUN_EXPIRED"],
  idempotency: "none",
})

/** One of ours with an id: `PATCH /v1/probe/{workflow_id}`. */
export const probePatch = route({
  id: "probePatch",
  method: "PATCH",
  path: "/v1/probe/{workflow_id}",
  summary: "Probe",
  tag: "Probe",
  scopes: ["workflows:write", "assistants:write"],
  scopesWithQuery: { field: "dry_run", scopes: ["workflows:read"] },
  params: { workflow_id: { noun: "workflow", missing: "WORKFLOW_NOT_FOUND" } },
  query: z.object({ dry_run: z.enum(["true", "1"]).optional() }),
  unknownQuery: "refuse",
  body: z.strictObject({
    name: plainText(20).nullish(),
    kept: anything.optional(),
    organization_id: z.string().nullish(),
    size: z.union([z.number(), z.strictObject({ width: z.number() })]).optional(),
  }),
  answers: { 200: { description: "Seen", schema: anything }, 204: { description: "Nothing", schema: null } },
  errors: ["VERSION_CONFLICT"],
  idempotency: "none",
})

/** A call that changes something, idempotent in its transaction: `POST /v1/probe`. */
export const probePost = route({
  id: "probePost",
  method: "POST",
  path: "/v1/probe",
  summary: "Probe",
  tag: "Probe",
  scopes: ["workflows:write"],
  params: {},
  query: z.object({ dry_run: z.enum(["true", "1"]).optional() }),
  unknownQuery: "ignore",
  body: z.strictObject({ name: plainText(20).nullish() }),
  answers: { 201: { description: "Made", schema: anything } },
  errors: ["WORKFLOW_INACTIVE", "WORKFLOW_NOT_FOUND", "MODEL_ERROR"],
  idempotency: "transaction",
})

/** A call that shows a secret once: `POST /v1/secret-probe`. */
export const probeSecret = route({
  ...probePost,
  id: "probeSecret",
  path: "/v1/secret-probe",
  secret: true,
})

/** A call that starts a run and may stream: `POST /v1/run-probe`. */
export const probeRun = route({
  ...probePost,
  id: "probeRun",
  path: "/v1/run-probe",
  scopes: ["chat"],
  answers: { 200: { description: "Said", schema: anything, stream: true } },
  idempotency: "run",
})

/** An event stream: `GET /v1/stream-probe`. */
export const probeStream = route({
  ...probeGet,
  id: "probeStream",
  path: "/v1/stream-probe",
  answers: { 200: { description: "Frames", schema: anything, stream: true } },
})

/** Takes any path text: `GET /v1/text-probe/{name}`. */
const probeText = route({
  ...probeGet,
  id: "probeText",
  path: "/v1/text-probe/{name}",
  params: { name: "text" },
})

/** The first two with what shows their inputs. */
export const shownProbes = [bind(probeGet, showInput), bind(probePatch, showInput), bind(probeText, showInput)]
