/** Workflows and chatflows of Dify: a graph of steps. */
import type { JsonObject, JsonValue } from "../../json.ts"
import { certaintyOf } from "./certainty.ts"
import { convertAgent, convertClassifier, convertExtractor, convertLlm, selectorOf } from "./dify-model-nodes.ts"
import {
  assignedCode,
  convertAggregator,
  convertAnswer,
  convertAssigner,
  convertBranch,
  convertCode,
  convertEnd,
  convertNote,
  convertRequest,
  convertTemplate,
} from "./dify-nodes.ts"
import { type DifyScope, referenceCode } from "./dify-references.ts"
import { convertStart, tellFeatures } from "./dify-start.ts"
import { field, listAt, objectAt, objectsAt, textAt } from "./fields.ts"
import { type Flow, makeFlow, readArrows, readPosition, type Step } from "./flow.ts"
import type { Conversion } from "./importer.ts"
import { closeIteration, type IterationPlan, makeIteration } from "./iteration.ts"
import { chatTriggerNode } from "./made-nodes.ts"
import { beginMaking, connectSteps, type Doors, keepForeign, type Making, noDoors } from "./making.ts"
import { makeStateVariables } from "./state-variables.ts"

type Convert = (scope: DifyScope, step: Step) => Doors

/** How each type of step is converted. Others are kept as what they were. */
const converters: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ["llm", convertLlm],
  ["agent", convertAgent],
  ["question-classifier", convertClassifier],
  ["parameter-extractor", convertExtractor],
  ["code", convertCode],
  ["template-transform", convertTemplate],
  ["variable-aggregator", convertAggregator],
  ["variable-assigner", convertAggregator],
  ["assigner", convertAssigner],
  ["if-else", convertBranch],
  ["answer", convertAnswer],
  ["end", convertEnd],
  ["http-request", convertRequest],
  ["note", convertNote],
  ["iteration-start", () => noDoors],
])

/** Why a step is kept as what it was. */
const foreign: ReadonlyMap<string, { readonly why: string; readonly advice: string }> = new Map([
  [
    "knowledge-retrieval",
    {
      why: "there are no knowledge bases here",
      advice: "Fetch what is to be known with an HTTP request or an MCP tool in the place of this node.",
    },
  ],
  [
    "tool",
    {
      why: "the tools of this system are programs of its own",
      advice: "Call the service behind the tool with an HTTP request node in the place of this node.",
    },
  ],
  [
    "loop",
    {
      why: "steps that run until a condition holds have no counterpart",
      advice: "Draw the loop with an If node whose one output leads back.",
    },
  ],
])

const otherwise = {
  why: "nothing here does what this step does",
  advice: "Do the same with a Code or HTTP request node in the place of this node.",
}

/** Steps behind which not everything runs. */
const branching: ReadonlySet<string> = new Set(["if-else", "question-classifier", "human-input"])

/** A graph of an app. */
export function convertGraph(app: JsonObject, workflow: JsonObject): Pick<Conversion, "definition" | "report"> {
  const flow = readFlow(objectAt(workflow, "graph"))
  const making = beginMaking("dify", flow)
  const scope = makeScope(making, workflow)
  const doors = new Map<string, Doors>()
  const plans = new Map<string, IterationPlan>()
  const start = flow.steps.find(({ type }) => type === "start")
  const begun = convertStart(scope, { start, mode: textAt(app, "mode") })
  if (start !== undefined) doors.set(start.key, begun.doors)
  for (const step of flow.steps) {
    if (step === start) continue
    if (step.type === "iteration") {
      const plan = planIteration(scope, step)
      plans.set(step.key, plan)
      doors.set(step.key, makeIteration(making, step, plan))
    } else doors.set(step.key, convertStep(scope, step))
  }
  connectSteps(making, doors)
  for (const [key, plan] of plans) {
    const step = flow.byKey.get(key)
    if (step !== undefined) closeIteration(making, step, { plan, doors })
  }
  if (start === undefined) connectRoots(scope, doors)
  tellFeatures(making, objectAt(workflow, "features"))
  return { definition: making.draft.finish(begun.fields), report: making.fidelity.report() }
}

function convertStep(scope: DifyScope, step: Step): Doors {
  const convert = converters.get(step.type)
  if (convert !== undefined) return convert(scope, step)
  const inside = scope.making.flow.inside.get(step.key) ?? []
  const shown =
    inside.length === 0 ? {} : { data: { ...step.data, inside: inside.map(({ type, data }) => ({ type, data })) } }
  return keepForeign(scope.making, step, { ...(foreign.get(step.type) ?? otherwise), ...shown })
}

