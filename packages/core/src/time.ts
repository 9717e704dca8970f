/** Times: inside, integer milliseconds since 1970 (`…Ms`); on the wire Unix seconds or ISO 8601, by resource (documented). */

/** Whole Unix seconds, as workflows, assistants and audit rows show times (documented). */
export function toUnixSeconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** ISO 8601 in UTC with Z, as threads, messages, keys, organizations, runs, pauses and errors show times (documented). */
export function toIso(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same for a time that may be absent. */
export function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms)
}
