/**
 * What a node kind is. A kind is one small file in this folder and one row of the table (`table.ts`).
 *
 * A kind without an effect is a pure function from inputs and settings to outputs (`run`). A kind with an effect says what
 * is to be done (`prepare`), item by item; the server's performer of that effect does it.
 */

import type { CauseCode } from "../../errors.ts"
import type { JsonObject, JsonValue } from "../../json.ts"
import type { ExpressionScope } from "../expression/scope.ts"
import type { Finding, Graph, GraphNode } from "../graph.ts"
import type { Item, Outputs } from "../items.ts"
import type { PauseOutcome, PauseRequest } from "../pauses/pause.ts"
import type { TriggerAnswer } from "../triggers/answer.ts"

/** A failure of a node: data, ends the execution, and what follows is the node's `onError`. */
export class NodeFailure extends Error {
  readonly code: CauseCode
  readonly details: JsonObject
  constructor(code: CauseCode, message: string, options: { details?: JsonObject; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = "NodeFailure"
    this.code = code
    this.details = options.details ?? {}
  }
}

/** What a kind is handed for one execution of a node. */
export type KindContext = {
  readonly node: GraphNode
  /** One list per input, in order; an input that got nothing is an empty list. `executeOnce` is applied already. */
  readonly inputs: readonly (readonly Item[])[]
  /**
   * The parameter at a path in dots (`options.reset`), with its expressions resolved for one item of input 0
   * (or the item given). Undefined where it is absent. Throws ExpressionError, which becomes the node's failure.
   */
  parameter(path: string, itemIndex: number): unknown
  /** Any value with its expressions resolved for one item. */
  resolve(value: JsonValue, itemIndex: number): unknown
  /** What expressions see for one item of input 0: for kinds that hand it on to code. */
  scope(itemIndex: number): ExpressionScope
  /** The run's instant, milliseconds: what `now` means in this execution. */
  readonly nowMs: number
  /** The run's own random source, 0 ≤ x < 1, seeded by the run. */
  readonly random: () => number
  /** IANA name of the time zone of the workflow. */
  readonly timeZone: string
  /** What this node's last execution in this run left (`memory` of its result), else null. */
  readonly memory: JsonValue
  /** How often the node has run before in this run. */
  readonly iteration: number
  /** The inputs of an earlier execution of this node in this run; none where there was no such execution. */
  earlierInputs(iteration: number): readonly (readonly Item[])[]
  /**
   * What a node that serves this one is handed: the items are those of the node that it serves. `given`: what a model gave
   * as the arguments of a tool, which `$fromAI` reads.
   */
  servant(node: GraphNode, given?: JsonObject): KindContext
  /** Of a run's start: which of its outputs gets the items (a webhook with an output for each method). */
  readonly startOutput: number
}

/**
 * What an execution of a pure kind gives. Of a `memory` that is an object, `context` is what expressions see of the node:
 * `$('Loop').context`.
 */
export type KindResult = {
  readonly outputs: Outputs
  readonly memory?: JsonValue
  /** For whoever called the address that started the run. */
  readonly answer?: TriggerAnswer
}

/** A named main output or input. */
export type Port = { readonly name: string }

/** The facts that every kind states. */
export type KindBase = {
  /** Canonical name, camel case: `set`, `freddyLlm`. */
  readonly name: string
  /** Exact type names that mean this kind. */
  readonly types: readonly string[]
  readonly title: string
  /** One or two sentences for the person who draws the workflow. */
  readonly help: string
  readonly group: "trigger" | "ours" | "data" | "flow" | "outside" | "model" | "note"
  /** Main inputs of a node with these settings. */
  inputs(node: GraphNode): readonly Port[]
  /** Main outputs of a node with these settings (the error output of `continueErrorOutput` comes after them). */
  outputs(node: GraphNode): readonly Port[]
  /** True if the node may pass one item on to only one of its outputs (if, switch): ends behind them exclude each other. */
  exclusiveOutputs?(node: GraphNode): boolean
  /** True if what a model says is what the node puts out, so that it may be shown while it is made. Absent: never. */
  speaks?(node: GraphNode, graph: Graph): boolean
  /** Own rules about settings; expressions are checked by `validate`. */
  check(node: GraphNode, graph: Graph): readonly Finding[]
}

/** A kind without an effect. */
export type PureKind = KindBase & {
  readonly effect: "none"
  run(context: KindContext): KindResult
}

/** A kind whose work is done by a performer of the server; `effect` names the performer. */
export type EffectKind = KindBase & {
  readonly effect:
    | "toFile"
    | "fromFile"
    | "model"
    | "chain"
    | "assistant"
    | "workflow"
    | "crypto"
    | "code"
    | "http"
    | "agent"
    | "openAi"
}

/** A kind that serves other nodes over an `ai_…` connection: no run comes to it, the nodes that it serves ask it. */
export type ServantKind = KindBase & { readonly effect: "serves" }

/**
 * A kind that may wait for a person or a time. `ask` gives what it waits for, or its result where it does not wait;
 * `goOn` its result once that has an outcome. Both are pure, and may be called more than once for one execution.
 */
export type WaitingKind = KindBase & {
  readonly effect: "wait"
  ask(context: KindContext): PauseRequest | (KindResult & { readonly says?: string })
  goOn(context: KindContext, outcome: PauseOutcome): KindResult
}

/** A kind that is never run (stickyNote). */
export type NoteKind = KindBase & { readonly effect: "never" }

/** Any kind. */
export type Kind = PureKind | EffectKind | ServantKind | WaitingKind | NoteKind
