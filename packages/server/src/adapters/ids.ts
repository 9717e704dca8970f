/** The source of ids of a running server: UUIDv7, so that what is made later sorts later, also within a millisecond. */
import { type IdNoun, type IdSource, idFrom } from "@brevet/core/ids"
import { uuidv7obj } from "uuidv7"

/** Makes ids. */
export const systemIds: IdSource = {
  next: <Noun extends IdNoun>(noun: Noun) => idFrom(noun, uuidv7obj().toHex()),
}
