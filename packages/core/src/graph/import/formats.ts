/** The table of formats, and the way from a document as somebody sent it to a definition with its report. */
import type { JsonValue } from "../../json.ts"
import { agentBuilder } from "./agent-builder.ts"
import { dify } from "./dify.ts"
import { readDocument } from "./document.ts"
import { type FidelityReport, makeFidelity } from "./fidelity.ts"
import { flowise } from "./flowise.ts"
import type { Conversion, Importer, ImportFormat } from "./importer.ts"
import { langflow } from "./langflow.ts"
import { n8n } from "./n8n.ts"

/** Every importer. The first that recognises a document reads it: n8n, whose nodes may have any shape, comes last. */
const importers: readonly Importer[] = [agentBuilder, dify, flowise, langflow, n8n]

/** A converted document and the format that it was read as. */
export type Imported = Conversion & { readonly format: ImportFormat }

/**
 * Converts a document: JSON, or a text of JSON or YAML. `format` null: whichever recognises it. Gives a fault, in words
 * that follow "the document", where nothing can be made of it. Never throws.
 */
export function importDocument(
  document: JsonValue,
  format: ImportFormat | null,
): Imported | { readonly fault: string } {
  const read = readDocument(document)
  if ("fault" in read) return read
  const wanted = importers.filter((importer) => format === null || importer.format === format)
  const importer = wanted.find((candidate) => candidate.recognises(read.value))
  if (importer === undefined) return { fault: `is not ${titles(wanted)}` }
  const [only, ...others] = importer.split(read.value)
  if (only === undefined) return { fault: `is ${importer.title} without a workflow` }
  if (others.length > 0) return { fault: `holds ${others.length + 1} workflows; send them one at a time` }
  const conversion = importer.convert(only)
  const report = read.hasRest === true ? withRest(conversion.report) : conversion.report
  return { format: importer.format, ...conversion, report }
}

/** What stood behind the document is told as lost. */
function withRest({ lost, totals, ...report }: FidelityReport): FidelityReport {
  const rest = makeFidelity()
  const why = "it stands behind the end of the document"
  rest.lost({ element: "document", was: "text" }, { why, advice: "Check that the document was copied as a whole." })
  return { ...report, lost: [...lost, ...rest.report().lost], totals: { ...totals, lost: totals.lost + 1 } }
}

function titles(wanted: readonly Importer[]): string {
  return wanted.map(({ title }) => title).join(", nor ")
}
