/**
 * Which workflow has which addresses. They change in the transaction that changes the workflow, whose row is held, so that
 * what is armed and what is answered are never two things.
 */
import { Refusal } from "@brevet/core/errors"
import type { Graph } from "@brevet/core/graph/graph"
import { addressesOf, type TriggerAddress } from "@brevet/core/graph/triggers/addresses"
import type { Store } from "../ports/store.ts"
import type { AddressOwner, Listening, NewAddress } from "../ports/trigger-table.ts"

/** Gives a workflow the addresses of a version. Throws WEBHOOK_PATH_CONFLICT where another workflow has one of them. */
export async function armTriggers(store: Store, owner: AddressOwner, graph: Graph): Promise<void> {
  await take(store, owner, { addresses: toNew(graph, addressesOf(graph)), listening: null })
}

/** Gives a workflow its addresses for trying out, for a while. Throws WEBHOOK_PATH_CONFLICT. */
export async function listenAt(
  store: Store,
  owner: AddressOwner,
  { graph, listening }: { readonly graph: Graph; readonly listening: Listening },
): Promise<void> {
  await take(store, owner, { addresses: toNew(graph, addressesOf(graph)), listening })
}

function toNew(graph: Graph, addresses: readonly TriggerAddress[]): readonly NewAddress[] {
  return addresses.map(({ node, ...address }) => ({ ...address, node: graph.ordinalByName.get(node) ?? -1 }))
}

async function take(
  store: Store,
  owner: AddressOwner,
  { addresses, listening }: { readonly addresses: readonly NewAddress[]; readonly listening: Listening | null },
): Promise<void> {
  const conflict = await store.triggers.replace(owner, addresses, { listening })
  if (conflict === null) return
  const { method, path } = conflict
  // A workflow of another organization is nobody's business: as if unknown.
  const isOwn = conflict.owner.organizationId === owner.organizationId
  const isSelf = conflict.owner.workflowId === owner.workflowId
  throw new Refusal("WEBHOOK_PATH_CONFLICT", {
    ...(isSelf ? { message: "Two nodes of this workflow use the same webhook path." } : {}),
    details: { method, path, workflow_id: isOwn ? conflict.owner.workflowId : null },
  })
}
