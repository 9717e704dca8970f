/** What there is to say about the credentials that a definition names (the workflow language, §7), as the store is now. */
import { findCredentialType } from "@brevet/core/graph/credential-types"
import { makeFindingList, pathTo, quote } from "@brevet/core/graph/findings"
import type { Finding, GraphNode } from "@brevet/core/graph/graph"
import { holdsExpression } from "@brevet/core/graph/kinds/model-parameters"
import { credentialOf } from "@brevet/core/graph/kinds/models/credential"
import type { Context } from "../ports/context.ts"
import type { CredentialRecord } from "../ports/credential-table.ts"
import { findReferenced } from "./credential-access.ts"
import type { Language } from "./verdict.ts"

/** Parameters that say where a node sends its request. */
const addressParameters = ["url", "endpoint", "endpointUrl", "sseEndpoint"] as const

/** Credentials that are looked up for one report (ours): a definition may name thousands. */
const lookUpsMax = 200

/** The findings about credentials of the enabled nodes whose kind is known. */
export async function credentialFindings(cx: Context, { graph }: Language): Promise<readonly Finding[]> {
  const named = graph.nodes
    .filter(({ disabled, kind }) => !disabled && kind !== null)
    .flatMap((node) => Object.keys(node.credentials).map((type) => ({ node, type })))
  const findings = makeFindingList()
  for (const { node, type } of named.slice(0, lookUpsMax)) {
    const reference = credentialOf(node, type)
    if (reference === null) continue
    const record = await findReferenced(cx.store, cx.principal.organizationId, reference)
    const finding = record === null ? missing(cx, node, type) : unbound(node, { type, record })
    if (finding !== null) findings.add(finding)
  }
  return findings.all()
}

function placeOf(node: GraphNode, type: string): Pick<Finding, "node" | "path"> {
  return { node: node.name, path: pathTo(pathTo(node.path, "credentials"), type) }
}

function missing(cx: Context, node: GraphNode, type: string): Finding {
  const place = placeOf(node, type)
  const known = findCredentialType(type)
  if (known === null) {
    const message = `Use httpHeaderAuth or httpCustomAuth for ${quote(node.name)}: credentials of the type ${quote(type)} are not known here.`
    return { severity: "warning", code: "CREDENTIAL_TYPE_UNKNOWN", message, ...place }
  }
  if (known.provider !== null && cx.models.providers().includes(known.provider)) {
    const message = `The server's own key of ${known.title} is used for ${quote(node.name)}, since the credential that it names does not exist here.`
    return { severity: "info", code: "CREDENTIAL_OF_SERVER", message, ...place }
  }
  const message = `Create the credential that ${quote(node.name)} names, of the type ${type}: it does not exist here.`
  return { severity: "warning", code: "CREDENTIAL_MISSING", message, ...place }
}

/** A credential that may go anywhere, in a node whose address is made by an expression. */
function unbound(
  node: GraphNode,
  { type, record }: { readonly type: string; readonly record: CredentialRecord },
): Finding | null {
  if (record.allowedHosts !== null) return null
  const isMade = addressParameters.some((name) => {
    const value = Object.hasOwn(node.parameters, name) ? node.parameters[name] : undefined
    return value !== undefined && holdsExpression(value)
  })
  if (!isMade) return null
  const message = `Give the credential ${quote(record.name)} allowed_hosts: the address of ${quote(node.name)} is an expression, which decides where the credential goes.`
  return { severity: "warning", code: "CREDENTIAL_UNBOUND", message, ...placeOf(node, type) }
}
