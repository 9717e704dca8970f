/**
 * What the scopes of a key allow, and the one table that says which scopes each call needs. The table is the
 * routes' own declarations; the door judges by it, and the documentation shows it.
 */
import type { Route, Scope } from "./route.ts"

/** What each scope is for, in the words of the documentation. */
const scopeTexts: Readonly<Record<Scope, string>> = {
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

/** What a call needs, as a sentence. */
export function scopeSentence({ scopes, scopesWithQuery, anyScope }: Route): string {
  if (scopes === "public") return "Needs no key."
  if (anyScope !== undefined) return `Scopes: ${scopeList(anyScope, " or ")}.`
  const sentence = scopes.length === 0 ? "Any key will do." : `Scopes: ${scopeList(scopes)}.`
  if (scopesWithQuery === undefined) return sentence
  return `${sentence} With \`${scopesWithQuery.field}\`: ${scopeList(scopesWithQuery.scopes)}.`
}

/** The scopes and what each is for, as a table in Markdown. */
export function scopeTextTable(): string {
  const rows = Object.entries(scopeTexts).map(([scope, text]) => `| \`${scope}\` | ${text} |`)
  return ["| scope | what it is for |", "| --- | --- |", ...rows].join("\n")
}

/** The text of `docs/scopes.md`: every call with what it needs, in the order of the routes. */
export function scopesPage(routes: readonly Route[]): string {
  const rows = routes.map((route) => `| \`${route.method} ${route.path}\` | ${scopeCell(route)} |`)
  return `${head}\n\n${scopeTextTable()}\n\n## Calls\n\n| call | needs |\n| --- | --- |\n${rows.join("\n")}\n`
}

const head = `# Scopes

A key may do what its scopes say; a key without any given has \`*\`. Where a call needs several, the key must have all of
them, or \`*\`. A key can create and change only keys whose scopes are a part of its own, and the last living key with \`*\`
cannot be removed, paused or expired ([\`LAST_KEY\`](errors/LAST_KEY.md)). A scope that is missing is
[\`INSUFFICIENT_PERMISSIONS\`](errors/INSUFFICIENT_PERMISSIONS.md).

This page is made from the contract by \`npm run generate\`; the server judges by the same table.`

function scopeCell({ scopes, scopesWithQuery, anyScope }: Route): string {
  if (anyScope !== undefined) return scopeList(anyScope, " or ")
  const needed = scopes === "public" ? "no key" : scopes.length === 0 ? "any key" : scopeList(scopes)
  return scopesWithQuery === undefined
    ? needed
    : `${needed}; with \`${scopesWithQuery.field}\` ${scopeList(scopesWithQuery.scopes)}`
}

function scopeList(scopes: readonly Scope[], between = " and "): string {
  return scopes.map((scope) => `\`${scope}\``).join(between)
}
