/**
 * An agent: its tools opened, its loop gone through, its answer read. The same whether it is a node that the planner runs or
 * a tool of another agent.
 */
import type { GraphNode } from "@brevet/core/graph/graph"
import type { ToolServer } from "@brevet/core/graph/kinds/freddy-llm"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { type AgentAnswer, type AgentPlan, limitSentence, unwrapped } from "@brevet/core/graph/kinds/models/agent"
import type { PromptMessage } from "@brevet/core/graph/kinds/models/asking"
import type { OutputParser } from "@brevet/core/graph/kinds/models/output-parser"
import { type FinishingTool, goRounds, type RoundsEnd } from "./agent-loop.ts"
import { type AskedModels, answersInJson, ask, askedModels } from "./asked-models.ts"
import type { ModelCalls } from "./model-calls.ts"
import type { Work } from "./perform.ts"
import { showingOf } from "./showing.ts"
import { type Remembered, tellNode } from "./told-messages.ts"
import { openTools, type ToolPorts } from "./tools/open-tools.ts"
import type { Tool } from "./tools/tool.ts"
import { ledTurn } from "./turn-conversation.ts"

/** What an agent works with in one execution of the node that it is, or serves. */
export type Asker = { readonly ports: ToolPorts; readonly work: Work; readonly calls: ModelCalls }

/** One question to an agent. */
export type AgentQuestion = {
  readonly node: GraphNode
  readonly plan: AgentPlan
  readonly lane: string
  readonly remembered: Remembered | null
}

/** How deeply agents may be tools of one another (ours). */
const depthMax = 5

/** Asks an agent. Throws what its calls do, OUTPUT_SCHEMA_MISMATCH, and RUN_LOOPS_EXCEEDED where its version fails there. */
export async function askAgent(asker: Asker, question: AgentQuestion, depth = 0): Promise<AgentAnswer> {
  const { work, calls } = asker
  const { node, plan, lane, remembered } = question
  const models = await askedModels(work, node)
  const tools = await toolsOf(asker, node, { depth })
  const words = { models, messages: messagesOf(plan), lane, remembered }
  const { messages, summarized } =
    depth === 0 ? await tellNode(work, calls, words) : { messages: words.messages, summarized: false }
  const end = await goRounds(work, calls, {
    models,
    messages,
    tools,
    finish: finishOf(plan.parser),
    lane,
    roundsMax: plan.roundsMax,
    toolCallsMax: (depth === 0 ? ledTurn(work)?.maxToolCalls : null) ?? null,
    shows: plan.parser === null && !answersInJson(models) && depth === 0 ? showingOf(work) : "none",
    summarized,
  })
  return { answer: await readEnd(asker, { end, models, question }), steps: end.steps }
}

/** `depth`: how many agents stand above; `servers`: MCP servers that the node names itself. */
type ToolsOf = { readonly depth?: number; readonly servers?: readonly ToolServer[] }

/** The tools of a node; an agent among them is asked within the call of the other one. */
export function toolsOf(
  asker: Asker,
  node: GraphNode,
  { depth = 0, servers = [] }: ToolsOf = {},
): Promise<readonly Tool[]> {
  const { work, ports } = asker
  return openTools({
    work,
    ports,
    node,
    servers,
    async askAgent({ node: inner, plan, lane }) {
      if (depth >= depthMax) {
        throw new NodeFailure(
          "RUN_DEPTH_EXCEEDED",
          `Agents may be tools of one another at most ${depthMax} levels deep.`,
        )
      }
      const { answer } = await askAgent(asker, { node: inner, plan, lane, remembered: null }, depth + 1)
      return typeof answer === "string" ? answer : JSON.stringify(answer)
    },
  })
}

/** The words are ours: how an answer of a form is given. */
const finishWords =
  "Give your final answer by calling the tool format_final_json_response with it, and only once you have all that it needs."

function messagesOf({ systemMessage, prompt, parser }: AgentPlan): readonly PromptMessage[] {
  const isFormed = parser !== null && parser.schema !== null
  const system = [systemMessage ?? "", isFormed ? finishWords : ""].filter((text) => text !== "").join("\n\n")
  const question = parser !== null && !isFormed ? `${prompt}\n${parser.instructions}` : prompt
  const user: PromptMessage = { role: "user", text: question }
  return system === "" ? [user] : [{ role: "system", text: system }, user]
}

/** The tool by which an answer of a form is given (its name is recorded). */
function finishOf(parser: OutputParser | null): FinishingTool | null {
  if (parser === null || parser.schema === null) return null
  const definition = {
    name: "format_final_json_response",
    description: "Takes the final answer, in the form that is asked for. Call it last.",
    parameters: parser.schema,
  }
  return { definition, read: (given) => parser.readValue(given) }
}

type Ending = { readonly end: RoundsEnd; readonly models: AskedModels; readonly question: AgentQuestion }

/** What the loop came to, as the node gives it. */
async function readEnd(asker: Asker, { end, models, question }: Ending): Promise<AgentAnswer["answer"]> {
  const { plan, node, lane } = question
  if (end.reason === "finished") return unwrapped(end.value)
  if (end.reason === "limit") {
    if (plan.atLimit === "say so") return limitSentence
    const message = `The agent '${node.name}' had no answer after ${plan.roundsMax} rounds. Allow it more, or give it less to do.`
    throw new NodeFailure("RUN_LOOPS_EXCEEDED", message, { details: { rounds: plan.roundsMax } })
  }
  const { text } = end.call
  const { parser } = plan
  if (parser === null) return text
  const read = parser.read(text)
  if (read.fits) return unwrapped(read.value)
  if (parser.repair === null) throw mismatch(read.complaint)
  const repairing = parser.repair.node.name === node.name ? models : await askedModels(asker.work, parser.repair.node)
  const second = await ask(asker.work, asker.calls, {
    models: repairing,
    question: {
      place: { call: 0, lane: `${lane}/repair` },
      messages: [{ role: "user", text: parser.repair.prompt(text, read.complaint) }],
      shows: "none",
    },
  })
  const again = parser.read(second.text)
  if (again.fits) return unwrapped(again.value)
  throw mismatch(again.complaint)
}

function mismatch(complaint: string): NodeFailure {
  return new NodeFailure(
    "OUTPUT_SCHEMA_MISMATCH",
    `The agent's answer does not fit the form that it has to have: ${complaint}`,
  )
}
