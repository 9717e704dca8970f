/**
 * The frames of a run on an event stream: from events to `id:` and `data:` lines, and the life of the stream around them.
 *
 *     waiting (no reader yet: blocks are kept) ── attach ──> open ── the run ended, or what is read of it ──> `[DONE]`, closed
 *                                                             ├── gone, drained ─────> closed without `[DONE]`: resume
 *                                                             ├── the reader left ───> closed, the run goes on
 *                                                             └── waits for too long > closed without `[DONE]`: resume
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
  /** The frames of an event, and whether they are the last although the run goes on. */
  framesOf(event: RunEvent, number: number): { readonly frames: readonly Frame[]; readonly isLast: boolean }
  /** How long the stream stays open while the run waits (milliseconds); null: for as long as its reader does. */
  readonly patienceMs?: number | null
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
  #patience: NodeJS.Timeout | null = null

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
      this.#stopWaiting()
      onClose()
    })
    if (this.#kept !== "") sink.send(this.#kept)
    this.#kept = ""
    if (this.#closed !== null) this.#finish(sink, this.#closed)
    else this.#watchSilence(sink)
  }

  event(event: RunEvent, number: number): void {
    if (this.#closed !== null) return
    const { frames, isLast } = this.#options.framesOf(event, number)
    let blocks = ""
    for (const frame of frames) blocks += blockOf(frame)
    if (this.#sink === null) this.#kept += blocks
    else if (blocks !== "") {
      this.#sink.send(blocks)
      this.#timer?.refresh()
    }
    if (isLast) this.close("ended")
    else this.#watchPatience(event)
  }

  close(reason: "ended" | "gone"): void {
    if (this.#closed !== null) return
    this.#closed = reason
    this.#stopWaiting()
    if (this.#sink !== null) this.#finish(this.#sink, reason)
  }

  drained(): Promise<void> {
    return this.#sink?.drained() ?? Promise.resolve()
  }

  #finish(sink: EventSink, reason: "ended" | "gone"): void {
    if (reason === "ended") sink.send(doneBlock)
    sink.end()
  }

  /** A stream that waits with its run does so for its time; then it can be taken up again. */
  #watchPatience({ type }: RunEvent): void {
    const { patienceMs = null } = this.#options
    if (type === "run-resumed") this.#stopWaiting()
    if (type !== "run-waiting" || patienceMs === null) return
    this.#stopWaiting()
    this.#patience = setTimeout(() => this.close("gone"), patienceMs)
  }

  #stopWaiting(): void {
    if (this.#patience !== null) clearTimeout(this.#patience)
    this.#patience = null
  }

  #watchSilence(sink: EventSink): void {
    const { heartbeat } = this.#options
    if (heartbeat === null || sink.isClosed) return
    const block = `data: ${JSON.stringify(heartbeat)}\n\n`
    this.#timer = setInterval(() => sink.send(block), heartbeatMs)
  }
}

/** Sends frames that no run stands behind, and ends the stream. */
export function sendFrames(sink: EventSink, frames: readonly Frame[]): void {
  sink.send(`${frames.map(blockOf).join("")}${doneBlock}`)
  sink.end()
}

/** A frame as it goes out. The same frame is the same bytes, whenever it is sent. */
function blockOf({ number, body }: Frame): string {
  return `id: ${number}\ndata: ${JSON.stringify(body)}\n\n`
}
