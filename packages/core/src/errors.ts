/**
 * The error catalogue: every refusal that a client can meet, and the one error class that carries it.
 *
 * Statuses, types and the words marked "documented" are the Freddy API's; the rest is ours (the HTTP contract, §1).
 * `message` is for a person, `systemMessage` for a developer; neither ever holds a secret, a table name or a stack.
 * Each code has a page in `docs/errors/`; a test compares table, pages and protocol tables in both directions.
 */
import type { JsonObject, JsonValue } from "./json.ts"

/** The documented type words of the error envelope. */
export type ErrorType =
  | "authentication_error"
  | "authorization_error"
  | "not_found_error"
  | "client_error"
  | "conflict_error"
  | "validation_error"
  | "run_error"
  | "rate_limit_error"
  | "server_error"

/** One row of the catalogue. `status` is the HTTP status. */
export type ErrorRow = {
  readonly status: number
  readonly type: ErrorType
  readonly message: string
  readonly systemMessage: string
}

/** A status has one type word (documented); 422 has two, see `runFailed`. */
const typeOfStatus = {
  400: "client_error",
  401: "authentication_error",
  403: "authorization_error",
  404: "not_found_error",
  405: "client_error",
  409: "conflict_error",
  410: "client_error",
  413: "validation_error",
  415: "validation_error",
  422: "validation_error",
  429: "rate_limit_error",
  500: "server_error",
  502: "server_error",
  503: "server_error",
  504: "server_error",
} as const satisfies Record<number, ErrorType>

const row = (status: keyof typeof typeOfStatus, message: string, systemMessage: string): ErrorRow => ({
  status,
  type: typeOfStatus[status],
  message,
  systemMessage,
})
const missing = (what: string): ErrorRow =>
  row(404, `${what} not found.`, `${what} does not exist or belongs to another organization`)
const conflict = (message: string, systemMessage: string): ErrorRow => row(409, message, systemMessage)
const invalid = (message: string, systemMessage: string): ErrorRow => row(422, message, systemMessage)
/** A run that was accepted and failed; a 5xx would invite a repetition. */
const runFailed = (message: string, systemMessage: string): ErrorRow => ({
  ...row(422, message, systemMessage),
  type: "run_error",
})

