/** Every call of the contract, in the order of the documentation. What is not in this list is not there. */
import {
  attachAssistantWorkflowRoute,
  convertAssistantRoute,
  createAssistantRoute,
  deleteAssistantRoute,
  detachAssistantWorkflowRoute,
  getAssistantHistoryRoute,
  getAssistantRoute,
  getAssistantWorkflowRoute,
  listAssistantsRoute,
  patchAssistantRoute,
  putAssistantRoute,
  updateAssistantWorkflowRoute,
  warmAssistantRoute,
} from "./assistant-routes.ts"
import {
  createCredentialRoute,
  deleteCredentialRoute,
  getCredentialRoute,
  listCredentialsRoute,
  testCredentialRoute,
  updateCredentialRoute,
} from "./credentials.ts"
import { getOpenApiRoute } from "./docs.ts"
import { executeWorkflowRoute } from "./execution.ts"
import { getAuthModeRoute, getHealthDetailsRoute, getHealthRoute } from "./health.ts"
import { importWorkflowRoute } from "./imports.ts"
import {
  createKeyRoute,
  deleteKeyRoute,
  getKeyRoute,
  keyActionRoutes,
  listKeysRoute,
  rotateKeyRoute,
  updateKeyRoute,
} from "./keys.ts"
import { deleteMessageRoute, listMessagesRoute, updateMessageRoute } from "./messages.ts"
import {
  cancelModelResponseRoute,
  createModelResponseRoute,
  getModelResponseRoute,
  streamModelResponseRoute,
} from "./model-response-routes.ts"
import { listModelsRoute, listOutputModesRoute, listReasoningLevelsRoute } from "./models.ts"
import {
  getOrganizationRoute,
  listOrganizationsRoute,
  listProvidersRoute,
  updateOrganizationRoute,
  updateProviderRoute,
  validateProvidersRoute,
} from "./organizations.ts"
import { answerPauseRoute, getPauseRoute, listPausesRoute } from "./pause-routes.ts"
import { getPromotionRoute, promoteWorkflowRoute, validateDefinitionRoute, validateWorkflowRoute } from "./promotion.ts"
import type { Route } from "./route.ts"
import {
  cancelRunRoute,
  getRunNodeRoute,
  getRunRoute,
  listRunEventsRoute,
  listRunNodesRoute,
  listRunsRoute,
} from "./run-routes.ts"
import {
  createThreadRoute,
  deleteThreadRoute,
  deleteThreadsRoute,
  generateThreadNameRoute,
  getThreadRoute,
  listThreadsRoute,
  moveThreadRoute,
  pinThreadRoute,
  unpinThreadRoute,
  updateThreadRoute,
} from "./thread-routes.ts"
import { listenRoute, listTriggersRoute, stopListeningRoute } from "./triggers.ts"
import {
  createWorkflowRoute,
  deleteWorkflowRoute,
  getWorkflowRoute,
  getWorkflowVersionRoute,
  listWorkflowsRoute,
  listWorkflowVersionsRoute,
  updateWorkflowRoute,
} from "./workflows.ts"

/** The routes. */
export const routes: readonly Route[] = [
  // Workflows
  createWorkflowRoute,
  importWorkflowRoute,
  listWorkflowsRoute,
  getWorkflowRoute,
  updateWorkflowRoute,
  deleteWorkflowRoute,
  listWorkflowVersionsRoute,
  getWorkflowVersionRoute,
  listTriggersRoute,
  listenRoute,
  stopListeningRoute,
  // Promotion and validation
  promoteWorkflowRoute,
  validateDefinitionRoute,
  validateWorkflowRoute,
  getPromotionRoute,
  // Execution
  executeWorkflowRoute,
  // Assistants
  createAssistantRoute,
  listAssistantsRoute,
  getAssistantRoute,
  putAssistantRoute,
  patchAssistantRoute,
  deleteAssistantRoute,
  warmAssistantRoute,
  getAssistantHistoryRoute,
  convertAssistantRoute,
  getAssistantWorkflowRoute,
  updateAssistantWorkflowRoute,
  detachAssistantWorkflowRoute,
  attachAssistantWorkflowRoute,
  // Talking
  createModelResponseRoute,
  getModelResponseRoute,
  streamModelResponseRoute,
  cancelModelResponseRoute,
  // Threads
  createThreadRoute,
  listThreadsRoute,
  deleteThreadsRoute,
  getThreadRoute,
  updateThreadRoute,
  deleteThreadRoute,
  pinThreadRoute,
  unpinThreadRoute,
  generateThreadNameRoute,
  moveThreadRoute,
  // Messages
  listMessagesRoute,
  updateMessageRoute,
  deleteMessageRoute,
  // Runs
  listRunsRoute,
  getRunRoute,
  listRunNodesRoute,
  getRunNodeRoute,
  listRunEventsRoute,
  cancelRunRoute,
  // Pauses
  listPausesRoute,
  getPauseRoute,
  answerPauseRoute,
  // Models
  listModelsRoute,
  listOutputModesRoute,
  listReasoningLevelsRoute,
  // Organizations
  listOrganizationsRoute,
  getOrganizationRoute,
  updateOrganizationRoute,
  listProvidersRoute,
  validateProvidersRoute,
  updateProviderRoute,
  // Credentials
  listCredentialsRoute,
  createCredentialRoute,
  getCredentialRoute,
  updateCredentialRoute,
  deleteCredentialRoute,
  testCredentialRoute,
  // API keys
  listKeysRoute,
  createKeyRoute,
  getKeyRoute,
  updateKeyRoute,
  deleteKeyRoute,
  ...Object.values(keyActionRoutes),
  rotateKeyRoute,
  // Health
  getHealthRoute,
  getHealthDetailsRoute,
  getAuthModeRoute,
  // Documentation
  getOpenApiRoute,
]
