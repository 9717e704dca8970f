/**
 * Which node of which workflow a request to an address means.
 *
 * Addresses of armed workflows are kept in memory together with the generation of their organization, under which the run
 * is started: the statement that starts it refuses it where anything has changed since, and then the store is asked.
 *
 *     find ── kept, fits, not too old ──> from memory
 *          └─ else ─────────────────────> from the store; what is there is kept
 *
 * Invariants
 * 1. What is not there is always asked for: an address is found the moment it is armed.
 * 2. Addresses at which somebody listens are never kept: each takes one request.
 */
import type { Graph, GraphNode } from "@brevet/core/graph/graph"
import type { TriggerDoor } from "@brevet/core/graph/triggers/addresses"
import { type FormSettings, readForm } from "@brevet/core/graph/triggers/form-settings"
import {
  comparePaths,
  matchPath,
  readRequestPath,
  readTriggerPath,
  type TriggerPath,
} from "@brevet/core/graph/triggers/path"
import { readWebhook, type WebhookSettings } from "@brevet/core/graph/triggers/webhook-settings"
import type { Ports } from "../ports/context.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { AddressOwner, AddressRecord } from "../ports/trigger-table.ts"

/** Paths kept at most; the one asked for longest ago goes first. */
const pathsMax = 10_000
/** How long a kept path is believed: another organization may have armed one that fits better (milliseconds). */
const keptMsMax = 5_000

/** An address as requests name it. `path`: as it stands in the request, after the door's own. */
export type AddressRequest = {
  readonly door: TriggerDoor
  readonly isTest: boolean
  readonly method: string
  readonly path: string
}

/** What a trigger says, by its door. */
export type TriggerSettings =
  | { readonly door: "webhook"; readonly webhook: WebhookSettings }
  | { readonly door: "form"; readonly form: FormSettings }

/** A node that an address means. */
export type TriggerPlace = AddressOwner & {
  readonly generation: number
  readonly graph: Graph
  readonly node: GraphNode
  readonly method: string
  readonly path: TriggerPath
  readonly settings: TriggerSettings
}

/** A trigger that was found, and what the request gives for the parameters of its path. */
export type FoundTrigger = {
  readonly request: AddressRequest
  readonly place: TriggerPlace
  readonly parameters: Readonly<Record<string, string>>
}

/** What there is at an address: a trigger, other methods, or nothing. */
export type AtAddress =
  | { readonly type: "trigger"; readonly found: FoundTrigger }
  | { readonly type: "methods"; readonly methods: readonly string[] }
  | { readonly type: "nothing" }

/** Finds triggers. */
export interface TriggerAddresses {
  /** From memory; null where the store has to be asked. */
  recall(request: AddressRequest): AtAddress | null
  find(request: AddressRequest): Promise<AtAddress>
}

type Kept = { readonly places: readonly TriggerPlace[]; readonly atMs: number }

/** Addresses over a store. */
export function makeTriggerAddresses(
  ports: Pick<Ports, "store" | "clock"> & { readonly graphs: GraphSource },
): TriggerAddresses {
  const kept = new Map<string, Kept>()
  return {
    recall(request) {
      if (request.isTest) return null
      const known = kept.get(keyOf(request))
      if (known === undefined || ports.clock.nowMs() - known.atMs > keptMsMax) return null
      const steps = readRequestPath(request.path)
      const there = steps === null ? null : choose(request, steps, known.places)
      // Another method may have been armed since.
      return there?.type === "trigger" ? there : null
    },
    async find(request) {
      const steps = readRequestPath(request.path)
      if (steps === null) return { type: "nothing" }
      const atMs = ports.clock.nowMs()
      const { door, isTest } = request
      const query = { door, isTest, steps: steps.length, shape: steps.join("/"), nowMs: atMs }
      const records = await ports.store.triggers.find(query)
      const places = (await Promise.all(records.map((record) => placeOf(ports.graphs, record)))).filter(isThere)
      const there = choose(request, steps, places)
      if (there.type === "trigger" && !isTest) keep(kept, keyOf(request), { places, atMs })
      return there
    },
  }
}

const keyOf = ({ door, path }: AddressRequest): string => `${door} ${path}`
const isThere = <Value>(value: Value | null): value is Value => value !== null

function keep(kept: Map<string, Kept>, key: string, entry: Kept): void {
  kept.delete(key)
  kept.set(key, entry)
  for (const oldest of kept.keys()) {
    if (kept.size <= pathsMax) return
    kept.delete(oldest)
  }
}

/** A kept address with its node; null where the version has no such node, which only an older reading of it explains. */
async function placeOf(graphs: GraphSource, record: AddressRecord): Promise<TriggerPlace | null> {
  const path = readTriggerPath(record.path)
  const graph = await graphs.load(record.workflowId, record.version)
  const node = graph.nodes[record.node]
  return path === null || node === undefined
    ? null
    : { ...record, graph, node, path, settings: settingsOf(graph, node) }
}

function settingsOf(graph: Graph, node: GraphNode): TriggerSettings {
  if (node.kind === "formTrigger") return { door: "form", form: readForm(graph, node) }
  return { door: "webhook", webhook: readWebhook(node) }
}

/** Of the nodes whose path and method fit the one whose path says most. */
function choose(request: AddressRequest, steps: readonly string[], places: readonly TriggerPlace[]): AtAddress {
  const fitting = places.flatMap((place) => {
    const parameters = matchPath(place.path, steps)
    return parameters === null ? [] : [{ request, place, parameters }]
  })
  const [found] = fitting
    .filter(({ place }) => place.method === request.method || place.method === "*")
    .sort((one, other) => comparePaths(one.place.path, other.place.path))
  if (found !== undefined) return { type: "trigger", found }
  const methods = [...new Set(fitting.map(({ place }) => place.method))].sort()
  return methods.length === 0 ? { type: "nothing" } : { type: "methods", methods }
}
