/** What parts of a page say: their text, their HTML, their attributes, the values of form fields. */
import type { Document, Element } from "domhandler"
import { getInnerHTML, textContent } from "domutils"
import { compile } from "html-to-text"
import { NodeFailure } from "../kinds/kind.ts"
import { selectElements } from "./html-tree.ts"

/**
 * The text of HTML as it is read: blocks on lines of their own, lists with bullets, links with their address. What the
 * selectors in `skipped` (with commas between them) mean is left out.
 */
export function readableText(html: string, skipped: string): string {
  try {
    return converterOf(skipped)(html)
  } catch (error) {
    const message = "The selectors to skip of the node can not be used; correct them."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message, { cause: error })
  }
}

/** Converters by the selectors that they skip: making one takes longer than using it. Forgotten when they become many. */
const converters = new Map<string, (html: string) => string>()
const convertersMax = 50

function converterOf(skipped: string): (html: string) => string {
  const known = converters.get(skipped)
  if (known !== undefined) return known
  const selectors = skipped
    .split(",")
    .map((selector) => selector.trim())
    .filter((selector) => selector !== "")
    .slice(0, 100)
    .map((selector) => ({ selector, format: "skip" }))
  const made = compile({ selectors })
  if (converters.size >= convertersMax) converters.clear()
  converters.set(skipped, made)
  return made
}

/** All characters of an element, one after the other. */
export function plainText(element: Element): string {
  return textContent(element)
}

/** The HTML of what an element holds. */
export function innerHtml(element: Element): string {
  return getInnerHTML(element, { encodeEntities: "utf8" })
}

/** The value that a form field has when a page is loaded; undefined for other elements. */
export function formValue(element: Element): string | undefined {
  if (element.name === "textarea") return textContent(element)
  if (element.name !== "select") return element.attribs.value
  const options = selectElements({ children: element.children } as Document, "option")
  const chosen = options.find(({ attribs }) => attribs.selected !== undefined) ?? options[0]
  return chosen === undefined ? undefined : (chosen.attribs.value ?? textContent(chosen))
}
