/**
 * The scripted model server as a process of its own, for benchmarks and for trying things out.
 * Prints `{"port": …, "base_url": …}` as one line and serves until it is told to stop (SIGTERM, SIGINT) or until its
 * parent goes away.
 *
 *   --port N            default 0, a free one
 *   --tokens N          every answer has N words; without it the answer is "You said: …"
 *   --text TEXT         every answer is this text
 *   --delay-ms N        wait before the answer
 *   --chunk-delay-ms N  wait before each word
 */
import { parseArgs } from "node:util"
import { lastUserText, type ScriptedAnswer, startScriptedModel } from "./scripted-model.ts"

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    tokens: { type: "string" },
    text: { type: "string" },
    "delay-ms": { type: "string" },
    "chunk-delay-ms": { type: "string" },
  },
})

const text =
  values.text ??
  (values.tokens === undefined
    ? undefined
    : Array.from({ length: Number(values.tokens) }, (_, index) => `token${index}`).join(" "))
const delays: ScriptedAnswer = {
  ...(values["delay-ms"] === undefined ? {} : { delayMs: Number(values["delay-ms"]) }),
  ...(values["chunk-delay-ms"] === undefined ? {} : { chunkDelayMs: Number(values["chunk-delay-ms"]) }),
}
// One object for every answer, so that it is rendered once.
const fixed: ScriptedAnswer | null = text === undefined ? null : { text, ...delays }
const model = await startScriptedModel({
  port: Number(values.port),
  record: false,
  answer: (request) => fixed ?? { text: `You said: ${lastUserText(request)}`, ...delays },
})
process.stdout.write(`${JSON.stringify({ port: model.port, base_url: model.baseUrl })}\n`)

const end = () => {
  void model.stop().then(() => process.exit(0))
}
process.once("SIGTERM", end)
process.once("SIGINT", end)
process.once("disconnect", end)
