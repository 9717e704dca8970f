/**
 * One execution of a node whose kind has an effect: the performer of that effect does it, trouble becomes its outcome. And
 * what performers share: the credentials that nodes name.
 */
import type { Evaluated } from "@brevet/core/graph/evaluate-node"
import { failureOf, finishOutputs } from "@brevet/core/graph/evaluate-node"
import type { ExecutionKey } from "@brevet/core/graph/events"
import type { GraphNode } from "@brevet/core/graph/graph"
import type { Outputs } from "@brevet/core/graph/items"
import { type EffectKind, type KindContext, type KindResult, NodeFailure } from "@brevet/core/graph/kinds/kind"
import { credentialOf } from "@brevet/core/graph/kinds/models/credential"
import type { CredentialAccess, OpenCredential } from "../ports/credential-access.ts"
import { type FileWork, keepInlineFiles } from "./files.ts"
import type { Segment } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** What a performer is handed. */
export type Work = {
  readonly segment: Segment
  readonly workshop: Workshop
  readonly key: ExecutionKey
  readonly context: KindContext
}

/**
 * Does what a kind asks for. Throws NodeFailure for what is the node's trouble, and whatever the segment's signal or its
 * saves throw. Before an effect its intent is taken and saved (R5), after it its outcome is taken; what `state.current`
 * holds from before a crash is not done again. Gives the outputs, with what the node keeps for its next execution if it does.
 */
export type Performer = (work: Work) => Promise<Outputs | KindResult>

/** The performers, by effect. */
export type Performers = { readonly [Effect in EffectKind["effect"]]: Performer }

/** What came of an execution, or what it waits for. */
type Outcome = Exclude<Evaluated, { type: "effect" }>

/** The outcome of an execution. Throws what is not the node's own trouble: the reasons of the signal, faults of ours. */
export async function perform(work: Work & { readonly effect: EffectKind["effect"] }): Promise<Outcome> {
  const { segment, workshop, context, effect } = work
  try {
    const made = await workshop.performers[effect](work)
    const result = "outputs" in made ? made : { outputs: made }
    const outputs = finishOutputs(context.node, result.outputs)
    return await withFiles(work, { type: "completed", result: { ...result, outputs } })
  } catch (error) {
    segment.signal.throwIfAborted()
    return failureOf(error)
  }
}

/** An outcome whose items hold no bytes of files, but references. */
export async function withFiles(work: FileWork, outcome: Outcome): Promise<Outcome> {
  if (outcome.type !== "completed") return outcome
  try {
    const outputs = await keepInlineFiles(work, outcome.result.outputs)
    return { ...outcome, result: { ...outcome.result, outputs } }
  } catch (error) {
    return failureOf(error)
  }
}

/** Whose credentials are looked through, and where: of the work that a performer is handed. */
type CredentialGround = {
  readonly segment: Pick<Segment, "organizationId">
  readonly workshop: { readonly credentials: CredentialAccess }
}

/**
 * The credential of a type that a node names. It is found by the id that the node gives, else by name and type. Throws
 * NodeFailure: CREDENTIAL_MISSING where the node names none or none is found, CREDENTIAL_UNREADABLE where it was sealed
 * with another secret key.
 */
export async function requireCredential(
  ground: CredentialGround,
  node: GraphNode,
  type: string,
): Promise<OpenCredential> {
  const credential = await findCredential(ground, node, type)
  if (credential !== null) return credential
  const message = `The node needs a credential of the type '${type}'. Create one and choose it in the node.`
  throw new NodeFailure("CREDENTIAL_MISSING", message, { details: { credential_type: type } })
}

/** The same; null where the node names no credential of that type. */
async function findCredential(
  { segment, workshop }: CredentialGround,
  node: GraphNode,
  type: string,
): Promise<OpenCredential | null> {
  const reference = credentialOf(node, type)
  if (reference === null) return null
  const outcome = await workshop.credentials.find(segment.organizationId, reference)
  if (outcome.found) return outcome.credential
  const called = reference.name ?? reference.id
  const details = { credential_type: type, credential: called }
  if (outcome.reason === "unreadable") {
    const message = `The credential '${called}' was sealed with another secret key. Send its data again.`
    throw new NodeFailure("CREDENTIAL_UNREADABLE", message, { details })
  }
  const message = `There is no credential '${called}' of the type '${type}' here. Create it, or choose another one.`
  throw new NodeFailure("CREDENTIAL_MISSING", message, { details })
}
