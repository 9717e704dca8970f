/** Importing: a document of another system becomes a workflow, with a report of what it lost on the way. */
import { descriptionText, nameText } from "@brevet/core/contract/text"
import { invalidFields } from "@brevet/core/errors"
import { cutText } from "@brevet/core/graph/findings"
import type { FidelityReport } from "@brevet/core/graph/import/fidelity"
import type { ImportFormat } from "@brevet/core/graph/import/importer"
import type { JsonValue } from "@brevet/core/json"
import type { Context } from "../ports/context.ts"
import type { WorkflowRecord } from "../ports/workflow-table.ts"
import { createWorkflow } from "./workflows.ts"

/** What is imported. Absent names and descriptions are those of the document. */
export type WorkflowImport = {
  readonly document: JsonValue
  /** Null: whichever format recognises the document. */
  readonly format: ImportFormat | null
  readonly name: string | null
  readonly description: string | null
  readonly externalId: string | null
}

/** A workflow without a name in its document. */
const otherwiseNamed = "Imported workflow"

/** Characters of a name and of a description that are taken over: a little less than those that may be sent. */
const nameCharsMax = 250
const descriptionCharsMax = 9_990

/**
 * Imports a document; as with a creation, the workflow that has the external id is updated. Throws VALIDATION_ERROR where
 * the document is of no format that is read, holds several workflows, or too many nodes.
 */
export async function importWorkflow(
  cx: Context,
  input: WorkflowImport,
): Promise<{
  readonly workflow: WorkflowRecord
  readonly report: FidelityReport & { readonly format: ImportFormat }
}> {
  // Loaded with the first call: what reads other systems' documents is large, and a server starts without it.
  const { importDocument } = await import("@brevet/core/graph/import/formats")
  const imported = importDocument(input.document, input.format)
  if ("fault" in imported) {
    throw invalidFields([{ field: "document", message: `the document ${imported.fault}`, code: "invalid_format" }])
  }
  const { definition, format, report } = imported
  const workflow = await createWorkflow(cx, {
    name: input.name ?? readName(imported.name) ?? otherwiseNamed,
    definition,
    description: input.description ?? readDescription(imported.description),
    externalId: input.externalId,
  })
  return { workflow, report: { format, ...report } }
}

/** The name of a document as a workflow can have it; null where it cannot, or says nothing. */
function readName(text: string | null): string | null {
  const name = nameText.safeParse(cutText(text ?? "", nameCharsMax))
  return name.success ? name.data : null
}

function readDescription(text: string | null): string | null {
  const description = descriptionText.safeParse(cutText(text ?? "", descriptionCharsMax))
  return description.success && description.data !== "" ? description.data : null
}
