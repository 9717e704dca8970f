/**
 * Where a call of a node's model goes and whose key pays (the workflow language, §7 "Look-up"): its credential, else the key
 * of the server or the organization for that provider. An address that the node names never gets a key that is not its own.
 */
import type { ChatModelPlan } from "@brevet/core/graph/kinds/models/chat-model"
import type { ModelRequest } from "../ports/models.ts"
import type { Work } from "./perform.ts"

/** What of a request says where it goes. */
export type ModelTarget = Pick<ModelRequest, "model" | "endpoint" | "api">

/** The target of a model. */
export async function modelTarget(_work: Work, plan: ChatModelPlan): Promise<ModelTarget> {
  const { provider, model, api, baseUrl } = plan
  const asked = api === "responses" ? { api } : {}
  if (baseUrl === null) return { model: `${provider.name}/${model}`, ...asked }
  return { model, endpoint: { provider: provider.name, wire: provider.wire, apiKey: null, baseUrl }, ...asked }
}
