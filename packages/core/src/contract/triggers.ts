/**
 * The addresses at which a workflow's triggers are called, and listening for one request to try them out (ours). The
 * addresses themselves are no calls of this contract: they speak as their nodes say.
 */
import { z } from "zod"
import { toUnixSeconds } from "../time.ts"
import { route } from "./route.ts"

/** For how long a listener may wait for a request (seconds). */
const listenSecondsMax = 3_600

const triggerAnswer = z
  .object({
    node: z.string(),
    kind: z.enum(["webhook", "form"]),
    /** `*`: all methods. */
    method: z.string(),
    path: z.string(),
    url: z.string(),
    test_url: z.string(),
  })
  .meta({ id: "Trigger" })

/** The triggers of a workflow. */
export const triggersAnswer = z
  .object({
    armed: z.boolean(),
    listening_until: z.number().int().nullable(),
    triggers: z.array(triggerAnswer),
  })
  .meta({ id: "Triggers" })

/** What they are shown from. */
export type TriggersView = {
  readonly isArmed: boolean
  readonly listeningUntilMs: number | null
  readonly addresses: readonly {
    readonly node: string
    readonly door: "webhook" | "form"
    readonly method: string
    readonly path: string
  }[]
}

/** The triggers in wire form; `publicUrl`: where this server is reached. */
export function presentTriggers(view: TriggersView, publicUrl: string): z.input<typeof triggersAnswer> {
  return {
    armed: view.isArmed,
    listening_until: view.listeningUntilMs === null ? null : toUnixSeconds(view.listeningUntilMs),
    triggers: view.addresses.map(({ node, door, method, path }) => ({
      node,
      kind: door,
      method,
      path,
      url: `${publicUrl}/${door}/${path}`,
      test_url: `${publicUrl}/${door}-test/${path}`,
    })),
  }
}

const common = {
  tag: "Workflows",
  params: { workflow_id: { noun: "workflow", missing: "WORKFLOW_NOT_FOUND" } },
  query: z.object({}),
  unknownQuery: "refuse",
} as const

/** `GET /v1/workflows/{workflow_id}/triggers` (ours). */
export const listTriggersRoute = route({
  ...common,
  id: "listTriggers",
  method: "GET",
  path: "/v1/workflows/{workflow_id}/triggers",
  summary: "List the addresses of a workflow's triggers",
  description:
    "`url` starts runs while the workflow is armed (`PATCH` of `is_active: true`, or a definition that says `active: true`); " +
    "`test_url` while somebody listens.",
  scopes: ["workflows:read"],
  body: null,
  answers: { 200: { description: "The addresses of the newest version", schema: triggersAnswer } },
  errors: ["WORKFLOW_NOT_FOUND"],
  idempotency: "none",
})

/** The body of listening. */
export const listenBody = z
  .strictObject({ seconds: z.number().int().min(1).max(listenSecondsMax).nullish() })
  .meta({ id: "Listen" })

/** `POST /v1/workflows/{workflow_id}/listen` (ours). */
export const listenRoute = route({
  ...common,
  id: "listenForTrigger",
  method: "POST",
  path: "/v1/workflows/{workflow_id}/listen",
  summary: "Wait for one request at the test addresses of a workflow",
  description:
    "For 120 seconds, or as many as are given, the first request to one of the test addresses runs the newest version as a " +
    "manual run. Listening again begins anew.",
  scopes: ["workflows:read", "runs:write"],
  body: listenBody,
  answers: { 200: { description: "The test addresses", schema: triggersAnswer } },
  errors: ["WORKFLOW_NOT_FOUND", "WORKFLOW_INACTIVE", "WEBHOOK_PATH_CONFLICT"],
  idempotency: "transaction",
})

/** `DELETE /v1/workflows/{workflow_id}/listen` (ours). */
export const stopListeningRoute = route({
  ...common,
  id: "stopListening",
  method: "DELETE",
  path: "/v1/workflows/{workflow_id}/listen",
  summary: "Stop waiting for a request",
  scopes: ["workflows:read", "runs:write"],
  body: null,
  answers: { 204: { description: "Nothing is waited for", schema: null } },
  errors: ["WORKFLOW_NOT_FOUND"],
  idempotency: "none",
})
