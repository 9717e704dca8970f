/**
 * Runtimes as tests open them: with the real owner behind a gate, real tables, and models that a scripted server gives. The
 * performer of assistants is the test's own, so that a test can do anything in the middle of a node.
 */
import { randomBytes } from "node:crypto"
import type { RunCreated, RunEvent, Turn } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import type { Outputs } from "@brevet/core/graph/items"
import { readDefinition } from "@brevet/core/graph/read"
import { streamingNodes } from "@brevet/core/graph/streaming"
import type { Id } from "@brevet/core/ids"
import type { JsonObject } from "@brevet/core/json"
import { pino } from "pino"
import { openFanOut } from "../adapters/fan-out/postgres.ts"
import { createModels } from "../adapters/models/create-models.ts"
import { makeRunLog } from "../adapters/store/postgres/run-log.ts"
import type { GraphSource } from "../ports/graph-source.ts"
import type { Models } from "../ports/models.ts"
import type { RunLog } from "../ports/run-log.ts"
import type { NewRun, ReadingListener } from "../ports/runs.ts"
import type { Sandbox } from "../ports/sandbox.ts"
import type { TurnBasis } from "../ports/turn-table.ts"
import type { Performer } from "../runtime/perform.ts"
import { makeAgentPerformer } from "../runtime/performers/agent.ts"
import { performChain } from "../runtime/performers/chain.ts"
import { makeModelPerformer } from "../runtime/performers/model.ts"
import { Relay } from "../runtime/relay.ts"
import { createRuntime, type Runtime } from "../runtime/runtime.ts"
import type { ToolPorts } from "../runtime/tools/open-tools.ts"
import type { RunBounds } from "../runtime/workshop.ts"
import { GatedOwner } from "./gated-owner.ts"
import { OwnedRuns } from "./owned-runs.ts"
import { makePostgresGround, type PostgresGround } from "./owner-ground.ts"
import { type ScriptedModel, startScriptedModel } from "./scripted-model.ts"

/** Bounds that no test meets unless it means to. */
export const wideBounds: RunBounds = {
  executionsMax: 10_000,
  itemsMax: 100_000,
  loopsMax: 10_000,
  stateBytesMax: 64 * 1024 * 1024,
  fileBytesMax: 64 * 1024 * 1024,
  depthMax: 10,
  tokensMax: 1_000_000,
  workMsMax: 600_000,
}

/** What a runtime is opened with. `perform`: what a node of type Assistant does. */
export type RuntimeParts = {
  readonly folder?: string
  readonly bounds?: Partial<RunBounds>
  readonly perform?: Performer
}

/** A runtime, its owner, and what it has logged. */
export type OpenedRuntime = {
  readonly runtime: Runtime
  readonly owner: GatedOwner
  /** A relay of the same process that knows of no run of its own. */
  readonly relay: Relay
  /** Lines of its log: the name of what happened, and the code or name of an error. */
  readonly logged: string[]
  /** Its process is gone, as the store sees it. */
  crash(): Promise<void>
  /** Cuts it off from the store, and joins it again. */
  cut(): void
  restore(): void
}

/** A run as a test wants it. `text`: what was said; a run without it belongs to no conversation. */
export type RunParts = {
  readonly start?: string
  readonly items?: NewRun["created"]["items"]
  readonly text?: string
  readonly basis?: TurnBasis | null
  readonly turn?: Partial<Turn>
  readonly requestHash?: string
}

/** What runtimes of a test stand on. */
export class RuntimeGround {
  readonly ground: PostgresGround
  readonly model: ScriptedModel
  readonly runs: OwnedRuns
  readonly log: RunLog
  readonly #models: Models
  readonly #graphs = new Map<string, Graph>()
  #opened: { readonly gate: GatedOwner; close(): Promise<void> }[] = []

  private constructor(ground: PostgresGround, model: ScriptedModel) {
    this.ground = ground
    this.model = model
    const { cx, clock } = ground
    this.runs = new OwnedRuns({ ids: cx.ids, clock, organizationId: cx.principal.organizationId })
    this.log = ground.log
    this.#models = createModels({ openai: { apiKey: "scripted", baseUrl: model.baseUrl }, modelTimeoutMs: 60_000 })
  }

