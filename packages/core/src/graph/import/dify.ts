/**
 * Dify's DSL: an app as `kind: app`, in YAML or JSON. Workflows and chatflows hold a graph, the other modes one prompt.
 *
 *     app: { name, mode, description }
 *     workflow: { graph: { nodes: [ {id, data: {type, title, …}} ], edges }, features, environment_variables, … }
 *     model_config: { pre_prompt, model, user_input_form, agent_mode, … }
 */
import { isJsonObject, type JsonValue } from "../../json.ts"
import { convertApp } from "./dify-app.ts"
import { convertGraph } from "./dify-graph.ts"
import { asRecord, field, objectAt, textAt } from "./fields.ts"
import type { Importer } from "./importer.ts"

/** The importer. */
export const dify: Importer = {
  format: "dify",
  title: "an app in Dify's DSL",
  recognises,
  split: (document) => [document],
  convert(document) {
    const root = asRecord(document)
    const app = objectAt(root, "app")
    const workflow = objectAt(root, "workflow")
    const converted = isJsonObject(field(workflow, "graph"))
      ? convertGraph(app, workflow)
      : convertApp(app, objectAt(root, "model_config"))
    return { name: textAt(app, "name") || null, description: textAt(app, "description") || null, ...converted }
  },
}

function recognises(document: JsonValue): boolean {
  if (!isJsonObject(document) || textAt(objectAt(document, "app"), "mode") === "") return false
  return isJsonObject(field(objectAt(document, "workflow"), "graph")) || isJsonObject(field(document, "model_config"))
}
