/**
 * The start of a graph of Dify: a chat trigger, and where it has variables a Set node under the start's name, so that each
 * variable is a field whatever way it comes in: with the chat message (`metadata`), or with an execution.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import type { DifyScope } from "./dify-references.ts"
import { recordOf } from "./draft.ts"
import { pathCode, quoteCode } from "./expression-text.ts"
import { field, objectAt, objectsAt, textAt, textsAt } from "./fields.ts"
import type { Step } from "./flow.ts"
import { chatTriggerNode, setNode, type WrittenField } from "./made-nodes.ts"
import { addStep, type Doors, elementOf, type Making, noDoors, oneDoor } from "./making.ts"

/** Converts the start. `fields` belong beside the nodes of the definition. */
export function convertStart(
  scope: DifyScope,
  { start, mode }: { readonly start: Step | undefined; readonly mode: string },
): { readonly doors: Doors; readonly fields: JsonObject } {
  const { making, trigger } = scope
  if (start === undefined) return { doors: noDoors, fields: {} }
  const variables = objectsAt(start.data, "variables").filter((entry) => textAt(entry, "variable") !== "")
  const [x, y] = start.position
  if (objectsAt(start.data, "variables").length === 0) {
    const name = addStep(making, start, chatTriggerNode())
    making.fidelity.kept(elementOf(start), "@n8n/n8n-nodes-langchain.chatTrigger")
    return { doors: oneDoor(name), fields: {} }
  }
  making.draft.add({ name: trigger, position: [x - 200, y], ...chatTriggerNode() })
  // A workflow without a chat has no message: the first text that it asks for is what somebody says to it.
  const message = mode === "workflow" ? variables.find(isText) : undefined
  const fields = variables.map((entry): WrittenField => inputField(entry, message))
  const name = addStep(making, start, setNode(fields, { keeps: true }))
  making.draft.connect({ from: trigger, to: name })
  tellInputs(making, start, message)
  return { doors: oneDoor(name), fields: { meta: { inputs: { per_turn: inputSchema(variables) } } } }
}

const isText = (entry: JsonObject): boolean => ["text-input", "paragraph"].includes(textAt(entry, "type"))

function inputField(entry: JsonObject, message: JsonObject | undefined): WrittenField {
  const name = textAt(entry, "variable")
  const fallback = field(entry, "default")
  const sources = [
    `$json.metadata${pathCode([name])}`,
    `$json${pathCode([name])}`,
    ...(entry === message ? ["$json.chatInput"] : []),
    ...(fallback === undefined || fallback === null || fallback === "" ? [] : [quoteCode(fallback)]),
  ]
  return [name, { code: `(${sources.join(" ?? ")} ?? null)` }]
}

function tellInputs({ fidelity }: Making, start: Step, message: JsonObject | undefined): void {
  const element = elementOf(start)
  const advice = "Send the inputs as metadata of the chat message, or as inputs of an execution."
  if (message === undefined) {
    const why = "inputs beside the chat message come as its metadata"
    fidelity.changed(element, "chatTrigger and n8n-nodes-base.set", { why, advice })
    return
  }
  const why = `a chat message is taken for the input '${textAt(message, "variable")}' where that is not given`
  fidelity.changed(element, "chatTrigger and n8n-nodes-base.set", { why, advice })
}

const inputTypes: ReadonlyMap<string, string> = new Map([
  ["number", "number"],
  ["checkbox", "boolean"],
  ["file", "object"],
  ["file-list", "array"],
])

function inputSchema(variables: readonly JsonObject[]): JsonObject {
  const properties = variables.map((entry): readonly [string, JsonValue] => {
    const options = textsAt(entry, "options")
    const title = textAt(entry, "label")
    return [
      textAt(entry, "variable"),
      {
        type: inputTypes.get(textAt(entry, "type")) ?? "string",
        ...(title === "" ? {} : { title }),
        ...(options.length === 0 ? {} : { enum: options }),
      },
    ]
  })
  const required = variables.filter((entry) => entry.required === true).map((entry) => textAt(entry, "variable"))
  return { type: "object", properties: recordOf(properties), required }
}

/** Features of an app around its flow: what of them is switched on and is not here. */
const features: ReadonlyMap<string, string> = new Map([
  ["suggested_questions_after_answer", "questions to go on with are not suggested"],
  ["speech_to_text", "speech is not understood"],
  ["text_to_speech", "answers are not spoken"],
  ["retriever_resource", "sources are not listed beside answers"],
  ["annotation_reply", "answers that were written beforehand are not looked up"],
  ["more_like_this", "further answers of the same kind are not offered"],
  ["sensitive_word_avoidance", "messages and answers are not moderated"],
  ["file_upload", "files are not handed to the flow"],
])

/** Tells the features that are lost. */
export function tellFeatures({ fidelity }: Pick<Making, "fidelity">, settings: JsonObject): void {
  for (const [name, why] of features) {
    if (objectAt(settings, name).enabled !== true) continue
    const advice = "Do without it, or build it around the assistant."
    fidelity.lost({ element: `features.${name}`, was: "switched on" }, { why, advice })
  }
  const opening = textAt(settings, "opening_statement")
  if (opening === "") return
  const why = "an assistant does not speak first"
  const advice = "Show the greeting in the page that holds the chat."
  fidelity.lost({ element: "features.opening_statement", was: opening }, { why, advice })
}