/** Every code that the envelope can carry, with its status, type and default words. */
export const errorCatalogue = {
  AUTHENTICATION_REQUIRED: row(
    401,
    "Authentication required. Please provide a valid API key.",
    "Missing or invalid authorization header",
  ),
  API_KEY_EXPIRED: row(401, "This API key has expired.", "The key's expires_at has passed"),
  API_KEY_PAUSED: row(401, "This API key is paused.", "The key was paused; unpause it"),
  API_KEY_DEACTIVATED: row(401, "This API key is deactivated.", "The key was deactivated; activate it"),

  INSUFFICIENT_PERMISSIONS: row(
    403,
    "You do not have permission to access this resource.",
    "Insufficient permissions for this operation",
  ),
  ORGANIZATION_ACCESS_DENIED: row(
    403,
    "You do not have access to this organization.",
    "The organization_id given is not the organization of the key",
  ),
  ASSISTANT_API_DISABLED: row(
    403,
    "This assistant cannot be used through the API.",
    "The assistant has api_enabled: false",
  ),

  WORKFLOW_NOT_FOUND: missing("Workflow"),
  ASSISTANT_NOT_FOUND: missing("Assistant"),
  THREAD_NOT_FOUND: missing("Thread"),
  MESSAGE_NOT_FOUND: missing("Message"),
  RUN_NOT_FOUND: missing("Run"),
  PAUSE_NOT_FOUND: missing("Pause"),
  API_KEY_NOT_FOUND: missing("API key"),
  RESPONSE_NOT_FOUND: missing("Response"),
  MODEL_NOT_FOUND: row(
    404,
    "Model not found.",
    "No configured provider offers this model key; GET /v1/models lists what is there",
  ),
  CREDENTIAL_NOT_FOUND: missing("Credential"),
  RESOURCE_NOT_FOUND: missing("Resource"),
  ROUTE_NOT_FOUND: row(404, "There is nothing at this address.", "No route matches the path"),

  BAD_REQUEST: row(400, "The request could not be read.", "Malformed HTTP request"),
  METHOD_NOT_ALLOWED: row(
    405,
    "This address does not take that method.",
    "The Allow header lists the methods of this path",
  ),
  RUN_EXPIRED: row(
    410,
    "The details of this run are no longer kept.",
    "Events and outputs were removed after the retention time",
  ),

  WORKFLOW_ALREADY_PROMOTED: conflict(
    "This workflow has already been promoted to an assistant.",
    "details.assistant_id names its living assistant",
  ),
  WORKFLOW_INACTIVE: conflict("This workflow is not active.", "The workflow has is_active: false; PATCH it to true"),
  ASSISTANT_INACTIVE: conflict("This assistant is not active.", "The assistant has is_active: false"),
  ASSISTANT_NAME_CONFLICT: conflict(
    "An assistant with this name already exists.",
    "Names of assistants are unique in an organization, without regard to case and outer blanks",
  ),
  ASSISTANT_HAS_WORKFLOW: conflict(
    "This assistant already has a workflow.",
    "Detach its workflow before another is attached or made",
  ),
  CREDENTIAL_NAME_CONFLICT: conflict(
    "A credential of this type with this name already exists.",
    "Names of credentials are unique among those of a type, without regard to case and outer blanks",
  ),
  EXTERNAL_ID_CONFLICT: conflict(
    "Another workflow already has this external id.",
    "external_id is unique among the living workflows of an organization",
  ),
  THREAD_ASSISTANT_LOCKED: conflict(
    "This conversation belongs to another assistant.",
    "A thread with messages keeps its assistant; begin a new thread",
  ),
  THREAD_BUSY: conflict(
    "This conversation is busy.",
    "A turn is running in the thread and the assistant's concurrency policy takes no other now",
  ),
  THREAD_MOVED_ON: conflict("The conversation has moved on.", "A later turn exists in the thread"),
  PAUSE_ALREADY_ANSWERED: conflict("This question has already been answered.", "The first valid answer won"),
  PAUSE_EXPIRED: conflict("This question has expired.", "The time for an answer has passed"),
  PAUSE_CANCELLED: conflict("This question was cancelled.", "Its run was cancelled or its turn removed"),
  PAUSE_NOT_ANSWERABLE: conflict("This pause takes no answer.", "A timer ends by time alone"),
  RUN_FINISHED: conflict("This run has already finished.", "The call needs a run in another status"),
  WEBHOOK_PATH_CONFLICT: conflict("Another workflow uses this webhook path.", "Production paths are unique"),
  LAST_KEY: conflict(
    "This is the last key with full rights.",
    "The last living key with the scope * cannot be removed, paused or expired",
  ),
  IDEMPOTENCY_KEY_IN_USE: conflict(
    "A request with this idempotency key is still under way.",
    "Repeat the request when the first one has ended",
  ),
  VERSION_CONFLICT: conflict("This object was changed meanwhile.", "If-Match does not name its current ETag"),

  REQUEST_TOO_LARGE: row(413, "The request is too large.", "The body exceeds the size limit"),
  UNSUPPORTED_MEDIA_TYPE: row(415, "This kind of body is not accepted.", "Send the body as application/json"),
  VALIDATION_ERROR: invalid("The request is not valid.", "details.fields lists each field with its fault"),
  UNSUPPORTED_PARAMETER: invalid(
    "This parameter is not supported yet.",
    "details.field is accepted at its default only",
  ),
  FREDDY_LLM_NODE_REQUIRED: invalid(
    "The workflow needs a FreddyLLM node.",
    "No enabled FreddyLLM node (or n8n language-model node) was found in the definition",
  ),
  PRIMARY_NODE_REQUIRED: invalid(
    "The workflow has several FreddyLLM nodes. Please name the primary one.",
    "Give primary_node_id; details.candidates lists the nodes",
  ),
  PRIMARY_NODE_NOT_FOUND: invalid(
    "The primary node was not found in the workflow.",
    "primary_node_id names no node; details.candidates lists the nodes",
  ),
  PRIMARY_NODE_INVALID_TYPE: invalid(
    "The primary node must be an enabled FreddyLLM node.",
    "primary_node_id names a node of another kind, or a disabled one",
  ),
  IDEMPOTENCY_KEY_REUSED: invalid(
    "This idempotency key was used for another request.",
    "The same key came with another body",
  ),
  PAUSE_ANSWER_INVALID: invalid("The answer does not fit the question.", "The answer fails the pause's schema"),
  CONTEXT_TOO_LONG: invalid(
    "The conversation is too long for the model.",
    "The messages exceed the context window and the context strategy drops none",
  ),

  NODE_FAILED: runFailed("A step of the workflow failed.", "details.node and details.cause_code say which"),
  RUN_CANCELLED: runFailed("The run was cancelled.", "The run was cancelled before it ended"),
  MODEL_REFUSED: runFailed("The model refused the request.", "The provider answered 400 or refused"),

  RATE_LIMIT_EXCEEDED: row(429, "Too many requests.", "Retry after the time in Retry-After"),
  BUDGET_EXCEEDED: row(429, "The budget is used up.", "A usage limit of the key was reached"),

  INTERNAL_ERROR: row(500, "Something went wrong on our side.", "See the server's log by trace id"),
  MODEL_ERROR: row(502, "The model provider failed.", "The provider answered with an error"),
  MODEL_UNAVAILABLE: row(503, "The model is not available now.", "The provider is unreachable or refuses for load"),
  SERVICE_UNAVAILABLE: row(
    503,
    "The service is not available now.",
    "The server is starting, draining or without its store; repeat after Retry-After",
  ),
  MODEL_TIMEOUT: row(504, "The model did not answer in time.", "No token came within the time limit"),
} as const satisfies Record<string, ErrorRow>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue

/**
 * Why a run or a node failed (`details.cause_code` of NODE_FAILED, and `error` of a node's execution): codes that never
 * stand alone in an envelope. The words are for a developer.
 */
