/**
 * A run as whoever called a streaming webhook reads it (the documented stream of n8n): a line of JSON for each piece,
 *
 *     {"type": "begin" | "item" | "end", "content"?: text, "metadata": {nodeId, nodeName, itemIndex, runIndex, timestamp}}
 *
 * the pieces of a node between its `begin` and its `end`. `reset` (ours): what that node has said does not count, it begins
 * again. `error` is the last line of a run that failed.
 */
import { textOfItems } from "@brevet/core/graph/answer"
import type { RunEvent } from "@brevet/core/graph/events"
import type { Graph } from "@brevet/core/graph/graph"
import { findNode } from "@brevet/core/graph/graph"
import type { Item, Outputs } from "@brevet/core/graph/items"
import type { TriggerAnswer } from "@brevet/core/graph/triggers/answer"
import type { JsonObject } from "@brevet/core/json"
import type { Clock } from "../ports/context.ts"
import type { Listener } from "../ports/runs.ts"

/** What a stream is made with. `names`: of the nodes that are heard. */
export type ChunkOptions = {
  readonly graph: Graph
  readonly names: readonly string[]
  readonly isTest: boolean
  readonly clock: Clock
}

/** Whoever takes the lines; what was made before there is somebody waits. */
export type ChunkReader = { write(lines: string): void; end(): void }

type Place = { readonly node: string; readonly iteration: number }

/** The stream of one run. */
export class ChunkStream implements Listener {
  readonly #options: ChunkOptions
  readonly #waiting: string[] = []
  readonly #lastOutputs = new Map<string, Outputs>()
  #reader: ChunkReader | null = null
  #speaking: Place | null = null
  #hasSaid = false
  #isOver = false

  constructor(options: ChunkOptions) {
    this.#options = options
  }

  /** Hands over to whoever reads. */
  attach(reader: ChunkReader): void {
    this.#reader = reader
    for (const lines of this.#waiting.splice(0)) reader.write(lines)
    if (this.#isOver) reader.end()
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case "model-text":
        this.#begin(event)
        for (const text of event.texts) this.#say("item", event, text)
        return
      case "content-reset":
        if (this.#speaking !== null) this.#say("reset", this.#speaking)
        return
      case "node-completed":
        this.#complete(event)
        return
      case "node-failed":
        this.#end()
        return
      case "run-completed":
        this.#finish(event.node)
        return
      case "run-failed":
        this.#fail(this.#options.isTest ? event.failure.message : "Error in workflow")
        return
      case "run-cancelled":
        this.#fail("The run was cancelled")
        return
      default:
        return
    }
  }

  close(): void {
    this.#end()
    this.#isOver = true
    this.#reader?.end()
  }

  #begin(place: Place): void {
    if (this.#speaking?.node === place.node && this.#speaking.iteration === place.iteration) return
    this.#end()
    this.#speaking = { node: place.node, iteration: place.iteration }
    this.#say("begin", place)
  }

  #end(): void {
    const place = this.#speaking
    this.#speaking = null
    if (place !== null) this.#say("end", place)
  }

  /** What a node has put out and not said is said now: the text of several items, and the answer of a node. */
  #complete(event: Extract<RunEvent, { type: "node-completed" }>): void {
    const hasSpoken = this.#speaking?.node === event.node
    this.#end()
    this.#lastOutputs.set(event.node, event.outputs)
    if (event.answer !== undefined) this.#sayAll(event, textOf(event.answer))
    else if (!hasSpoken && this.#options.names.includes(event.node))
      this.#sayAll(event, textOfItems(itemsOf(event.outputs)))
  }

  /** Where nothing was said, the run's output is. */
  #finish(node: string | null): void {
    if (this.#hasSaid || node === null) return
    this.#sayAll({ node, iteration: 0 }, textOfItems(itemsOf(this.#lastOutputs.get(node) ?? [])))
  }

  #sayAll(place: Place, text: string): void {
    this.#begin(place)
    if (text !== "") this.#say("item", place, text)
    this.#end()
  }

  #fail(content: string): void {
    this.#end()
    this.#write({ type: "error", content })
  }

  #say(type: "begin" | "item" | "end" | "reset", { node, iteration }: Place, content?: string): void {
    if (type === "item") this.#hasSaid = true
    const nodeId = findNode(this.#options.graph, node)?.id ?? ""
    const timestamp = this.#options.clock.nowMs()
    const metadata = { nodeId, nodeName: node, itemIndex: 0, runIndex: iteration, timestamp }
    this.#write({ type, ...(content === undefined ? {} : { content }), metadata })
  }

  #write(chunk: JsonObject): void {
    const line = `${JSON.stringify(chunk)}\n`
    if (this.#reader === null) this.#waiting.push(line)
    else this.#reader.write(line)
  }
}

function itemsOf(outputs: Outputs): readonly Item[] {
  return outputs.find((items) => items.length > 0) ?? []
}

function textOf({ body }: TriggerAnswer): string {
  if (body.type === "text") return body.text
  return body.type === "json" ? JSON.stringify(body.value) : ""
}
