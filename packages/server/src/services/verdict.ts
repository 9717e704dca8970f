/** What the graph says about a definition, in the form in which versions keep it. Pure. */
import { type ErrorCode, Refusal } from "@brevet/core/errors"
import { judgeVersion, type PromotionVerdict, promote } from "@brevet/core/graph/promote"
import { type Read, readDefinition } from "@brevet/core/graph/read"
import type { JsonObject } from "@brevet/core/json"
import type { Verdict } from "../ports/workflow-table.ts"

/** A definition that was read. */
export type Language = Read

/** Reads a definition; never fails. */
export function readLanguage(definition: JsonObject): Language {
  return readDefinition(definition)
}

/** The verdict that is kept with a version; `linkedPrimary` is the primary node of the workflow's link, null without one. */
export function judgeDefinition(language: Language, linkedPrimary: string | null): Verdict {
  return toVerdict(language, judgeVersion(language, linkedPrimary))
}

/** A verdict on a promotion, and what speaks against it in the graph. */
export type PromotionJudgement = { readonly verdict: Verdict; readonly refusal: Refusal | null }

/** The verdict on a promotion with the node that the caller names, null if none. */
export function judgePromotion(language: Language, primaryNodeId: string | null): PromotionJudgement {
  const verdict = promote(language, primaryNodeId === null ? {} : { primaryNodeId })
  const { error } = verdict.report
  return {
    verdict: toVerdict(language, verdict),
    refusal: error === undefined ? null : new Refusal(error.code as ErrorCode, { details: error.details }),
  }
}

function toVerdict(language: Language, verdict: PromotionVerdict): Verdict {
  const { report } = verdict
  return {
    promotable: report.promotable,
    primaryNode: verdict.primaryNode,
    report,
    hasAssistant: language.graph.nodes.some(({ kind }) => kind === "assistant"),
    findingsCount: report.findings.length,
  }
}
