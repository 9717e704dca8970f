/** The source of ids of a running server: UUIDv7, so that what is made later sorts later, also within a millisecond. */
import { randomFillSync } from "node:crypto"
import { type IdNoun, type IdSource, idFrom } from "@brevet/core/ids"
import { V7Generator } from "uuidv7"

/** Random words are fetched many at a time: one by one they are what an id costs. */
const words = new Uint32Array(4096)
let used = words.length

function nextUint32(): number {
  if (used === words.length) {
    randomFillSync(words)
    used = 0
  }
  const word = words[used] ?? 0
  used += 1
  return word
}

const generator = new V7Generator({ nextUint32 })

/** Makes ids. */
export const systemIds: IdSource = {
  next: <Noun extends IdNoun>(noun: Noun) => idFrom(noun, generator.generate().toHex()),
}
