/**
 * Where a call of a node's model goes and whose key pays (the workflow language, §7 "Look-up"): the credential that the node
 * names, else the key of the organization or the server for that provider. An address that the node names itself never gets
 * a key that is not the node's own.
 */
import { allowsHost } from "@brevet/core/graph/credential-hosts"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { ChatModelPlan } from "@brevet/core/graph/kinds/models/chat-model"
import type { OpenCredential } from "../ports/credential-access.ts"
import type { ModelEndpoint, ModelRequest } from "../ports/models.ts"
import type { Work } from "./perform.ts"

/** What of a request says where it goes. */
export type ModelTarget = Pick<ModelRequest, "model" | "endpoint" | "api">

/**
 * The target of a model. Throws CREDENTIAL_UNREADABLE, MODEL_REFUSED for a credential that may not be sent to that address,
 * and NODE_SETTINGS_INVALID for an address that is none.
 */
export async function modelTarget(work: Work, plan: ChatModelPlan): Promise<ModelTarget> {
  const { provider, model, api, baseUrl } = plan
  const asked = api === "responses" ? { api } : {}
  if (baseUrl !== null && !isAddress(baseUrl)) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The base URL of the model's node has to be an http address.")
  }
  const credential = await findCredential(work, plan)
  if (credential !== null) return { model, endpoint: endpointOf(plan, credential), ...asked }
  if (baseUrl === null) return { model: `${provider.name}/${model}`, ...asked }
  return { model, endpoint: { provider: provider.name, wire: provider.wire, apiKey: null, baseUrl }, ...asked }
}

/** The node's credential; null where it names none, or one that does not exist here. */
async function findCredential({ segment, workshop }: Work, plan: ChatModelPlan): Promise<OpenCredential | null> {
  if (plan.credential === null) return null
  const found = await workshop.credentials.find(segment.organizationId, plan.credential)
  if (found.found) return found.credential
  if (found.reason === "missing") return null
  const called = plan.credential.name ?? plan.credential.id
  const message = `The credential '${called}' was sealed with another secret key. Send its data again.`
  throw new NodeFailure("CREDENTIAL_UNREADABLE", message, { details: { credential: called } })
}

function endpointOf({ provider, baseUrl }: ChatModelPlan, credential: OpenCredential): ModelEndpoint {
  const { data, auth, allowedHosts } = credential
  const apiKey = textAt(data, "apiKey")
  const address = baseUrl ?? ownAddress(provider, data) ?? provider.baseUrl
  const place = new URL(address ?? wireAddresses[provider.wire])
  const port = place.port === "" ? (place.protocol === "https:" ? 443 : 80) : Number(place.port)
  if (!allowsHost(allowedHosts, { host: place.hostname, port })) {
    const message = `The credential '${credential.name}' may not be sent to ${place.host}: its allowed_hosts do not list that host.`
    throw new NodeFailure("MODEL_REFUSED", message, { details: { credential: credential.name } })
  }
  // Azure takes its key under a name of its own; all others as their wire does.
  const isOfWire = provider.name !== "azure"
  const headers = isOfWire ? auth.headers.filter(([, value]) => !holdsKey(value, apiKey)) : auth.headers
  return {
    provider: provider.name,
    wire: provider.wire,
    apiKey: isOfWire ? apiKey : null,
    headers,
    ...(address === null ? {} : { baseUrl: address }),
  }
}

/** Where the wires' own providers are, as far as it matters to which hosts a credential may be sent. */
const wireAddresses = {
  openai: "https://api.openai.com",
  anthropic: "https://api.anthropic.com",
  google: "https://generativelanguage.googleapis.com",
} as const

/** The address that a credential names, with the path that its provider has below it; null: none. */
function ownAddress({ name }: ChatModelPlan["provider"], data: OpenCredential["data"]): string | null {
  const below = (field: string, path: string): string | null => {
    const address = textAt(data, field)?.replace(/\/+$/, "")
    return address === undefined ? null : address.endsWith(path) ? address : address + path
  }
  switch (name) {
    case "anthropic":
      return below("url", "/v1")
    case "google":
      return below("host", "/v1beta")
    case "ollama":
      return below("baseUrl", "/v1")
    case "azure": {
      const resource = textAt(data, "resourceName")
      const own = resource === null ? null : `https://${encodeURIComponent(resource)}.openai.azure.com/openai/v1`
      return below("endpoint", "/openai/v1") ?? own
    }
    default:
      return textAt(data, "url")
  }
}

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function textAt(data: OpenCredential["data"], field: string): string | null {
  const value = Object.hasOwn(data, field) ? data[field] : undefined
  return typeof value === "string" && value !== "" ? value : null
}

const holdsKey = (value: string, apiKey: string | null): boolean => apiKey !== null && value.endsWith(apiKey)
