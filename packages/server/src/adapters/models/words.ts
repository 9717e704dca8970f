/** Splits a text into words, each with the blanks before it; joined they give the text again. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+(?:\s+$)?|\s+$/g) ?? []
}
