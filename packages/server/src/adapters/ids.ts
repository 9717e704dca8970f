/** The source of ids of a running server: UUIDv7, so that what is made later sorts later, also within a millisecond. */
import { type IdNoun, type IdSource, idFrom } from "@brevet/core/ids"
import { randomFillSync } from "node:crypto"
import { V7Generator } from "uuidv7"
const randomWords = new Uint32Array(4096)
let usedWords = randomWords.length
const generator = new V7Generator({
  nextUint32() {
    if (usedWords === randomWords.length) {
      randomFillSync(randomWords)
      usedWords = 0
    }
    const word = randomWords[usedWords] ?? 0
    usedWords += 1
    return word
  },
})

/** Makes ids. */
export const systemIds: IdSource = {
  next: <Noun extends IdNoun>(noun: Noun) => idFrom(noun, generator.generate().toHex()),
}
