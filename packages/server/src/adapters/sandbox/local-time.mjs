// @ts-check
/**
 * The offsets of local time in a zone. The engine asks its host for the offset of an instant, which a host of its own kind
 * reads off a `Date`; here it is that of the run's zone, whatever zone the machine has.
 */

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map()
/** Zones whose formats are kept: a workflow has one, and code may name others. */
const formatsMax = 100
/** Offsets change at quarters of an hour at most. */
const quarterMs = 15 * 60 * 1_000

/** @type {Map<string, (atMs: number) => number>} */
const offsets = new Map()

/**
 * The minutes that local time in a zone is behind UTC, by instant (milliseconds); NaN for an instant that is none.
 *
 * @param {string} zone
 * @returns {(atMs: number) => number}
 */
export function offsetsOf(zone) {
  const ready = offsets.get(zone)
  if (ready !== undefined) return ready
  if (offsets.size >= formatsMax) offsets.clear()
  const made = makeOffsets(zone)
  offsets.set(zone, made)
  return made
}

/** @param {string} zone */
function makeOffsets(zone) {
  if (/^(UTC|Etc\/UTC|GMT|Etc\/GMT)$/i.test(zone)) return () => 0
  const format = formatOf(zone)
  /** @type {Map<number, number>} */
  const known = new Map()
  return (/** @type {number} */ atMs) => {
    if (!Number.isFinite(atMs)) return Number.NaN
    const quarter = Math.floor(atMs / quarterMs)
    const ready = known.get(quarter)
    if (ready !== undefined) return ready
    if (known.size >= 10_000) known.clear()
    const offset = offsetAt(format, quarter * quarterMs)
    known.set(quarter, offset)
    return offset
  }
}

/** True for a name that the host knows as a zone. @param {string} zone */
export function isZone(zone) {
  try {
    formatOf(zone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** @param {string} zone */
function formatOf(zone) {
  const ready = formats.get(zone)
  if (ready !== undefined) return ready
  if (formats.size >= formatsMax) formats.clear()
  const numeric = "numeric"
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric }
  const options = { timeZone: zone, calendar: "iso8601", hourCycle: "h23", era: "short", ...fields }
  const format = new Intl.DateTimeFormat("en-US", /** @type {Intl.DateTimeFormatOptions} */ (options))
  formats.set(zone, format)
  return format
}

/**
 * @param {Intl.DateTimeFormat} format
 * @param {number} atMs
 */
function offsetAt(format, atMs) {
  /** @type {Record<string, string>} */
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
  const year = parts.era?.startsWith("B") ? 1 - Number(parts.year) : Number(parts.year)
  const local = new Date(0)
  local.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
  local.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second))
  return (atMs - local.getTime()) / 60_000
}
