/**
 * Runs of other processes, live: what their owners show and save is told through the fan-out, and runs of this process are
 * told to whoever asks. Nothing is sent for a run that nobody follows from elsewhere.
 *
 *     here                                          the owner
 *     feedOf(run) ── watch ────────────────────────> a listener behind the live run
 *        begun <──── text shown and not saved, begun ──┘
 *        text, saved … <───────────────────────────────┤
 *        closed <──────────────────────────────────────┘ (the run is over, or has left that process)
 *
 * A feed holds the text that is not known to be saved, so that whoever joins it later finds, between the log and the feed,
 * everything. Where messages may have been lost, feeds end as `gone`, and their followers begin again with the log.
 */
import type { RunEvent } from "@brevet/core/graph/events"
import type { Id } from "@brevet/core/ids"
import type { FanOut, FeedPart } from "../ports/fan-out.ts"
import type { Listener } from "../ports/runs.ts"
import { makeDeferred } from "./deferred.ts"
import type { Segment } from "./segment.ts"

/** How long the owner of a run may take until its feed has begun; then polling serves. */
const beginMsMax = 1_000

/** Who follows a feed. Parts come in order. */
export type FeedFollower = { part(part: FeedPart): void }

type TextPart = Extract<FeedPart, { type: "text" }>

type Feed = {
  readonly begun: ReturnType<typeof makeDeferred<boolean>>
  readonly followers: Set<FeedFollower>
  /** Text that is not known to be in the log. */
  unsaved: TextPart[]
}

/** The relay of a process. */
export class Relay {
  readonly #fanOut: FanOut
  readonly #live: ReadonlyMap<Id<"run">, Segment>
  /** Feeds of runs elsewhere that are followed here. */
  readonly #feeds = new Map<Id<"run">, Feed>()
  /** Listeners of runs here that are followed elsewhere, by run and station. */
  readonly #served = new Map<string, () => void>()

  constructor(fanOut: FanOut, live: ReadonlyMap<Id<"run">, Segment>) {
    this.#fanOut = fanOut
    this.#live = live
  }

  /**
   * Follows a run of another process. Gives what ends that once the feed has begun: then the log and what the follower is
   * told from the beginning are everything. Null where no process tells of the run.
   */
  async follow(runId: Id<"run">, follower: FeedFollower): Promise<(() => void) | null> {
    const feed = this.#feeds.get(runId) ?? this.#open(runId)
    for (const part of feed.unsaved) follower.part(part)
    feed.followers.add(follower)
    const unfollow = (): void => {
      feed.followers.delete(follower)
      if (feed.followers.size === 0 && this.#feeds.get(runId) === feed) this.#close(runId)
    }
    const timer = setTimeout(() => feed.begun.resolve(false), beginMsMax)
    const hasBegun = await feed.begun.promise
    clearTimeout(timer)
    if (hasBegun) return unfollow
    unfollow()
    return null
  }

  /** What the owner of a run tells. */
  receive(runId: Id<"run">, part: FeedPart): void {
    const feed = this.#feeds.get(runId)
    if (feed === undefined) return
    if (part.type === "begun") {
      feed.begun.resolve(true)
      return
    }
    if (part.type === "text") feed.unsaved.push(part)
    if (part.type === "saved") feed.unsaved = feed.unsaved.filter(({ number }) => number > part.number)
    if (part.type === "closed") this.#end(runId, feed)
    for (const follower of feed.followers) follower.part(part)
  }

  /** Messages may have been lost: nobody can trust a feed any more. */
  gap(): void {
    for (const [runId, feed] of [...this.#feeds]) {
      this.#close(runId)
      for (const follower of feed.followers) follower.part({ type: "closed", reason: "gone" })
    }
  }

  /** Somebody elsewhere wants to be told of a run. */
  serve(runId: Id<"run">, to: string): void {
    const segment = this.#live.get(runId)
    if (segment === undefined) return
    const key = `${runId} ${to}`
    this.#served.get(key)?.()
    const tell = (part: FeedPart): void => this.#fanOut.send(to, { type: "feed", runId, part })
    const unfollow = segment.follow(
      listenerFor(tell, () => {
        if (this.#served.get(key) === unfollow) this.#served.delete(key)
      }),
    )
    this.#served.set(key, unfollow)
    tell({ type: "begun" })
  }

  /** It does not any more. */
  unserve(runId: Id<"run">, to: string): void {
    const key = `${runId} ${to}`
    this.#served.get(key)?.()
    this.#served.delete(key)
  }

  #open(runId: Id<"run">): Feed {
    const feed: Feed = { begun: makeDeferred<boolean>(), followers: new Set(), unsaved: [] }
    this.#feeds.set(runId, feed)
    this.#fanOut.send("all", { type: "watch", runId, to: this.#fanOut.station })
    return feed
  }

  #close(runId: Id<"run">): void {
    const feed = this.#feeds.get(runId)
    if (feed === undefined) return
    this.#end(runId, feed)
    this.#fanOut.send("all", { type: "unwatch", runId, to: this.#fanOut.station })
  }

  #end(runId: Id<"run">, feed: Feed): void {
    this.#feeds.delete(runId)
    feed.begun.resolve(false)
  }
}

/** The listener of a run whose followers are elsewhere: text goes there, of everything else that it is in the log. */
function listenerFor(tell: (part: FeedPart) => void, onClose: () => void): Listener {
  let more = false
  return {
    event(event: RunEvent, number: number) {
      if (event.type === "model-text") tell({ type: "text", number, event })
      else more = true
    },
    saved(number) {
      tell({ type: "saved", number, more })
      more = false
    },
    close(reason) {
      tell({ type: "closed", reason })
      onClose()
    },
  }
}
