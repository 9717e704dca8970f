/**
 * The performer of Code: the code runs in the sandbox, and what it gives is read by the kind. It has no effect outside of
 * the run, so that it states no intent and saves nothing (E9): after a crash it runs again, with the same instant and seed,
 * to the same outcome.
 */
import { answerQuestion, codeVariables } from "@brevet/core/graph/code/questions"
import { staticDataMemory, staticDataOf } from "@brevet/core/graph/code/static-data"
import { type CodePlan, codeFailure, codeOutputs, prepareCode } from "@brevet/core/graph/kinds/code"
import type { KindContext } from "@brevet/core/graph/kinds/kind"
import { type CodeRequest, codeBounds, type Sandbox } from "../../ports/sandbox.ts"
import type { Performer } from "../perform.ts"

/** Makes the performer. */
export function makeCodePerformer(sandbox: Sandbox): Performer {
  return async ({ context, segment, workshop, key }) => {
    const plan = prepareCode(context)
    const surroundings = {
      scope: context.scope,
      staticData: () => staticDataOf(segment.state, context.node.ordinal),
    }
    const outcome = await sandbox.runCode(requestOf(context, plan), {
      signal: segment.signal,
      answer: (question) => answerQuestion(surroundings, question),
    })
    if (outcome.console.length > 0) {
      segment.take({ type: "code-logged", at: workshop.clock.nowMs(), ...key, lines: outcome.console })
    }
    if (outcome.status === "failed") throw codeFailure(outcome.failure, outcome.item)
    const outputs = codeOutputs(context, plan, outcome.results)
    return outcome.staticData === null ? { outputs } : { outputs, memory: staticDataMemory(outcome.staticData) }
  }
}

/** What is run. Items carry their places, so that what the code passes on keeps its lineage. */
function requestOf(context: KindContext, { code, mode, keepsGoing }: CodePlan): CodeRequest {
  const items = (context.inputs[0] ?? []).map((item, index) => ({ ...item, pairedItem: { item: index } }))
  return {
    code,
    mode,
    keepsGoing,
    items,
    variables: codeVariables(context.scope(0)),
    nowMs: context.nowMs,
    seed: Math.floor(context.random() * 2 ** 32),
    timeZone: context.timeZone,
    bounds: codeBounds,
  }
}
