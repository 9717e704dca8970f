/** Pieces of text that say when they were sent. */

/** Now, on the monotonic clock that all processes of a machine share (milliseconds). */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** A piece of text that carries its number and the time. */
export function makeStampedPiece(index: number): string {
  return `t${index}@${nowMs().toFixed(3)} `
}

/** The numbers and times of the pieces in a text, in their order. */
export function readStamps(text: string): readonly { readonly index: number; readonly sentMs: number }[] {
  return [...text.matchAll(/t(\d+)@(\d+\.\d+) /g)].map(([, index, sentMs]) => ({
    index: Number(index),
    sentMs: Number(sentMs),
  }))
}
