/** How long a node waits, as its settings say it. Everything is bounded, so that every date that comes out can be written. */
import { Duration } from "luxon"
import { cutText } from "../findings.ts"
import { NodeFailure } from "../kinds/kind.ts"
import { asNumber, asText } from "../value-types.ts"

/** Ten years, in milliseconds (ours): nobody waits longer, and dates stay far from the end of their range. */
export const waitMsMax = 10 * 366 * 86_400_000

/** Milliseconds of a unit, in the singular and the plural. */
const unitMs: ReadonlyMap<string, number> = new Map(
  (
    [
      ["second", 1_000],
      ["minute", 60_000],
      ["hour", 3_600_000],
      ["day", 86_400_000],
      ["week", 7 * 86_400_000],
    ] as const
  ).flatMap(([name, ms]): [string, number][] => [
    [name, ms],
    [`${name}s`, ms],
  ]),
)

/** A span as milliseconds: a number of seconds, or an ISO 8601 duration. Throws NODE_SETTINGS_INVALID. */
export function durationMs(value: unknown): number {
  const seconds = asNumber(value)
  if (seconds !== undefined && value !== "") return boundedMs(seconds * 1_000)
  const text = (asText(value) ?? "").trim()
  const duration = text.length > 100 ? null : Duration.fromISO(text.toUpperCase())
  if (duration?.isValid === true) return boundedMs(duration.toMillis())
  throw invalid(`'${cutText(text, 60)}' is no span of time; give seconds, or an ISO 8601 duration such as PT2H.`)
}

/** So many units as milliseconds. Throws NODE_SETTINGS_INVALID. */
export function unitsMs(amount: unknown, unit: unknown): number {
  const count = asNumber(amount)
  const ms = unitMs.get((asText(unit) ?? "").toLowerCase())
  if (count === undefined) throw invalid("The amount of time is no number; correct it.")
  if (ms === undefined) throw invalid("The unit of time must be seconds, minutes, hours, days or weeks; correct it.")
  return boundedMs(count * ms)
}

function boundedMs(ms: number): number {
  if (ms >= 0 && ms <= waitMsMax) return Math.round(ms)
  throw invalid(ms < 0 ? "A span of time cannot be negative; correct it." : "A node may wait for ten years at most.")
}

function invalid(message: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", message)
}
