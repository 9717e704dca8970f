/**
 * What the guest has of its host: a few functions from text to text, handed over before anything else runs and then out of
 * everybody's reach. Nothing that code can name leads to them; `start` is what the host calls for each run.
 *
 * Together with them stand the parts of the language that the guest's own work needs after code has run: code may put
 * anything in their place, and the guest is to tell of that code truthfully all the same.
 */

/** The host's functions: `ask`, `compare`, `intl`, `isMemoryFull`, `log`, `offset`, `report`. */
export const host = globalThis.brevetHost
delete globalThis.brevetHost

/** `JSON.stringify` and `JSON.parse` as they were before any code ran. */
export const { parse, stringify } = JSON

/** `Array.isArray` and `Object.defineProperty` as they were before any code ran. */
export const { isArray } = Array

const { defineProperty, hasOwn } = Object

/** Makes a global that code may read, shadow and write over. */
export function defineGlobal(name, value) {
  defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}

/** Makes a global that is made when it is first read. */
export function defineLazyGlobal(name, make) {
  defineProperty(globalThis, name, {
    get() {
      const value = make()
      defineGlobal(name, value)
      return value
    },
    set: (value) => defineGlobal(name, value),
    configurable: true,
    enumerable: false,
  })
}

/** Asks the run; throws with the sentence of what is refused. */
export function ask(question) {
  const answer = parse(host.ask(stringify(question)))
  if (hasOwn(answer, "refused")) throw new Error(answer.refused)
  return answer.value
}
