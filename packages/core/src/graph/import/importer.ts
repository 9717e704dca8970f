/**
 * What an importer is: it knows one format of another system and turns a document of it into a definition. One file per
 * format and one row in the table of formats; nothing else knows them.
 *
 * Pure and total: an importer gives a definition for any JSON whatever, takes time in proportion to it, and never alters
 * what it is given. What makes no sense in the document is left out and told.
 */
import type { JsonObject, JsonValue } from "../../json.ts"
import type { FidelityReport } from "./fidelity.ts"

/** The formats that are read, in the order of the documentation. */
export const importFormats = ["n8n", "openai-agent-builder", "dify", "flowise", "langflow"] as const

/** The name of a format. */
export type ImportFormat = (typeof importFormats)[number]

/** A workflow out of a document. */
export type Conversion = {
  /** What the document calls it; null where it does not say. */
  readonly name: string | null
  readonly description: string | null
  readonly definition: JsonObject
  readonly report: FidelityReport
}

/** Knows one format. */
export type Importer = {
  readonly format: ImportFormat
  /** What the format is, for whoever has a document in hand: one phrase. */
  readonly title: string
  /** Whether a document is of this format, by its shape. A document that holds several workflows is one too. */
  recognises(document: JsonValue): boolean
  /** The workflows of a document, each on its own: most hold one. */
  split(document: JsonValue): readonly JsonValue[]
  /** One workflow of a document. */
  convert(document: JsonValue): Conversion
}
