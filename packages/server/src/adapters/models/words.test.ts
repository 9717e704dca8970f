import { expect, it } from "vitest"
import { wordsOf } from "./words.ts"

it("a text cut into words is the text again when it is joined", () => {
  for (const text of ["", " ", "a", " a", "a ", "a  b\nc \n", "ä 🌍 \t"]) expect(wordsOf(text).join("")).toBe(text)
})
