/**
 * How faithful an import was: what of a foreign document was kept, changed and lost. A report is shown whole, so that its
 * length and the texts in it are bounded: a hostile document must not make a report that is larger than itself.
 */
import { cutText } from "../findings.ts"

/** One element of a document. JSON as it stands, keys in the order of the contract. */
export type FidelityEntry = {
  /** The name of the element in the document: of a node, or of a setting (`features.opening_statement`). */
  readonly element: string
  /** The id of the node that it is, or belongs to; null where it has none. */
  readonly id: string | null
  /** What it was there: the type of a node, or a setting. */
  readonly was: string
  /** What it is here: the type of a node, or where it stands; null where nothing of it is left. */
  readonly became: string | null
  /** Why it is not the same; null where it is. */
  readonly why: string | null
  /** One sentence that says what to do; null where there is nothing to do. */
  readonly advice: string | null
}

/** The three lists, in the order of the document, and how many there are of each (lists are cut at `entriesMax`). */
export type FidelityReport = {
  readonly kept: readonly FidelityEntry[]
  readonly changed: readonly FidelityEntry[]
  readonly lost: readonly FidelityEntry[]
  readonly totals: { readonly kept: number; readonly changed: number; readonly lost: number }
}

/** Entries of one list that are shown (ours). */
export const entriesMax = 1_000

/** Characters of a text of an entry: names and types are the document's own. */
const textCharsMax = 300

/** An element as it is told: `id` null where it is left out. */
export type Element = { readonly element: string; readonly id?: string | null; readonly was: string }

/** Takes entries. */
export type Fidelity = {
  /** It means the same here. */
  kept(element: Element, became: string): void
  /** It is here in another form. */
  changed(element: Element, became: string, told: { readonly why: string; readonly advice: string }): void
  /** Nothing of it works here. `became`: what stands in its place. */
  lost(element: Element, told: { readonly why: string; readonly advice: string; readonly became?: string }): void
  report(): FidelityReport
}

/** An empty report. */
export function makeFidelity(): Fidelity {
  const lists = { kept: [] as FidelityEntry[], changed: [] as FidelityEntry[], lost: [] as FidelityEntry[] }
  const totals = { kept: 0, changed: 0, lost: 0 }
  const add = (list: keyof typeof lists, entry: FidelityEntry): void => {
    totals[list] += 1
    if (lists[list].length < entriesMax) lists[list].push(entry)
  }
  return {
    kept: (element, became) => add("kept", entryOf(element, { became, why: null, advice: null })),
    changed: (element, became, told) => add("changed", entryOf(element, { became, ...told })),
    lost: (element, { became = null, why, advice }) => add("lost", entryOf(element, { became, why, advice })),
    report: () => ({ ...lists, totals: { ...totals } }),
  }
}

function entryOf(
  { element, id = null, was }: Element,
  { became, why, advice }: Pick<FidelityEntry, "became" | "why" | "advice">,
): FidelityEntry {
  return {
    element: cutText(element, textCharsMax),
    id: id === null ? null : cutText(id, textCharsMax),
    was: cutText(was, textCharsMax),
    became: became === null ? null : cutText(became, textCharsMax),
    why: why === null ? null : cutText(why, textCharsMax),
    advice: advice === null ? null : cutText(advice, textCharsMax),
  }
}