  /** Makes the ground. */
  static async make(): Promise<RuntimeGround> {
    return new RuntimeGround(await makePostgresGround(), await startScriptedModel())
  }

  /** The graphs of workflows that runs were made of; a test may take one away. */
  readonly graphs: GraphSource & { forget(workflowId: string): void } = {
    load: async (workflowId) => {
      const graph = this.#graphs.get(workflowId ?? "")
      if (graph === undefined) throw new Error(`there is no workflow ${workflowId}`)
      return graph
    },
    forget: (workflowId) => void this.#graphs.delete(workflowId),
  }

  /** A runtime in a process of a data folder. */
  async open({ folder = "folder", bounds = {}, perform }: RuntimeParts = {}): Promise<OpenedRuntime> {
    const { cx, clock } = this.ground
    let runtime: Runtime | null = null
    const opened = await this.ground.open(folder, { onDue: () => runtime?.claimDue() })
    const gate = new GatedOwner(opened.owner)
    const fanOut = await openFanOut({
      sql: opened.sql,
      connection: { connectionString: opened.proxy.connectionString },
      station: randomBytes(12).toString("hex"),
    })
    const logged: string[] = []
    const log = pino({ level: "info" }, { write: (line) => void logged.push(lineOf(line)) })
    const made = createRuntime({
      owner: gate,
      log: makeRunLog(opened.sql),
      graphs: this.graphs,
      fanOut,
      workshop: {
        models: this.#models,
        access: { keyFor: async () => ({ use: "server" }) },
        credentials: { find: async () => ({ found: false, reason: "missing" }) },
        history: cx.store.history,
        binaries: cx.store.binaries,
        clock,
        ids: cx.ids,
        log,
        bounds: { ...wideBounds, ...bounds },
        errors: { note: async () => () => {} },
        performers: {
          model: makeModelPerformer(noTools),
          chain: performChain,
          agent: makeAgentPerformer({ ...noTools, memories: cx.store.memories }),
          openAi: passOn,
          assistant: perform ?? passOn,
          workflow: passOn,
          crypto: passOn,
          code: passOn,
          http: passOn,
          toFile: passOn,
          fromFile: passOn,
        },
      },
    })
    runtime = made
    const close = async (): Promise<void> => {
      if (gate.isDead) gate.bury()
      else gate.letPass()
      await made.drain(0)
      await fanOut.close()
    }
    this.#opened.push({ gate, close })
    return {
      runtime: made,
      owner: gate,
      relay: new Relay(fanOut, new Map()),
      logged,
      async crash() {
        gate.die()
        await opened.crash()
      },
      cut: () => opened.proxy.cut(),
      restore: () => opened.proxy.restore(),
    }
  }

  /** A run of a definition. */
  newRun(definition: JsonObject, parts: RunParts = {}): NewRun {
    const { cx, clock } = this.ground
    const { graph } = readDefinition(definition)
    const workflowId = cx.ids.next("workflow")
    this.#graphs.set(workflowId, graph)
    const { text, basis = null } = parts
    const facts = { workflowId, workflowVersion: 1, requestHash: parts.requestHash ?? null }
    const question = this.runs.message("user", text ?? "")
    const made =
      text === undefined
        ? this.runs.background({ ...facts, events: [] })
        : this.runs.turn(basis, { ...facts, responseId: cx.ids.next("response"), events: [], messages: [question] })
    const { append, ...start } = made
    const created: RunCreated = {
      type: "run-created",
      v: 1,
      at: clock.nowMs(),
      traceId: "trace",
      mode: made.mode,
      workflowId,
      workflowVersion: 1,
      start: parts.start ?? graph.nodes[0]?.name ?? "",
      items: parts.items ?? [{ json: { chatInput: text ?? "" } }],
      seed: 7,
      depth: 0,
      turn: text === undefined ? null : this.#turn(made, { graph, questionId: question.id, fields: parts.turn ?? {} }),
    }
    return {
      runId: append.runId,
      graph,
      created,
      messages: append.messages,
      start,
      history: null,
    }
  }

