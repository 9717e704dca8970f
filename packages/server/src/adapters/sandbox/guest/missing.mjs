/** What code of other places finds and does not find here: each says what to do instead, when it is used. */
import { defineGlobal } from "./host.mjs"

function refuse(sentence) {
  return () => {
    throw new Error(sentence)
  }
}

defineGlobal("require", (name) => {
  throw new Error(
    `Module '${String(name)}' is disallowed: code has no modules here, the modules of a workflow are its nodes`,
  )
})

for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
  defineGlobal(name, refuse(`${name} is refused: code has no timers here, wait with a Wait node`))
}
for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) defineGlobal(name, () => {})

const noNetwork = refuse("Code has no network and no files here: ask for data with an httpRequest node")
const helpers = new Proxy({}, { get: (_target, name) => (typeof name === "string" ? noNetwork : undefined) })
defineGlobal("helpers", helpers)
defineGlobal("$helpers", helpers)

const noVariables = refuse("The environment of the server is not shown to code")
defineGlobal("$env", new Proxy({}, { get: (_target, name) => (typeof name === "string" ? noVariables() : undefined) }))
