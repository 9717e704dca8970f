// @ts-check
/**
 * What the guest's `Intl` asks of this thread's: a service, its settings, a method and its arguments, all plain data; the
 * answer is words, numbers or lists of parts. Services and methods are listed; nothing else can be called.
 */

/** @type {Readonly<Record<string, readonly string[]>>} */
const services = {
  DateTimeFormat: ["format", "formatToParts", "formatRange", "formatRangeToParts", "resolvedOptions"],
  NumberFormat: ["format", "formatToParts", "resolvedOptions"],
  Collator: ["compare", "resolvedOptions"],
  RelativeTimeFormat: ["format", "formatToParts", "resolvedOptions"],
  PluralRules: ["select", "resolvedOptions"],
  ListFormat: ["format", "formatToParts", "resolvedOptions"],
  DisplayNames: ["of", "resolvedOptions"],
  Segmenter: ["segment", "resolvedOptions"],
}

const dateMethods = ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]

/** The services that were asked for last: making one takes a hundred times as long as asking it. @type {Map<string, any>} */
const made = new Map()
const madeMax = 200

const defaultLocale = "en-US"

/**
 * Answers a question of the guest. `zone`: that of dates whose options name none.
 *
 * @param {string} text
 * @param {string} zone
 * @returns {string}
 */
export function answerIntl(text, zone) {
  try {
    return JSON.stringify({ value: answer(JSON.parse(text), zone) })
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new TypeError("There is no such thing")
    return JSON.stringify({ error: { name, message } })
  }
}

/**
 * @param {any} question
 * @param {string} zone
 * @returns {unknown}
 */
function answer({ service, locales = defaultLocale, options, method, given }, zone) {
  if (service === "Intl") return answerGeneral(method, locales, given[0])
  const settings = service === "DateTimeFormat" || service === "Date" ? { timeZone: zone, ...options } : options
  if (service === "Date" && dateMethods.includes(method)) {
    const date = /** @type {any} */ (new Date(read(given[0])))
    return date[method](locales, settings)
  }
  if (service === "Number" && method === "toLocaleString") return read(given[0]).toLocaleString(locales, settings)
  if (!Object.hasOwn(services, service)) throw new TypeError("There is no such service")
  if (method === "supportedLocalesOf") return /** @type {any} */ (Intl)[service].supportedLocalesOf(locales, settings)
  if (!services[service]?.includes(method)) throw new TypeError("There is no such method")
  const value = serviceOf(service, locales, settings)[method](...given.map(read))
  return method === "segment" ? [...value] : value
}

/**
 * @param {string} method
 * @param {any} locales
 * @param {any} key
 */
function answerGeneral(method, locales, key) {
  if (method === "getCanonicalLocales") return Intl.getCanonicalLocales(locales)
  if (method === "supportedValuesOf") return Intl.supportedValuesOf(key)
  throw new TypeError("There is no such method")
}

/**
 * @param {string} service
 * @param {unknown} locales
 * @param {unknown} options
 */
function serviceOf(service, locales, options) {
  const key = JSON.stringify([service, locales, options])
  const ready = made.get(key)
  if (ready !== undefined) return ready
  if (made.size >= madeMax) made.clear()
  const fresh = new /** @type {any} */ (Intl)[service](locales, options)
  made.set(key, fresh)
  return fresh
}

/**
 * Numbers that JSON has not come as their words.
 *
 * @param {any} value
 */
function read(value) {
  if (typeof value?.bigint === "string") return BigInt(value.bigint)
  return typeof value?.number === "string" ? Number(value.number) : value
}
