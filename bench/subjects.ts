/**
 * What is measured, as the load sees it: how to ask for the same thing on each side, and how to check that it was done.
 *
 * Every answer has to be 200 or 201; of some the text is read; and after each load the rows that the server says it has
 * have to be as many as it has answered. Whatever does not fit is thrown as WrongAnswer.
 */
import { readFile } from "node:fs/promises"
import { type LoadAnswer, type LoadRequest, openConnections, send } from "./load.ts"
import { benchKey, promptAnswer, type Server } from "./servers.ts"

/** A server answered something wrong, or lost something: the benchmark fails. */
export class WrongAnswer extends Error {}

/** A turn that is asked for. `paced`: by the steady model. */
export type TurnOptions = { readonly stream?: boolean; readonly threadId?: string | null; readonly paced?: boolean }

/** One side of the comparison. */
export type Subject = {
  readonly name: "Brevet" | "the floor" | "the model"
  readonly address: string
  turn(text: string, options?: TurnOptions): LoadRequest
  /** A run of five nodes; of the floor: one commit. */
  run(text: string): LoadRequest
  /** The same behind a webhook; of the floor: one commit. */
  webhook(text: string): LoadRequest
  /** Stores a definition under a new name. */
  createWorkflow(name: string): LoadRequest
  /** How many turns and runs are stored as completed; null: nothing is. */
  countStored(): Promise<number | null>
}

const json = { "content-type": "application/json" }
/** Headers of a request that Brevet answers. */
export const keyedHeaders: Record<string, string> = { ...json, "x-api-key": benchKey }
const keyed = keyedHeaders

/** The floor as a subject. */
export function floorSubject({ address }: Server): Subject {
  const post = (path: string, body: object): LoadRequest => ({
    method: "POST",
    path,
    headers: json,
    body: JSON.stringify(body),
  })
  return {
    name: "the floor",
    address,
    turn: (text, { stream = false, paced = false } = {}) =>
      post("/turn", { inputs: [{ role: "user", content: text }], stream, paced }),
    run: (text) => post("/run", { inputs: { text } }),
    webhook: (text) => post("/run", { inputs: { text } }),
    createWorkflow: (name) => post("/workflow", { name, definition: chainDefinition }),
    async countStored() {
      const { count } = await getJson<{ count: number }>(address, "/count", json)
      return count
    },
  }
}

/** The scripted model asked directly: what no server in front of it can be faster than. It stores nothing. */
export function modelSubject(baseUrl: string): Subject {
  const { origin, pathname } = new URL(baseUrl)
  const no = (): never => {
    throw new Error("a model has turns alone")
  }
  return {
    name: "the model",
    address: origin,
    turn: (text) => {
      const body = { model: "gpt-4o", stream: true, messages: [{ role: "user", content: text }] }
      return { method: "POST", path: `${pathname}/chat/completions`, headers: json, body: JSON.stringify(body) }
    },
    run: no,
    webhook: no,
    createWorkflow: no,
    countStored: async () => null,
  }
}

/** Makes what the measures need in a Brevet that has just been started, and gives it as a subject. */
export async function brevetSubject({ address }: Server): Promise<Subject> {
  const create = async (name: string, definition: object): Promise<string> => {
    const { id } = await postJson<{ id: string }>(address, "/v1/workflows", { name, definition })
    return id
  }
  const promote = async (name: string, model: string): Promise<string> => {
    const workflowId = await create(name, talkDefinition(model))
    const path = `/v1/workflows/${workflowId}/promote-to-assistant`
    return (await postJson<{ assistant_id: string }>(address, path, {})).assistant_id
  }
  const prompt = await promote("Prompt", "gpt-4o")
  const steady = await promote("Steady", "paced/paced-1")
  const chain = await create("Chain", chainDefinition)
  await create("Hooked chain", hookedDefinition)
  const post = (path: string, body: object): LoadRequest => ({
    method: "POST",
    path,
    headers: keyed,
    body: JSON.stringify(body),
  })
  return {
    name: "Brevet",
    address,
    turn: (text, { stream = false, threadId = null, paced = false } = {}) =>
      post("/v1/model/response", {
        assistant_id: paced ? steady : prompt,
        ...(threadId === null ? {} : { thread_id: threadId }),
        inputs: [{ role: "user", content: text }],
        stream,
      }),
    run: (text) => post(`/v1/workflows/${chain}/execute`, { inputs: { text } }),
    webhook: (text) => ({ method: "POST", path: "/webhook/chain", headers: json, body: JSON.stringify({ text }) }),
    createWorkflow: (name) => post("/v1/workflows", { name, definition: chainDefinition }),
    async countStored() {
      const { total } = await getJson<{ total: number }>(address, "/v1/runs?status=completed&limit=1", keyed)
      return total
    },
  }
}

