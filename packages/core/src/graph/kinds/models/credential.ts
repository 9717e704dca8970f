/** Which credential a node names. */
import { isJsonObject } from "../../../json.ts"
import type { GraphNode } from "../../graph.ts"

/** A credential as a node names it: by its id, by its name, or both. */
export type CredentialReference = { readonly type: string; readonly id: string | null; readonly name: string | null }

/** The credential of that type that a node names; null where it names none. */
export function credentialOf({ credentials }: GraphNode, type: string): CredentialReference | null {
  const named = Object.hasOwn(credentials, type) ? credentials[type] : undefined
  // Old definitions name it by its name alone.
  if (typeof named === "string" && named !== "") return { type, id: null, name: named }
  if (!isJsonObject(named)) return null
  const id = typeof named.id === "string" && named.id !== "" ? named.id : null
  const name = typeof named.name === "string" && named.name !== "" ? named.name : null
  return id === null && name === null ? null : { type, id, name }
}