export const causeCatalogue = {
  RUN_TIMEOUT: "The run took longer than its wall time allows",
  RUN_EXECUTIONS_EXCEEDED: "The run executed more nodes than allowed",
  RUN_ITEMS_EXCEEDED: "A node put out more items than allowed",
  RUN_BYTES_EXCEEDED: "The state of the run grew larger than allowed",
  RUN_FILES_EXCEEDED: "The files of the run are larger together than allowed",
  RUN_LOOPS_EXCEEDED: "A loop ran more often than allowed",
  RUN_TOKENS_EXCEEDED: "The models of the run took and gave more tokens than allowed",
  RUN_DEPTH_EXCEEDED: "Workflows or assistants call each other more deeply than allowed",
  RUN_CANCELLED: "Somebody cancelled the run",
  NODE_KIND_UNKNOWN: "This kind of node is not known here",
  NODE_STOPPED: "A stopAndError node ended the run",
  NODE_SETTINGS_INVALID: "A setting of the node is missing or out of range",
  NODE_OUTCOME_UNKNOWN: "The server stopped in the middle of an effect that may not be repeated",
  NO_START_NODE: "The workflow has no node at which it could start",
  EXPRESSION_ERROR: "An expression failed",
  EXPRESSION_LIMIT: "An expression went past its bounds",
  CODE_ERROR: "The code threw an error",
  CODE_LIMIT: "The code went past its bounds",
  CREDENTIAL_MISSING: "A credential that the node names does not exist, or the node names none",
  CREDENTIAL_UNREADABLE: "A credential was sealed with a secret key that this server does not have",
  FILE_MISSING: "The item has no file in the field that the node names",
  OUTBOUND_REFUSED: "The address is not allowed",
  HTTP_ERROR: "An HTTP request failed",
  SUBWORKFLOW_NOT_FOUND: "The workflow that the node calls does not exist",
  ASSISTANT_NOT_CALLABLE: "The assistant that the node calls does not exist, is not active or failed",
  OUTPUT_SCHEMA_MISMATCH: "The model's answer does not fit the schema, also after a second try",
  WORKFLOW_DELETED: "The workflow was deleted while it ran",
  ASSISTANT_DELETED: "The assistant was deleted while it ran",
  THREAD_DELETED: "The thread was deleted while the run was under way",
  TURN_REMOVED: "The turn was removed by an edit",
  TURN_WITHDRAWN: "The turn was taken back within its first seconds",
  RUN_INTERRUPTED: "A newer message took the place of this turn",
  MODEL_ERROR: "The model provider failed",
  MODEL_UNAVAILABLE: "The model provider is unreachable or refuses for load",
  MODEL_TIMEOUT: "The model did not answer in time",
  MODEL_REFUSED: "The model refused the request",
  MODEL_NOT_FOUND: "No configured provider offers this model",
  CONTEXT_TOO_LONG: "The messages exceed the model's context window",
  INTERNAL_ERROR: "A fault of the server; see its log by trace id",
} as const satisfies Record<string, string>

/** A code that says why a node or run failed. */
export type CauseCode = keyof typeof causeCatalogue

/** What a refusal may carry beside its code. */
export type RefusalOptions = {
  readonly message?: string
  readonly systemMessage?: string
  readonly details?: JsonObject
  /** Seconds for the Retry-After header (429 and 503). */
  readonly retryAfterSeconds?: number
  /** In which request it came about, and when, where that is not the one that is answered: of a run that failed. */
  readonly occasion?: Occasion
  readonly cause?: unknown
}

/** A request (its trace id) and an instant, as the envelope names them. */
export type Occasion = { readonly traceId: string; readonly atMs: number }

/** The one error class: a refusal from the catalogue. Everything else that is thrown is a bug and answered as INTERNAL_ERROR. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly type: ErrorType
  readonly systemMessage: string
  readonly details: JsonObject
  readonly retryAfterSeconds: number | undefined
  readonly occasion: Occasion | undefined

  constructor(code: ErrorCode, options: RefusalOptions = {}) {
    const entry = errorCatalogue[code]
    super(options.message ?? entry.message, { cause: options.cause })
    this.name = "Refusal"
    this.code = code
    this.status = entry.status
    this.type = entry.type
    this.systemMessage = options.systemMessage ?? entry.systemMessage
    this.details = options.details ?? {}
    this.retryAfterSeconds = options.retryAfterSeconds
    this.occasion = options.occasion
  }
}

/** The refusal that was thrown. Throws on whatever else it was: that is a fault of ours. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  throw error
}

/** One fault of a request: `field` is its path in dots, `code` one lower-case word. Documented shape of `details.fields`. */
export type FieldFault = { readonly field: string; readonly message: string; readonly code: string }

/** A VALIDATION_ERROR that names each faulty field. */
export function invalidFields(faults: readonly FieldFault[]): Refusal {
  const first = faults[0]
  const fields: JsonValue[] = faults.map(({ field, message, code }) => ({ field, message, code }))
  return new Refusal("VALIDATION_ERROR", {
    details: { fields },
    ...(first === undefined ? {} : { systemMessage: `${first.field}: ${first.message}` }),
  })
}
