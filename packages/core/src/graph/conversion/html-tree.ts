/**
 * HTML as a tree, from pages of any origin: bounded before anything walks it, since what walks it takes a step of the stack
 * for each level, and looks at all siblings of an element for some selectors.
 *
 * The parser is the forgiving one that reads in linear time; it makes no elements that the text does not name.
 */
import { select } from "cheerio-select"
import { type Document, DomHandler, type Element, isTag } from "domhandler"
import { Parser } from "htmlparser2"
import { NodeFailure } from "../kinds/kind.ts"

/** Characters of a page, and elements in it (ours). */
export const htmlCharsMax = 2_000_000
const elementsMax = 100_000
/** Elements inside elements, and children of one element (ours). */
const depthMax = 256
const childrenMax = 10_000
/** Characters of a selector (ours). */
const selectorCharsMax = 1_000

/** The tree of a page. Throws NODE_SETTINGS_INVALID for one that is too large, too deep or too wide. */
export function readHtml(html: string): Document {
  if (html.length > htmlCharsMax) throw tooMuch(`has more than ${htmlCharsMax} characters`)
  const builder = new BoundedBuilder()
  new Parser(builder).end(html)
  return builder.root
}

/** Builds the tree, and gives up as soon as a bound is passed. */
class BoundedBuilder extends DomHandler {
  private elements = 0

  override onopentag(name: string, attributes: { [name: string]: string }): void {
    this.elements += 1
    if (this.elements > elementsMax) throw tooMuch(`has more than ${elementsMax} elements`)
    const siblings = this.tagStack.at(-1)?.children.length ?? 0
    if (siblings >= childrenMax) throw tooMuch(`has more than ${childrenMax} elements in one`)
    super.onopentag(name, attributes)
    if (this.tagStack.length > depthMax) throw tooMuch(`has elements more than ${depthMax} levels deep`)
  }
}

/** The characters of markup, without its tags: read in one go, so that nothing of it can be too deep. */
export function markupText(html: string): string {
  const texts: string[] = []
  new Parser({ ontext: (text) => void texts.push(text) }).end(html)
  return texts.join("").trim()
}

function tooMuch(what: string): NodeFailure {
  return new NodeFailure("NODE_SETTINGS_INVALID", `The HTML ${what}; give the node a smaller part of it.`)
}

/** The elements that a selector of CSS means, in the order of the page. Throws NODE_SETTINGS_INVALID for one that is none. */
export function selectElements(document: Document, selector: string): readonly Element[] {
  if (selector.length > selectorCharsMax) {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      `A selector may have at most ${selectorCharsMax} characters; shorten it.`,
    )
  }
  if (selector.trim() === "") {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      "The node has a CSS selector that is empty; say which elements it means.",
    )
  }
  try {
    return select(selector, document).filter(isTag)
  } catch (error) {
    const message = "The CSS selector of the node is not well-formed; correct it."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message, { cause: error })
  }
}
