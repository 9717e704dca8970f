/** The list of models that this server offers. */

import { createHash } from "node:crypto"
import type { ModelView } from "@brevet/core/contract/models"
import type { Context } from "../ports/context.ts"

/** The id of a model (`mdl_` and 32 hex digits, documented form): always the same for the same key. */
export function modelIdOf(key: string): string {
  return `mdl_${createHash("sha256").update(key).digest("hex").slice(0, 32)}`
}

/** The models that can be used. Deprecated ones only where they are asked for. */
export async function listModels(
  cx: Context,
  filter: { readonly includeDeprecated: boolean },
): Promise<readonly ModelView[]> {
  const models = await cx.models.list()
  return models
    .filter((model) => filter.includeDeprecated || !model.isDeprecated)
    .map((model) => ({ ...model, id: modelIdOf(model.key) }))
}
