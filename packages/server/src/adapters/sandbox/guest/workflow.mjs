/**
 * The workflow as code sees it: its items, the nodes before, the execution. What is not in the request is asked for when it
 * is used, and once.
 */
import { DateTime, Duration, IANAZone, Interval, Settings } from "luxon"
import { ask, defineGlobal, defineLazyGlobal, host } from "./host.mjs"

const { jmespath } = globalThis
delete globalThis.jmespath

for (const [name, value] of Object.entries({ DateTime, Duration, Interval })) defineGlobal(name, value)
defineGlobal("$jmespath", (data, query) => jmespath.search(data, query))
defineGlobal("$jmesPath", (data, query) => jmespath.search(data, query))

/** The library asks for the parts of a formatted date and reckons the offset back from them; the host knows it at once. */
IANAZone.prototype.offset = function (atMs) {
  return this.isValid && Number.isFinite(atMs) ? Number(host.offset(this.name, String(atMs))) : Number.NaN
}

/** Ancestors of items that are asked for at a time by code that runs for each item. */
const ancestorsAtATime = 200

/** Puts a request's items, names and answers in place. */
export function openWorkflow(request) {
  Settings.defaultZone = request.timeZone
  if (!Settings.defaultZone.isValid) Settings.defaultZone = "utc"
  Settings.defaultLocale = "en-US"
  const { items } = request
  let current = 0
  const memo = makeMemo()
  const asked = (question) => memo(JSON.stringify(question), () => ask(question))
  const input = () => asked({ ask: "input" })
  const nodes = makeNodes(asked, { current: () => current, isEach: request.mode === "each" })
  let staticData = null

  for (const [name, value] of Object.entries(request.variables)) defineGlobal(name, value)
  if (request.variables.$execution !== undefined) addCustomData(request.variables.$execution)
  defineGlobal("items", items)
  defineGlobal("$input", {
    all: () => items,
    first: () => items[0],
    last: () => items.at(-1),
    get item() {
      return items[current]
    },
    get params() {
      return input().params
    },
    get context() {
      return input().context ?? {}
    },
  })
  defineGlobal("$", (name) => nodes.named(name))
  defineGlobal("$node", new Proxy({}, { get: (_target, name) => nodes.legacy(name) }))
  defineGlobal("$items", (name, branch, run) => (name === undefined ? items : nodes.named(name).all(branch, run)))
  defineLazyGlobal("$parameter", () => asked({ ask: "parameters" }))
  defineLazyGlobal("$now", () => DateTime.now())
  defineLazyGlobal("$today", () => DateTime.now().startOf("day"))
  defineGlobal("$getWorkflowStaticData", (type) => {
    if (type !== "node" && type !== "global") throw new Error("Static data is that of the 'node' or 'global'")
    staticData ??= ask({ ask: "static-data" })
    return staticData[type]
  })
  return {
    items,
    /** Makes an item the one in hand. */
    takeUp(index) {
      current = index
      const item = items[index]
      defineGlobal("item", item)
      defineGlobal("$json", item?.json)
      defineGlobal("$binary", item?.binary)
      defineGlobal("$itemIndex", index)
    },
    /** What the code keeps for later; null where it did not ask for that. */
    staticData: () => staticData,
  }
}

/** Answers by question, so that what is asked twice is one object. */
function makeMemo() {
  const known = new Map()
  return (key, make) => {
    if (!known.has(key)) known.set(key, make())
    return known.get(key)
  }
}

/** Notes on an execution: there for the code that makes them, and kept by nobody. */
function addCustomData(execution) {
  const kept = {}
  execution.customData = {
    set(key, value) {
      kept[String(key)] = String(value)
    },
    setAll: (values) => Object.assign(kept, values),
    get: (key) => kept[key],
    getAll: () => ({ ...kept }),
  }
}

function makeNodes(asked, { current, isEach }) {
  const itemMatching = (node, index) => {
    if (!Number.isInteger(index) || index < 0) throw new Error("itemMatching takes the place of an item, from 0")
    const count = isEach ? ancestorsAtATime : 1
    const from = index - (index % count)
    const { items, places } = asked({ ask: "ancestors", node, from, count })
    const place = places[index - from]
    if (typeof place === "string") throw new Error(place)
    return items[place]
  }
  const named = (name) => {
    const node = String(name)
    const about = () => asked({ ask: "node", node })
    const all = (branch, run) => asked({ ask: "items", node, branch: branch ?? null, run: run ?? null })
    about()
    return {
      all,
      first: (branch, run) => all(branch, run)[0],
      last: (branch, run) => all(branch, run).at(-1),
      itemMatching: (index) => itemMatching(node, index),
      pairedItem: (index) => itemMatching(node, index ?? current()),
      get item() {
        return itemMatching(node, current())
      },
      get params() {
        return about().params
      },
      get context() {
        return about().context ?? {}
      },
      get isExecuted() {
        return about().isExecuted
      },
    }
  }
  const legacy = (name) => {
    if (typeof name !== "string") return undefined
    const view = named(name)
    return {
      get json() {
        return view.item.json
      },
      get binary() {
        return view.item.binary
      },
      get params() {
        return view.params
      },
      get context() {
        return view.context
      },
      get runIndex() {
        return asked({ ask: "node", node: name }).runIndex
      },
    }
  }
  return { named, legacy }
}