  #turn(
    { append, thread, responseId }: ReturnType<OwnedRuns["turn"]>,
    parts: { readonly graph: Graph; readonly questionId: Id<"message">; readonly fields: Partial<Turn> },
  ): Turn {
    return {
      threadId: thread?.id ?? "",
      responseId: responseId ?? "",
      userMessageId: parts.questionId,
      assistantId: null,
      number: append.turn ?? 1,
      messageOrdinal: 0,
      primaryNode: null,
      overlay: {},
      systemTexts: [],
      memory: true,
      context: { strategy: "auto", windowTokensMax: null, throughTurn: null },
      allowedProviders: null,
      plainText: false,
      streaming: streamingNodes(parts.graph, 0),
      ...parts.fields,
    }
  }

  /** The thread of a run as the next turn finds it. */
  async basis(run: NewRun): Promise<TurnBasis> {
    const { cx } = this.ground
    const id = run.start.thread?.id
    const found = id === undefined ? null : await cx.store.turns.findBasis(cx.principal.organizationId, id)
    if (found === null) throw new Error("the run has no thread")
    return found
  }

  /** The living messages of a run's thread. */
  async messages(run: NewRun): Promise<string[]> {
    const id = run.start.thread?.id
    if (id === undefined) return []
    const list = await this.ground.cx.store.messages.list(id, { direction: "asc", limit: 100 })
    return list.map(({ role, content }) => `${role}: ${String(content)}`)
  }

  /** Everything in a run's log. */
  async events(run: Pick<NewRun, "runId">): Promise<{ number: number; event: RunEvent }[]> {
    return [...(await this.log.read(run.runId, -1, 10_000))]
  }

  /** Ends what a test has opened. */
  async closeRuntimes(): Promise<void> {
    for (const { close } of this.#opened.splice(0)) await close()
    await this.ground.closeOwners()
    this.model.release()
    this.model.reset()
  }

  /** Ends everything. */
  async close(): Promise<void> {
    await this.#models.close()
    await this.model.stop()
    await this.ground.close()
  }
}

/** Code is run by tests of the whole server. */
const noSandbox: Sandbox = {
  runCode: () => Promise.reject(new Error("no code is run here")),
  matchPattern: () => Promise.reject(new Error("no pattern is matched here")),
  close: async () => {},
}

const refuse = () => Promise.reject(new Error("nothing leaves here"))
const noTools: ToolPorts = {
  sandbox: noSandbox,
  outbound: { send: refuse, close: async () => {} },
  mcp: { list: refuse, call: refuse },
}

/** The performer of tests that say nothing: the items go through. */
export const passOn: Performer = async ({ context }): Promise<Outputs> => [context.inputs[0] ?? []]

function lineOf(line: string): string {
  const { msg, err } = JSON.parse(line) as { msg: string; err?: { code?: string; message?: string } }
  return err === undefined ? msg : `${msg}: ${err.code ?? err.message}`
}

/** A listener that keeps what it was told, in the form `number type`, of text `number "text"`. */
export class KeptListener implements ReadingListener {
  readonly heard: { readonly number: number; readonly event: RunEvent }[] = []
  closed: "ended" | "gone" | null = null
  #waiting: { readonly what: () => boolean; readonly resolve: () => void }[] = []

  event(event: RunEvent, number: number): void {
    this.heard.push({ number, event })
    this.#wake()
  }

  close(reason: "ended" | "gone"): void {
    this.closed = reason
    this.#wake()
  }

  async drained(): Promise<void> {}

  /** Resolves once this is so. */
  until(what: () => boolean): Promise<void> {
    if (what()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ what, resolve }))
  }

  /** Resolves once it was closed. */
  ended(): Promise<void> {
    return this.until(() => this.closed !== null)
  }

  get numbers(): number[] {
    return this.heard.map(({ number }) => number)
  }

  get types(): string[] {
    return this.heard.map(({ event }) => event.type)
  }

  /** What a reader has before it: text that was shown, and taken back, and messages. */
  get text(): string {
    return textOf(this.heard.map(({ event }) => event))
  }

  #wake(): void {
    const due = this.#waiting.filter(({ what }) => what())
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    for (const { resolve } of due) resolve()
  }
}

/** What a person ends up with who sees these events. */
export function textOf(events: readonly RunEvent[]): string {
  let text = ""
  for (const event of events) {
    if (event.type === "model-text") text += event.texts.join("")
    else if (event.type === "content-reset") text = ""
    else if (event.type === "message-added" && event.text !== null) text = event.text
  }
  return text
}
