/**
 * The frames of a run on an event stream: from events to `id:` and `data:` lines, and the life of the stream around them.
 *
 *     waiting (no reader yet: blocks are kept) ── attach ──> open ── the run ended ──> `[DONE]`, closed
 *                                                             ├── gone, drained ─────> closed without `[DONE]`: resume
 *                                                             └── the reader left ───> closed, the run goes on
 *
 * A heartbeat goes out after every fifteen seconds of silence; it has no number.
 */
import type { Frame } from "@brevet/core/contract/frames"
import type { RunEvent } from "@brevet/core/graph/events"
import type { ReadingListener } from "../ports/runs.ts"
import type { EventSink } from "./sse.ts"

/** Silence after which a heartbeat is sent (documented: 15 s). */
const heartbeatMs = 15_000

/** The last block of a stream that is complete (documented). */
const doneBlock = "data: [DONE]\n\n"

/** How frames are made of events, and what goes out beside them. */
export type FrameStreamOptions = {
  framesOf(event: RunEvent, number: number): readonly Frame[]
  /** Sent first, before any event; null: nothing. */
  readonly opening: Frame | null
  readonly heartbeat: Frame["body"] | null
}

/** A listener of a run that writes to an event stream, once there is one. */
export class FrameStream implements ReadingListener {
  readonly #options: FrameStreamOptions
  #sink: EventSink | null = null
  #kept: string
  #closed: "ended" | "gone" | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(options: FrameStreamOptions) {
    this.#options = options
    this.#kept = options.opening === null ? "" : blockOf(options.opening)
  }

  /** Lets the stream begin: what was kept goes out at once. Calls back when the reader has left or the stream is closed. */
  attach(sink: EventSink, onClose: () => void = () => {}): void {
    this.#sink = sink
    sink.onClose(() => {
      if (this.#timer !== null) clearInterval(this.#timer)
      // What comes later must not refresh it: a timer that was cleared and refreshed is put on the clock once more.
      this.#timer = null
      onClose()
    })
    if (this.#kept !== "") sink.send(this.#kept)
    this.#kept = ""
    if (this.#closed !== null) this.#finish(sink, this.#closed)
    else this.#watchSilence(sink)
  }

  event(event: RunEvent, number: number): void {
    let blocks = ""
    for (const frame of this.#options.framesOf(event, number)) blocks += blockOf(frame)
    if (blocks === "") return
    if (this.#sink === null) this.#kept += blocks
    else {
      this.#sink.send(blocks)
      this.#timer?.refresh()
    }
  }

  close(reason: "ended" | "gone"): void {
    this.#closed = reason
    if (this.#sink !== null) this.#finish(this.#sink, reason)
  }

  drained(): Promise<void> {
    return this.#sink?.drained() ?? Promise.resolve()
  }

  #finish(sink: EventSink, reason: "ended" | "gone"): void {
    if (reason === "ended") sink.send(doneBlock)
    sink.end()
  }

  #watchSilence(sink: EventSink): void {
    const { heartbeat } = this.#options
    if (heartbeat === null || sink.isClosed) return
    const block = `data: ${JSON.stringify(heartbeat)}\n\n`
    this.#timer = setInterval(() => sink.send(block), heartbeatMs)
  }
}

/** A frame as it goes out. The same frame is the same bytes, whenever it is sent. */
function blockOf({ number, body }: Frame): string {
  return `id: ${number}\ndata: ${JSON.stringify(body)}\n\n`
}