/** The steps of a graph. What lies inside of a step that can not be converted goes with it. */
function readFlow(graph: JsonObject): Flow {
  const steps = objectsAt(graph, "nodes").map((node, index): Step => {
    const data = objectAt(node, "data")
    const isNote = textAt(node, "type") === "custom-note"
    return {
      key: textAt(node, "id") || `step ${index + 1}`,
      title: textAt(data, "title"),
      type: isNote ? "note" : textAt(data, "type"),
      data,
      position: readPosition(field(node, "positionAbsolute") ?? field(node, "position"), index),
      parent: textAt(node, "parentId") || textAt(data, "iteration_id", "loop_id") || null,
    }
  })
  const iterations = new Set(steps.filter(({ type }) => type === "iteration").map(({ key }) => key))
  const keys = new Set(steps.map(({ key }) => key))
  // A step inside of nothing that is there stands outside.
  const placed = steps.map((step) =>
    step.parent !== null && !keys.has(step.parent) ? { ...step, parent: null } : step,
  )
  const outside = placed.filter(({ parent }) => parent === null || iterations.has(parent))
  const kept = new Set(outside.map(({ key }) => key))
  return makeFlow(
    outside.filter(({ parent }) => parent === null || kept.has(parent)),
    readArrows(graph),
  )
}

function makeScope(making: Making, workflow: JsonObject): DifyScope {
  const { flow, draft } = making
  const certainty = certaintyOf(flow, (key) => branching.has(flow.byKey.get(key)?.type ?? ""))
  const conversation = makeStateVariables()
  for (const entry of objectsAt(workflow, "conversation_variables")) {
    conversation.declare(textAt(entry, "name"), field(entry, "value") ?? null)
  }
  for (const step of flow.steps) {
    if (step.type !== "assigner") continue
    const node = making.nameOf(step.key) ?? ""
    const rank = certainty.rank(step.key)
    for (const name of assignedNames(step)) conversation.write(name, { node, rank, code: assignedCode(node, name) })
  }
  const start = flow.steps.find(({ type }) => type === "start")
  const title = start === undefined ? "Chat" : (making.nameOf(start.key) ?? "Chat")
  const hasVariables = start !== undefined && objectsAt(start.data, "variables").length > 0
  const trigger = hasVariables || start === undefined ? draft.nameFor("Chat message", "Chat message") : title
  const iterations = flow.steps.filter(({ type }) => type === "iteration")
  return {
    making,
    certainty,
    trigger,
    environment: environmentOf(making, workflow),
    conversation,
    results: new Map(
      iterations.map(({ key }) => [key, draft.nameFor(`${making.nameOf(key) ?? "Iteration"} results`, "Results")]),
    ),
  }
}

function assignedNames({ data }: Step): readonly string[] {
  const selectors = [
    listAt(data, "assigned_variable_selector"),
    ...objectsAt(data, "items").map((item) => listAt(item, "variable_selector")),
  ]
  return selectors.flatMap((selector) => {
    const [where, name] = selectorOf(selector)
    return where === "conversation" && typeof name === "string" ? [name] : []
  })
}

/** Values of the app's environment; secrets are not taken over. */
function environmentOf(making: Making, workflow: JsonObject): ReadonlyMap<string, JsonValue> {
  const values = new Map<string, JsonValue>()
  for (const entry of objectsAt(workflow, "environment_variables")) {
    const name = textAt(entry, "name")
    if (textAt(entry, "value_type") !== "secret") values.set(name, field(entry, "value") ?? null)
    else {
      const why = "secrets that stand in a document are not taken over"
      const advice = "Make a credential of it and choose it in the nodes that need it."
      making.fidelity.lost({ element: `env.${name}`, was: "secret" }, { why, advice })
    }
  }
  return values
}

function planIteration(scope: DifyScope, step: Step): IterationPlan {
  const { making } = scope
  const { data, key } = step
  const inside = making.flow.inside.get(key) ?? []
  const starts = new Set(inside.filter(({ type }) => type === "iteration-start").map((child) => child.key))
  const isFirst = (child: Step): boolean => {
    const before = making.flow.arriving.get(child.key) ?? []
    return !starts.has(child.key) && before.every(({ from }) => starts.has(from) || from === key)
  }
  return {
    list: referenceCode(scope, selectorOf(listAt(data, "iterator_selector")), key),
    result: referenceCode(scope, selectorOf(listAt(data, "output_selector")), key),
    flattens: data.flatten_output !== false,
    results: scope.results.get(key) ?? "Results",
    first: inside.filter(isFirst).map((child) => child.key),
  }
}

/** A graph without a start begins at whatever nothing leads to. */
function connectRoots({ making, trigger }: DifyScope, doors: ReadonlyMap<string, Doors>): void {
  making.draft.add({ name: trigger, position: [-200, 0], ...chatTriggerNode() })
  for (const step of making.flow.steps) {
    const entrance = doors.get(step.key)?.entrance ?? null
    const isRoot = step.parent === null && (making.flow.arriving.get(step.key) ?? []).length === 0
    if (entrance === null || !isRoot) continue
    making.draft.connect({ from: trigger, to: entrance })
  }
  const why = "the document has no start that a chat message could come to"
  making.fidelity.changed({ element: "start", was: "none" }, trigger, { why, advice: "Check where the flow begins." })
}
