/** The console of code: lines of words, handed to the host as they come. The host bounds how many it keeps. */
import { defineGlobal, host, stringify } from "./host.mjs"

/** Characters of a line that are handed over. */
const lineCharsMax = 8_192

function shown(value) {
  if (typeof value === "string") return value
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "function") return `[Function ${value.name || "without a name"}]`
  if (typeof value !== "object" || value === null) return String(value)
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}`.trimEnd() : String(value)
  return stringify(value) ?? String(value)
}

function line(values) {
  return values
    .map((value) => {
      try {
        return shown(value)
      } catch {
        return "[what cannot be shown]"
      }
    })
    .join(" ")
    .slice(0, lineCharsMax)
}

const logger = {}
const levels = { log: "log", info: "info", warn: "warn", error: "error", debug: "debug" }
for (const [method, level] of Object.entries({ ...levels, trace: "debug", dir: "log", table: "log" })) {
  logger[method] = (...values) => {
    host.log(level, line(values))
  }
}
logger.assert = (condition, ...values) => {
  if (!condition) logger.error("Assertion failed", ...values)
}
for (const method of ["group", "groupCollapsed", "groupEnd", "time", "timeEnd", "timeLog", "count", "clear"]) {
  logger[method] = () => {}
}
defineGlobal("console", logger)
