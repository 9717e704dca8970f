/**
 * What a route declares. One value of this type per call makes the binding in the server, the OpenAPI document, the
 * table of scopes and the checks of answers in tests.
 */
import type { z } from "zod"
import type { ErrorCode } from "../errors.ts"
import type { Id, IdNoun } from "../ids.ts"

/** The scopes of a key; `*` holds all others. */
export const scopes = [
  "workflows:read",
  "workflows:write",
  "assistants:read",
  "assistants:write",
  "chat",
  "runs:read",
  "runs:write",
  "credentials:read",
  "credentials:write",
  "keys:write",
  "*",
] as const

/** A scope of a key. */
export type Scope = (typeof scopes)[number]

/** A placeholder of the path: an id of a noun (a malformed one is 404 with `missing`), or free text. */
export type PathParameter = { readonly noun: IdNoun; readonly missing: ErrorCode } | "text"

/**
 * How an `Idempotency-Key` is honoured: in the call's own transaction; by the run that the call starts; after the call, for
 * calls that may be repeated without harm and cannot wait inside a transaction; or not at all (whatever is no POST).
 */
export type Idempotency = "transaction" | "run" | "after" | "none"

/** A declared answer. `schema: null` is an empty body; `stream` an event stream. */
export type AnswerSchema = {
  readonly description: string
  readonly schema: z.ZodType | null
  readonly stream?: boolean
}

/** The declaration of one call. `path` is in OpenAPI form: `/v1/workflows/{workflow_id}`. */
export type Route<
  Params extends Readonly<Record<string, PathParameter>> = Readonly<Record<string, PathParameter>>,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
> = {
  readonly id: string
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: `/${string}`
  readonly summary: string
  readonly description?: string
  readonly tag: string
  /** Every scope that a key needs; "public" for calls without a key; empty: any valid key. */
  readonly scopes: readonly Scope[] | "public"
  /** Scopes of which one is enough, beside `scopes`; what it allows is for the call to say. */
  readonly anyScope?: readonly Scope[]
  /** The scopes that are needed instead where a query field is given (a dry run only reads). */
  readonly scopesWithQuery?: { readonly field: string; readonly scopes: readonly Scope[] }
  readonly params: Params
  readonly query: Query
  /** Documented calls ignore unknown query fields, our own refuse them. */
  readonly unknownQuery: "ignore" | "refuse"
  /** Null: the call takes no body (one that comes is ignored). Where all fields are optional, no body is `{}`. */
  readonly body: Body | null
  readonly answers: Readonly<Record<number, AnswerSchema>>
  /** Codes beyond those of every route (401, 403, 422, 429, 500, 503). */
  readonly errors: readonly ErrorCode[]
  readonly idempotency: Idempotency
  /** The answer shows a secret once: it is not kept for idempotent replays. */
  readonly secret?: boolean
}

/** Declares a route; keeps the exact types of its inputs. */
export function route<
  const Params extends Readonly<Record<string, PathParameter>>,
  Query extends z.ZodObject,
  Body extends z.ZodType,
>(declaration: Route<Params, Query, Body>): Route<Params, Query, Body> {
  return declaration
}

/** The parsed inputs of a call. Path parameters are well-formed ids or decoded text. */
export type RouteInput<R> =
  R extends Route<infer Params, infer Query, infer Body>
    ? {
        readonly params: {
          readonly [Name in keyof Params]: Params[Name] extends { readonly noun: infer Noun extends IdNoun }
            ? Id<Noun>
            : string
        }
        readonly query: z.output<Query>
        readonly body: z.output<Body>
      }
    : never