/** Throws WrongAnswer where an answer is not 200 or 201. */
export function requireGood({ name }: Subject, { status, body }: LoadAnswer): void {
  if (status !== 200 && status !== 201) throw new WrongAnswer(`${name} answered ${status}: ${body.slice(0, 500)}`)
}

/** Throws WrongAnswer where a turn as JSON does not say what the model said. Gives its thread; of the floor null. */
export function requireTurn(subject: Subject, answer: LoadAnswer): string | null {
  requireGood(subject, answer)
  if (subject.name === "the model") return null
  const body = JSON.parse(answer.body) as { response?: { text?: string }[]; thread_id?: string }
  if (body.response?.[0]?.text !== promptAnswer)
    throw new WrongAnswer(`${subject.name} answered a turn with ${answer.body}`)
  return body.thread_id ?? null
}

/** Throws WrongAnswer where a run did not end with the output of the last node of the chain. */
export function requireRun(subject: Subject, answer: LoadAnswer): void {
  requireGood(subject, answer)
  if (subject.name !== "Brevet") return
  const body = JSON.parse(answer.body) as {
    status?: string
    output?: { text?: string; doubled?: number; ends?: string }[]
  }
  const [item] = body.output ?? []
  const isRight = body.status === "completed" && item?.doubled === 42 && item.ends === `${item.text} 42`
  if (!isRight) throw new WrongAnswer(`${subject.name} answered a run with ${answer.body}`)
}

/** Counts before and after: throws WrongAnswer where fewer or more were stored than were answered. */
export async function requireStored(
  subject: Subject,
  { before, answered }: { readonly before: number | null; readonly answered: number },
): Promise<void> {
  const after = await subject.countStored()
  if (before === null || after === null || after - before === answered) return
  throw new WrongAnswer(`${subject.name} answered ${answered} and has stored ${after - before}`)
}

/** An answer to GET, parsed. */
export async function getJson<Body>(
  address: string,
  path: string,
  headers: Record<string, string> = keyed,
): Promise<Body> {
  return callJson(address, { method: "GET", path, headers, body: null })
}

/** An answer to POST, parsed. */
async function postJson<Body>(address: string, path: string, body: object): Promise<Body> {
  return callJson(address, { method: "POST", path, headers: keyed, body: JSON.stringify(body) })
}

async function callJson<Body>(address: string, request: LoadRequest): Promise<Body> {
  const pool = openConnections(address, 1)
  try {
    const { status, body } = await send(pool, request)
    if (status >= 300) throw new WrongAnswer(`${request.path} answered ${status}: ${body}`)
    return JSON.parse(body) as Body
  } finally {
    await pool.destroy()
  }
}

/** One FreddyLLM node. */
function talkDefinition(model: string): object {
  return { nodes: [{ id: "llm", name: "Answer", type: "FreddyLLM", parameters: { model } }] }
}

/** Throws WrongAnswer where a webhook did not answer with what the last node of the chain gives. */
export function requireWebhook(subject: Subject, answer: LoadAnswer): void {
  requireGood(subject, answer)
  if (subject.name !== "Brevet") return
  const item = JSON.parse(answer.body) as { body?: { text?: string }; doubled?: number; ends?: string }
  const isRight = item.doubled === 42 && item.ends === `${item.body?.text} 42`
  if (!isRight) throw new WrongAnswer(`${subject.name} answered a webhook with ${answer.body}`)
}

/** The chain that runs are measured with: manualTrigger, set, set, if, set, set. */
export const chainDefinition: object = JSON.parse(await readFile(new URL("chain.json", import.meta.url), "utf8"))

/** The same chain behind a webhook that answers with the last node's item. */
const hookedDefinition: object = {
  active: true,
  ...JSON.parse(
    (await readFile(new URL("chain.json", import.meta.url), "utf8"))
      .replace("n8n-nodes-base.manualTrigger", "n8n-nodes-base.webhook")
      .replace(
        '"parameters": {}',
        '"parameters": { "httpMethod": "POST", "path": "chain", "responseMode": "lastNode" }',
      )
      .replace("$json.text", "$json.body.text"),
  ),
}
