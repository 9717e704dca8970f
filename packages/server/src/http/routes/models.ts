/** The calls that list models and the choices of a turn. */
import {
  listModelsRoute,
  listOutputModesRoute,
  listReasoningLevelsRoute,
  outputModeList,
  presentModels,
  reasoningLevelList,
} from "@brevet/core/contract/models"
import { listModels } from "../../services/models.ts"
import { bind } from "../route.ts"

/** Models, output modes and levels of reasoning. */
export const modelRoutes = [
  bind(listModelsRoute, async (cx, { query }) => {
    const models = await listModels(cx, { includeDeprecated: query.include_deprecated || query.include_legacy })
    return { status: 200, body: presentModels(models, query) }
  }),
  bind(listOutputModesRoute, async () => ({
    status: 200,
    body: { success: true, output_modes: outputModeList },
  })),
  bind(listReasoningLevelsRoute, async () => ({
    status: 200,
    body: { success: true, reasoning_levels: reasoningLevelList },
  })),
]
