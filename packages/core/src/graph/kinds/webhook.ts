/** Where a run begins that an HTTP request starts. Its settings are read in `triggers/webhook-settings.ts`. */
import { pathTo, quote } from "../findings.ts"
import type { Finding, Graph, GraphNode } from "../graph.ts"
import { pathsOf } from "../triggers/addresses.ts"
import { readWebhook } from "../triggers/webhook-settings.ts"
import { onePort } from "./ports.ts"
import { makeTrigger, noAddress } from "./trigger.ts"

/** The kind. */
export const webhook = makeTrigger({
  name: "webhook",
  types: ["n8n-nodes-base.webhook"],
  title: "Webhook",
  help: "An HTTP request to its address begins here, while the workflow is armed. A chat turn can begin here too, with its own item.",
  armed: true,
  outputs(node) {
    const { methods, hasOutputPerMethod } = readWebhook(node)
    return hasOutputPerMethod ? methods.map((name) => ({ name })) : onePort
  },
  check: (node, graph) => [
    ...(pathsOf(node, node.parameters.path).length === 0 ? [noAddress(node)] : []),
    ...checkAnswer(node, graph),
    ...checkCallers(node),
  ],
})

/** Answers by a node need such a node. */
function checkAnswer(node: GraphNode, graph: Graph): readonly Finding[] {
  const { response } = readWebhook(node)
  if (response.when !== "node") return []
  if (graph.nodes.some(({ kind, disabled }) => kind === "respondToWebhook" && !disabled)) return []
  const message = `Add a Respond to Webhook node, or let ${quote(node.name)} answer in another way: nothing would say what is answered.`
  return [{ severity: "warning", code: "RESPOND_NODE_MISSING", message, ...placeOf(node, "responseMode") }]
}

/** Who is not let in by anything is nobody. */
function checkCallers(node: GraphNode): readonly Finding[] {
  const { authentication } = readWebhook(node)
  if (authentication.way === "none" || ("credential" in authentication && authentication.credential !== null)) return []
  const message =
    authentication.way === "unknown"
      ? `Choose how callers of ${quote(node.name)} are known: none, basicAuth, headerAuth or jwtAuth. Until then nobody is let in.`
      : `Choose the credential by which callers of ${quote(node.name)} are known: until then nobody is let in.`
  return [{ severity: "warning", code: "TRIGGER_CREDENTIAL_MISSING", message, ...placeOf(node, "authentication") }]
}

function placeOf(node: GraphNode, parameter: string): Pick<Finding, "node" | "path"> & { node: string; path: string } {
  return { node: node.name, path: pathTo(pathTo(node.path, "parameters"), parameter) }
}
