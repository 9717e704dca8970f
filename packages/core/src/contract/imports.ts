/** Importing documents of other systems on the wire (ours; the HTTP contract, §8). */
import { z } from "zod"
import type { FidelityEntry, FidelityReport } from "../graph/import/fidelity.ts"
import { type ImportFormat, importFormats } from "../graph/import/importer.ts"
import type { JsonObject, JsonValue } from "../json.ts"
import { route } from "./route.ts"
import { descriptionText, nameText, plainText } from "./text.ts"
import { presentWorkflow, type WorkflowView, workflowAnswer } from "./workflows.ts"

/** A document: JSON of any kind, or a text that holds JSON or YAML. What comes from a request is JSON already. */
const documentField = z.union([z.looseObject({}), z.array(z.unknown()), z.string()]) as unknown as z.ZodType<
  JsonValue,
  JsonValue
>

/** The body. Without a format the document says by its shape what it is. `null` counts as absent. */
export const workflowImportBody = z
  .strictObject({
    document: documentField,
    format: z.enum(importFormats).nullish(),
    name: nameText.nullish(),
    description: descriptionText.nullish(),
    external_id: plainText(255).nullish(),
  })
  .meta({ id: "WorkflowImport" })

const entryAnswer = z.object({
  element: z.string(),
  id: z.string().nullable(),
  was: z.string(),
  became: z.string().nullable(),
  why: z.string().nullable(),
  advice: z.string().nullable(),
})

/** The workflow, and how faithful it is to the document. Lists are cut at 1,000 entries; `totals` counts all. */
export const workflowImportAnswer = z
  .object({
    workflow: workflowAnswer,
    report: z.object({
      format: z.enum(importFormats),
      kept: z.array(entryAnswer),
      changed: z.array(entryAnswer),
      lost: z.array(entryAnswer),
      totals: z.object({ kept: z.number().int(), changed: z.number().int(), lost: z.number().int() }),
    }),
  })
  .meta({ id: "ImportedWorkflow" })

/** An imported workflow in wire form. */
export function presentImport(
  workflow: WorkflowView,
  { format, ...report }: FidelityReport & { readonly format: ImportFormat },
): JsonObject {
  const present = (entries: readonly FidelityEntry[]): JsonValue => entries.map((entry) => ({ ...entry }))
  return {
    workflow: presentWorkflow(workflow) as JsonObject,
    report: {
      format,
      kept: present(report.kept),
      changed: present(report.changed),
      lost: present(report.lost),
      totals: { ...report.totals },
    },
  }
}

/** `POST /v1/workflows/import` (ours). */
export const importWorkflowRoute = route({
  id: "importWorkflow",
  method: "POST",
  path: "/v1/workflows/import",
  summary: "Make a workflow out of a document of another system",
  description:
    "Reads exports of n8n, of the OpenAI Agent Builder, of Dify, Flowise and Langflow. The report says of every " +
    "element what was kept, changed and lost. Where `external_id` belongs to a living workflow of the organization, " +
    "that one is updated.",
  tag: "Workflows",
  scopes: ["workflows:write"],
  params: {},
  query: z.object({}),
  unknownQuery: "refuse",
  body: workflowImportBody,
  answers: { 201: { description: "The workflow and the report", schema: workflowImportAnswer } },
  errors: [],
  idempotency: "transaction",
})
