/**
 * Results and errors as they leave the guest: text of JSON. Everything that is looked at here may be a trap (a getter that
 * throws, a proxy, a text that is none), so that each look may throw, and whatever throws has an answer.
 */
import { host, isArray, stringify } from "./host.mjs"

/** Characters of an error's words that are kept. */
const messageCharsMax = 2_000

/** What the engine throws at its own bounds: memory, stack, length of texts. */
const { InternalError } = globalThis
const { hasInstance } = Symbol
const isInstance = Function.prototype[hasInstance]
const { call } = Function.prototype
const bind = call.bind(call.bind)
/** `isA(Class, value)`: as `instanceof` says, whatever code makes of either. */
const isA = bind(call, isInstance)
const AsyncFunction = (async () => {}).constructor
const sourceOf = bind(call, Function.prototype.toString)
const slice = bind(call, String.prototype.slice)
const execute = bind(call, RegExp.prototype.exec)
const text = String

/** A result as JSON text of a `CodeValue`. Throws where it cannot be written as JSON. */
export function describeValue(value) {
  if (value === undefined) return '{"type":"undefined","value":null}'
  if (value === null) return '{"type":"null","value":null}'
  // Of what is no data at all (functions, symbols, large numbers) nothing is left.
  const isWord = typeof value === "string" || typeof value === "number" || typeof value === "boolean"
  if (typeof value !== "object") return `{"type":"other","value":${isWord ? stringify(value) : "null"}}`
  const isList = isArray(value)
  return `{"type":"${isList ? "list" : "object"}","value":${stringify(isList ? shownItems(value) : shownItem(value)) ?? "null"}}`
}

/** A list whose items keep a key `json` that JSON would leave out: the item is wrong, and not one without that key. */
function shownItems(list) {
  let copy = null
  for (let place = 0; place < list.length; place += 1) {
    const entry = list[place]
    const shown = shownItem(entry)
    if (shown === entry) continue
    copy ??= [...list]
    copy[place] = shown
  }
  return copy ?? list
}

function shownItem(entry) {
  if (typeof entry !== "object" || entry === null || !("json" in entry)) return entry
  const { json } = entry
  return json === undefined || typeof json === "function" || typeof json === "symbol" ? { ...entry, json: null } : entry
}

/** What was thrown, as a `CodeFailure`. Never throws, but at the engine's bounds. */
export function describeError(error) {
  const isLimit = isBound(error)
  const message = slice(wordsOf(error), 0, messageCharsMax)
  if (isLimit) return { code: "CODE_LIMIT", message: `The code went past its bounds: ${message}.`, line: null }
  return { code: "CODE_ERROR", message, line: lineOf(error) }
}

/** The engine has no memory left for an error where it throws null for want of memory. */
function isBound(error) {
  try {
    return isA(InternalError, error) || (error === null && host.isMemoryFull() === "yes")
  } catch {
    return false
  }
}

function wordsOf(error) {
  try {
    if (typeof error === "string") return error
    if (error === null && host.isMemoryFull() === "yes") return "out of memory"
    if ((typeof error === "object" || typeof error === "function") && error !== null) {
      const { message } = error
      if (typeof message === "string" && message !== "") return message
      const json = stringify(error)
      if (typeof json === "string" && json !== "{}") return json
    }
    const words = text(error)
    return typeof words === "string" && words !== "" ? words : "The code threw an error without words"
  } catch {
    return "The code threw something that cannot be shown"
  }
}

/** The constructor of functions puts two lines before the code, and one behind it. */
const linesBefore = 2
let lineCount = 1

/** Makes code the function that it is the body of, and the code that lines of errors are those of. Throws SyntaxError. */
export function compile(code) {
  lineCount = 1
  for (let index = 0; index < code.length; index += 1) if (code[index] === "\n") lineCount += 1
  const made = new AsyncFunction(code)
  // The engine joins the code and what is around it, and reads the whole: brackets may end the function before its end.
  if (sourceOf(made) === `async function anonymous(\n) {\n${code}\n}`) return made
  throw new SyntaxError("the code ends the function that it stands in: a bracket is closed that it did not open")
}

const place = /<input>:(\d{1,9})/

/** The line of the code, from 1, that the nearest call in the error's trace stands in; null where there is none. */
function lineOf(error) {
  try {
    const found = execute(place, text(error.stack))
    const line = found === null ? 0 : found[1] - linesBefore
    return line >= 1 ? (line < lineCount ? line : lineCount) : null
  } catch {
    return null
  }
}
