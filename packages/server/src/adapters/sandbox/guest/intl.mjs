/**
 * `Intl`, and the methods of the language that go by it. The engine has none of it: the host's formats words, and gets only
 * words and numbers. Without a locale everything is American English, without a zone it is the run's, so that outcomes
 * depend on no machine.
 */
import { defineGlobal, host, parse, stringify } from "./host.mjs"

const errors = { RangeError, TypeError }

/** Asks a service of the host's `Intl`; throws what it throws. */
function callIntl(service, { locales, options }, call) {
  const answer = parse(host.intl(stringify({ service, locales, options, ...call })))
  if (answer.error === undefined) return answer.value
  throw new (errors[answer.error.name] ?? Error)(answer.error.message)
}

/** Dates and whatever else is a number by its value; numbers that JSON has not go as their words. */
function numeric(value) {
  if (typeof value === "bigint") return { bigint: String(value) }
  const number = Number(value)
  if (Object.is(number, -0)) return { number: "-0" }
  return Number.isFinite(number) ? number : { number: String(number) }
}

const timed = (value) => numeric(value === undefined ? Date.now() : value)
const words = (value) => String(value)
const asIs = (value) => value

/** The services: by method how each argument is sent. `bound`: the method that may be passed around without its object. */
const services = {
  DateTimeFormat: {
    bound: "format",
    methods: {
      format: [timed],
      formatToParts: [timed],
      formatRange: [timed, timed],
      formatRangeToParts: [timed, timed],
    },
  },
  NumberFormat: { bound: "format", methods: { format: [numeric], formatToParts: [numeric] } },
  Collator: { bound: "compare", methods: { compare: [words, words] } },
  RelativeTimeFormat: { methods: { format: [numeric, words], formatToParts: [numeric, words] } },
  PluralRules: { methods: { select: [numeric] } },
  ListFormat: { methods: { format: [asIs], formatToParts: [asIs] } },
  DisplayNames: { methods: { of: [words] } },
  Segmenter: { methods: { segment: [words] } },
}

function makeService(service, { methods, bound }) {
  const settingsOf = new WeakMap()
  function Service(locales, options) {
    if (new.target === undefined) return new Service(locales, options)
    const settings = { locales, options: copyOptions(options) }
    const resolved = callIntl(service, settings, { method: "resolvedOptions", given: [] })
    settingsOf.set(this, { settings, resolved })
    if (bound !== undefined) this[bound] = Service.prototype[bound].bind(this)
  }
  Object.defineProperty(Service, "name", { value: service })
  for (const [method, senders] of Object.entries(methods)) {
    Service.prototype[method] = function (...values) {
      const given = senders.map((send, place) => send(values[place]))
      return callIntl(service, settingsOf.get(this).settings, { method, given })
    }
  }
  Service.prototype.resolvedOptions = function () {
    return { ...settingsOf.get(this).resolved }
  }
  Service.supportedLocalesOf = (locales, options) =>
    callIntl(service, { locales, options: copyOptions(options) }, { method: "supportedLocalesOf", given: [] })
  Object.defineProperty(Service.prototype, Symbol.toStringTag, { value: `Intl.${service}`, configurable: true })
  return Service
}

/** Settings may be inherited, or be made when they are read. */
function copyOptions(options) {
  if (options === undefined || options === null) return undefined
  const copy = {}
  for (const name in Object(options)) if (options[name] !== undefined) copy[name] = options[name]
  return copy
}

const intl = {}
for (const [service, form] of Object.entries(services)) intl[service] = makeService(service, form)
intl.getCanonicalLocales = (locales) => callIntl("Intl", { locales }, { method: "getCanonicalLocales", given: [] })
intl.supportedValuesOf = (key) => callIntl("Intl", {}, { method: "supportedValuesOf", given: [String(key)] })
defineGlobal("Intl", intl)

function replaceMethod(prototype, method, { service, send }) {
  Object.defineProperty(prototype, method, {
    value: {
      [method](locales, options) {
        return callIntl(service, { locales, options: copyOptions(options) }, { method, given: [send(this)] })
      },
    }[method],
    writable: true,
    configurable: true,
  })
}

const timeOf = Date.prototype.getTime
for (const method of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
  replaceMethod(Date.prototype, method, { service: "Date", send: (date) => numeric(timeOf.call(date)) })
}
for (const prototype of [Number.prototype, BigInt.prototype]) {
  replaceMethod(prototype, "toLocaleString", { service: "Number", send: (number) => numeric(number.valueOf()) })
}

const plain = /^[A-Za-z0-9 ]*$/

/** As the host has it: blanks, digits, letters by the alphabet, small ones first where nothing else differs. */
function comparePlain(left, right) {
  const [small, otherSmall] = [left.toLowerCase(), right.toLowerCase()]
  if (small !== otherSmall) return small < otherSmall ? -1 : 1
  if (left === right) return 0
  // Of two letters that differ in case alone, the small one has the larger code.
  return left > right ? -1 : 1
}

Object.defineProperty(String.prototype, "localeCompare", {
  value: {
    localeCompare(other, locales, options) {
      const [left, right] = [String(this), String(other)]
      const isPlain = locales === undefined && options === undefined && plain.test(left) && plain.test(right)
      if (isPlain) return comparePlain(left, right)
      if (locales === undefined && options === undefined) return Number(host.compare(left, right))
      return callIntl(
        "Collator",
        { locales, options: copyOptions(options) },
        { method: "compare", given: [left, right] },
      )
    },
  }.localeCompare,
  writable: true,
  configurable: true,
})
