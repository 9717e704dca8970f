// @ts-check
/** What is looked at in a guest's report before it leaves the thread: its length, its depth, and keys that are no data. */

/** How deeply results may be nested: as deeply as JSON of requests (100), and the report around them. */
const depthMax = 104

/**
 * The report as it may leave; or why it may not.
 *
 * @param {string} text
 * @param {number} charsMax
 * @returns {import("./messages.ts").Outcome}
 */
export function inspectReport(text, charsMax) {
  // Beside the results there is the report itself.
  if (text.length > charsMax + 10_000) return { type: "output" }
  if (isDeep(text)) return { type: "depth" }
  return { type: "report", text: /__proto__|\\u/.test(text) ? withoutPrototypes(text) : text }
}

/**
 * Works on the text, so that no depth can exhaust a stack.
 *
 * @param {string} text
 */
function isDeep(text) {
  let depth = 0
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    if (code === 0x22) place = endOfText(text, place)
    else if (code === 0x5b || code === 0x7b) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return false
}

/**
 * The place of the quote that ends a text in JSON.
 *
 * @param {string} text
 * @param {number} start
 */
function endOfText(text, start) {
  for (let place = text.indexOf('"', start + 1); place >= 0; place = text.indexOf('"', place + 1)) {
    let slashes = 0
    while (text[place - 1 - slashes] === "\\") slashes += 1
    if (slashes % 2 === 0) return place
  }
  return text.length
}

/** @param {string} text */
function withoutPrototypes(text) {
  return JSON.stringify(JSON.parse(text, (key, value) => (key === "__proto__" ? undefined : value)))
}
