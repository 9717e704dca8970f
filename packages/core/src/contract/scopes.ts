/**
 * What the scopes of a key allow, and the one table that says which scopes each call needs. The table is derived from the
 * routes' own declarations; the door judges by the same functions, and the documentation shows it.
 */
import type { Route, Scope } from "./route.ts"

/** What each scope is for, in the words of the documentation. */
export const scopeTexts: Readonly<Record<Scope, string>> = {
  "workflows:read": "Read workflows, their versions and reports; validate definitions; dry runs of promotion",
  "workflows:write": "Create, change and delete workflows; with assistants:write, promote and convert",
  "assistants:read": "Read assistants, their history and their promotion report",
  "assistants:write": "Create, change and delete assistants; with workflows:write, promote and convert",
  chat: "Talk: responses, threads, messages, the list of models, answers to chat questions",
  "runs:read": "Read runs, their nodes, events and pauses",
  "runs:write": "Execute workflows, cancel and retry runs, answer any pause",
  "credentials:read": "List credentials; their data is never given back",
  "credentials:write": "Create, change and delete credentials",
  "keys:write": "Read, create, change and delete API keys whose scopes are a part of one's own",
  "*": "Everything",
}

/** True where somebody who holds some scopes holds all the needed ones; `*` holds every other. */
export function holdsScopes(held: readonly Scope[], needed: readonly Scope[]): boolean {
  return held.includes("*") || needed.every((scope) => held.includes(scope))
}

/** One row of the table. `scopes: "public"`: no key is needed; empty: any living key will do. */
export type ScopeRow = {
  readonly method: Route["method"]
  readonly path: string
  readonly scopes: readonly Scope[] | "public"
  /** The scopes that are needed instead where this query field is given. */
  readonly withQuery: { readonly field: string; readonly scopes: readonly Scope[] } | null
}

/** The table of scopes, in the order of the routes. */
export function scopeTable(routes: readonly Route[]): readonly ScopeRow[] {
  return routes.map(({ method, path, scopes, scopesWithQuery }) => ({
    method,
    path,
    scopes,
    withQuery: scopesWithQuery ?? null,
  }))
}
