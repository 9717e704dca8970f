/**
 * Who gets past the headers of a request to a trigger's address. Nobody's body is read before it is known who may send one.
 *
 *   is there a trigger? ── 404, 405      may they call? ── 401, 403
 */
import { Refusal } from "@brevet/core/errors"
import type { TriggerAuthentication } from "@brevet/core/graph/triggers/authentication"
import type { WebhookSettings } from "@brevet/core/graph/triggers/webhook-settings"
import type { FastifyReply, FastifyRequest } from "fastify"
import { formOf } from "../../services/form-calls.ts"
import type { AtAddress, FoundTrigger, TriggerPlace } from "../../services/trigger-addresses.ts"
import { type CallerPorts, judgeCaller, type LetIn } from "../../services/trigger-callers.ts"
import type { TriggerPorts } from "../../services/trigger-runs.ts"
import { webhookOf } from "../../services/webhook-calls.ts"
import { allowOrigin, answerPreflight, requireCaller } from "./callers.ts"

declare module "fastify" {
  interface FastifyRequest {
    /** The trigger that a request to a trigger's address means, and who calls. */
    trigger: { readonly found: FoundTrigger; readonly caller: LetIn } | null
  }
}

/** What the doors need. `publicUrl`: where people reach this server. */
export type TriggerDoor = TriggerPorts & {
  readonly callers: CallerPorts
  readonly publicUrl: () => string
  readonly bodyBytesMax: number
}

/** A request at a door. `prefix`: the door's own part of the path. */
export type Admission = {
  readonly door: "webhook" | "form"
  readonly isTest: boolean
  readonly prefix: string
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Calls back with nothing for whoever may go on, with a refusal for others; never for a preflight, which is answered here. */
export function admit(door: TriggerDoor, admission: Admission, done: (error?: Error) => void): void {
  const { request, isTest, prefix } = admission
  const [path = ""] = request.url.slice(prefix.length + 1).split("?")
  const asked = isPreflight(request) ? request.headers["access-control-request-method"] : request.method
  const address = { door: admission.door, isTest, path, method: asked ?? "OPTIONS" } as const
  const settle = (there: AtAddress): Promise<void> | null => {
    const found = requireTrigger(there, admission)
    if (found === null) return null
    request.trigger = { found, caller: { secretHeader: null, claims: null } }
    const authentication = authenticationOf(found.place)
    if (authentication.way !== "none") return letIn(door, { found, authentication }, admission).then(() => done())
    done()
    return null
  }
  try {
    const known = door.addresses.recall(address)
    const settled = known === null ? door.addresses.find(address).then(settle) : settle(known)
    settled?.catch(done)
  } catch (error) {
    done(error as Error)
  }
}

function isPreflight({ method }: FastifyRequest): boolean {
  return method === "OPTIONS"
}

function authenticationOf(place: TriggerPlace): TriggerAuthentication {
  return place.settings.door === "form" ? formOf(place).authentication : webhookOf(place).authentication
}

/** The trigger; null for a preflight. */
function requireTrigger(there: AtAddress, { request, reply }: Admission): FoundTrigger | null {
  if (there.type === "nothing") throw new Refusal("ROUTE_NOT_FOUND")
  if (there.type === "methods") {
    reply.header("allow", there.methods.join(", "))
    throw new Refusal("METHOD_NOT_ALLOWED")
  }
  const { place } = there.found
  const limits = callersOf(place)
  allowOrigin(limits, request, reply)
  if (isPreflight(request)) {
    answerPreflight([place.method], request, reply)
    return null
  }
  requireCaller(limits, request)
  return there.found
}

type Callers = Pick<WebhookSettings, "allowedOrigins" | "allowedAddresses" | "ignoreBots">

/** Pages of other origins may show no form and send none with a person's own name and password. */
function callersOf(place: TriggerPlace): Callers {
  if (place.settings.door === "webhook") return webhookOf(place)
  return { allowedOrigins: [], allowedAddresses: [], ignoreBots: formOf(place).ignoreBots }
}

type Demand = { readonly found: FoundTrigger; readonly authentication: TriggerAuthentication }

async function letIn(door: TriggerDoor, { found, authentication }: Demand, admission: Admission): Promise<void> {
  const { request, reply } = admission
  const { organizationId } = found.place
  // A browser sends a name and password by itself, also where another page makes it send a form.
  if (admission.door === "form" && request.headers["sec-fetch-site"] === "cross-site" && request.method !== "GET") {
    throw new Refusal("INSUFFICIENT_PERMISSIONS", { systemMessage: "The form was sent from a page of another site" })
  }
  if (authentication.way === "basic") reply.header("www-authenticate", 'Basic realm="Webhook", charset="UTF-8"')
  const caller = await judgeCaller(door.callers, { authentication, organizationId, headers: request.headers })
  reply.removeHeader("www-authenticate")
  request.trigger = { found, caller }
}
