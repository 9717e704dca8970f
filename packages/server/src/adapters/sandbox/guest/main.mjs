/**
 * The guest: what is in the engine before any code is. It is loaded once, and the memory of the engine as it then is is
 * what every run begins with; so nothing here may depend on a run, and nothing of a run is left for the next.
 *
 *     start(request) ── pattern ──> report(matches)
 *                   └── code ──> the workflow put in place ──> the code called, once or for each item ──> report(results)
 */
import "./intl.mjs"
import "./bytes.mjs"
import "./console.mjs"
import "./missing.mjs"
import { host, parse, stringify } from "./host.mjs"
import { matchPattern } from "./pattern.mjs"
import { compile, describeError, describeValue } from "./results.mjs"
import { openWorkflow } from "./workflow.mjs"

host.start = (text) => {
  const request = parse(text)
  if (request.operation === "pattern") host.report(matchPattern(request))
  else runCode(request)
}

async function runCode(request) {
  seedRandom(request.seed)
  const workflow = openWorkflow(request)
  let call
  try {
    call = compile(request.code)
  } catch (error) {
    return reportFailure(describeError(error), null)
  }
  const texts = []
  const count = request.mode === "each" ? workflow.items.length : 1
  let length = 0
  for (let index = 0; index < count; index += 1) {
    workflow.takeUp(index)
    const result = await resultOf(call)
    const ends = result.failure !== null && (!request.keepsGoing || result.failure.code === "CODE_LIMIT")
    if (ends) return reportFailure(result.failure, request.mode === "each" ? index : null)
    const written = result.text ?? stringify({ type: "failed", failure: result.failure })
    length += written.length + 1
    if (length > request.bounds.outputChars) return reportFailure(tooLarge(request.bounds), null)
    texts[index] = written
  }
  reportResults(texts, { workflow, bounds: request.bounds })
}

async function resultOf(call) {
  let value
  try {
    value = await call()
  } catch (error) {
    return { text: null, failure: describeError(error) }
  }
  try {
    return { text: describeValue(value), failure: null }
  } catch (error) {
    const failure = describeError(error)
    const message = `The result cannot be written as JSON: ${failure.message}`
    return { text: null, failure: failure.code === "CODE_LIMIT" ? failure : { ...failure, message } }
  }
}

function reportResults(texts, { workflow, bounds }) {
  let results = ""
  for (let index = 0; index < texts.length; index += 1) results += index === 0 ? texts[index] : `,${texts[index]}`
  let kept = "null"
  try {
    const staticData = workflow.staticData()
    if (staticData !== null) kept = stringify(staticData)
  } catch (error) {
    const failure = describeError(error)
    return reportFailure({ ...failure, message: `The static data cannot be written as JSON: ${failure.message}` }, null)
  }
  if (results.length + kept.length > bounds.outputChars) return reportFailure(tooLarge(bounds), null)
  host.report(`{"status":"completed","results":[${results}],"staticData":${kept}}`)
}

function reportFailure(failure, item) {
  host.report(stringify({ status: "failed", failure, item }))
}

function tooLarge({ outputChars }) {
  const message = `The code gives more than the ${outputChars} characters that it may give.`
  return { code: "CODE_LIMIT", message, line: null }
}

/** Random numbers of the run: the same each time that it is computed (mulberry32, public domain). */
function seedRandom(seed) {
  let state = seed >>> 0
  Math.random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
