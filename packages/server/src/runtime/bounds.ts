/** The bounds of a run that are no part of the plan: bytes and tokens (R7). Pure. */
import { type Failure, isEnd, type RunEvent } from "@brevet/core/graph/events"
import type { RunState } from "@brevet/core/graph/run-state"
import type { RunBounds } from "./workshop.ts"

/** What a run holds after an event: its state, and the characters of all its events. */
type Held = { readonly event: RunEvent; readonly state: RunState; readonly chars: number }

/** The bound that a run has passed with an event; null where it has not, or ends with it. */
export function passedBound(bounds: RunBounds, { event, state, chars }: Held): Failure | null {
  if (isClosing(event)) return null
  if (chars > bounds.stateBytesMax) return bytesPassed(bounds)
  if (state.usage.totalTokens <= bounds.tokensMax) return null
  const message = `The models of a run may take and give at most ${bounds.tokensMax} tokens.`
  return { code: "RUN_TOKENS_EXCEEDED", message }
}

/** The failure of a run that would hold too much. */
export function bytesPassed({ stateBytesMax }: RunBounds): Failure {
  return { code: "RUN_BYTES_EXCEEDED", message: `A run may hold at most ${stateBytesMax} bytes.` }
}

/** An event as it is written; null where there is no room for so many characters. The first and the last ones always fit. */
export function jsonWithin(event: RunEvent, room: number): string | null {
  try {
    const json = JSON.stringify(event)
    return json.length <= room || isOpening(event) || isClosing(event) ? json : null
  } catch (error) {
    // Longer than any text can be.
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Without these a run cannot even fail. */
function isOpening(event: RunEvent): boolean {
  return event.type === "run-created" || event.type === "run-started"
}

/** Events of an ending: they are written whatever the run holds. */
function isClosing(event: RunEvent): boolean {
  return isEnd(event) || event.type === "message-added" || event.type === "content-reset"
}
