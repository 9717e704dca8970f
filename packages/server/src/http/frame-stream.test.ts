/** The life of a stream around its frames, with a clock held by hand and a recorder in the place of the reader. */
import type { RunEvent } from "@brevet/core/graph/events"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { FrameStream } from "./frame-stream.ts"
import type { EventSink } from "./sse.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A reader that takes everything, until it leaves. */
class Recorder implements EventSink {
  readonly sent: string[] = []
  isClosed = false
  bufferedBytes = 0
  readonly #callbacks: (() => void)[] = []

  send(blocks: string): boolean {
    if (!this.isClosed) this.sent.push(...blocks.split("\n\n").slice(0, -1))
    return !this.isClosed
  }

  end(): void {
    this.isClosed = true
    for (const callback of this.#callbacks.splice(0)) callback()
  }

  onClose(callback: () => void): void {
    if (this.isClosed) callback()
    else this.#callbacks.push(callback)
  }

  drained(): Promise<void> {
    return Promise.resolve()
  }
}

const text = (delta: string): RunEvent => {
  return { type: "model-text", node: "A", iteration: 0, attempt: 1, call: 0, texts: [delta] }
}
const started: RunEvent = { type: "run-started", at: 0 }

/** A stream of deltas; other events have no frame. */
const makeStream = (): FrameStream =>
  new FrameStream({
    framesOf: (event, number) => ({
      frames: event.type === "model-text" ? [{ number, body: { event: "delta", text: event.texts[0] ?? "" } }] : [],
      isLast: event.type === "run-waiting",
    }),
    opening: { number: 0, body: { event: "opening" } },
    heartbeat: { event: "heartbeat" },
  })

const heartbeat = 'data: {"event":"heartbeat"}'
const opening = 'id: 0\ndata: {"event":"opening"}'
const delta = (number: number, said: string): string => `id: ${number}\ndata: {"event":"delta","text":"${said}"}`

describe("a stream of frames", () => {
  it("keeps what comes before its reader and sends it at once, in order", () => {
    const stream = makeStream()
    stream.event(started, 1)
    stream.event(text("a"), 2)
    const reader = new Recorder()
    stream.attach(reader)
    stream.event(text("b"), 3)
    expect(reader.sent).toEqual([opening, delta(2, "a"), delta(3, "b")])
  })

  it("sends a heartbeat without a number after every 15 seconds of silence, and none where something was said", () => {
    const stream = makeStream()
    const reader = new Recorder()
    stream.attach(reader)
    vi.advanceTimersByTime(14_999)
    expect(reader.sent).toEqual([opening])
    stream.event(text("a"), 2)
    vi.advanceTimersByTime(14_999)
    // An event that has no frame is silence too.
    stream.event(started, 3)
    expect(reader.sent).toEqual([opening, delta(2, "a")])
    vi.advanceTimersByTime(1)
    expect(reader.sent).toEqual([opening, delta(2, "a"), heartbeat])
    vi.advanceTimersByTime(30_000)
    expect(reader.sent.slice(2)).toEqual([heartbeat, heartbeat, heartbeat])
  })

  it("ends with [DONE] where the run ended, and without it where this process does not go on", () => {
    for (const [reason, last] of [
      ["ended", "data: [DONE]"],
      ["gone", opening],
    ] as const) {
      const stream = makeStream()
      const reader = new Recorder()
      stream.attach(reader)
      stream.close(reason)
      expect([reader.sent.at(-1), reader.isClosed]).toEqual([last, true])
      expect(vi.getTimerCount()).toBe(0)
    }
  })

  it("is whole for a reader who comes after the end", () => {
    const stream = makeStream()
    stream.event(text("a"), 2)
    stream.close("ended")
    const reader = new Recorder()
    stream.attach(reader)
    expect(reader.sent).toEqual([opening, delta(2, "a"), "data: [DONE]"])
    expect([reader.isClosed, vi.getTimerCount()]).toEqual([true, 0])
  })

  it("sends nothing and keeps no timer once its reader has left, and tells whoever follows for it", () => {
    const stream = makeStream()
    const reader = new Recorder()
    const left = vi.fn()
    stream.attach(reader, left)
    reader.end()
    stream.event(text("a"), 2)
    vi.advanceTimersByTime(60_000)
    stream.close("ended")
    expect(reader.sent).toEqual([opening])
    expect([left.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0])
  })

  it("keeps no timer for a reader who had left before it came", () => {
    const stream = makeStream()
    const reader = new Recorder()
    reader.end()
    const left = vi.fn()
    stream.attach(reader, left)
    expect([left.mock.calls.length, vi.getTimerCount(), reader.sent]).toEqual([1, 0, []])
  })
})
