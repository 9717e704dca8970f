/** Which codes a call can answer: those that any call can, by what it takes, and those that it declares. */
import type { ErrorCode } from "../errors.ts"
import type { PathParameter, Route } from "./route.ts"

/** Codes of every call. */
const everyCall = ["BAD_REQUEST", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"] as const satisfies readonly ErrorCode[]

/** Codes of every call that needs a key. A given organization_id must be the key's, wherever it is given. */
const keyCalls = [
  "AUTHENTICATION_REQUIRED",
  "API_KEY_EXPIRED",
  "API_KEY_PAUSED",
  "API_KEY_DEACTIVATED",
  "INSUFFICIENT_PERMISSIONS",
  "ORGANIZATION_ACCESS_DENIED",
  "RATE_LIMIT_EXCEEDED",
] as const satisfies readonly ErrorCode[]

/** Codes that belong to no call of the contract: nothing, or not that method, is at the address. */
export const addressErrors = ["ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"] as const satisfies readonly ErrorCode[]

/** Every code that a call can answer, each once, in no particular order. */
export function errorsOf(route: Route): ReadonlySet<ErrorCode> {
  const codes = new Set<ErrorCode>([...everyCall, ...route.errors])
  const add = (...more: readonly ErrorCode[]): void => {
    for (const code of more) codes.add(code)
  }
  if (route.scopes !== "public") add(...keyCalls)
  // Whatever is no GET may bring a body, which is read before anybody can say that it is not wanted, and has a header of
  // its own (If-Match, Idempotency-Key) that may be unreadable.
  if (route.method !== "GET") add("REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_ERROR")
  if (Object.keys(route.query.shape).length > 0 || route.unknownQuery === "refuse") add("VALIDATION_ERROR")
  for (const parameter of Object.values(route.params)) add(missingOf(parameter))
  if (takesIfMatch(route)) add("VERSION_CONFLICT")
  if (route.idempotency !== "none") add("IDEMPOTENCY_KEY_IN_USE", "IDEMPOTENCY_KEY_REUSED")
  return codes
}

/** True for calls that judge `If-Match`: those that change or remove something by its address. */
export function takesIfMatch({ method }: Route): boolean {
  return method === "PATCH" || method === "PUT" || method === "DELETE"
}

/** The code that says that what a placeholder of the path names is not there. */
export function missingOf(parameter: PathParameter): ErrorCode {
  return parameter === "text" ? "RESOURCE_NOT_FOUND" : parameter.missing
}
