/** The index of the error pages: every code with its status, and the calls that can answer it. Made from the contract. */
import { type ErrorCode, errorCatalogue } from "../errors.ts"
import { addressErrors, errorsOf } from "./error-sets.ts"
import type { Route } from "./route.ts"

/** A code that more calls than this can answer is said to belong to all of a kind rather than listing them. */
const callsShownMax = 12

/** The text of `docs/errors/README.md`. The pages beside it are written by hand. */
export function errorIndexPage(routes: readonly Route[]): string {
  const callsByCode = new Map<ErrorCode, Route[]>()
  for (const route of routes) {
    for (const code of errorsOf(route)) callsByCode.set(code, [...(callsByCode.get(code) ?? []), route])
  }
  const rows = (Object.keys(errorCatalogue) as ErrorCode[]).map((code) => {
    const { status, type } = errorCatalogue[code]
    return `| [\`${code}\`](${code}.md) | ${status} | \`${type}\` | ${callsText(code, callsByCode.get(code) ?? [], routes)} |`
  })
  return `${head}\n${rows.join("\n")}\n`
}

const head = `# Errors

Every error has one form, whatever went wrong:

\`\`\`json
{"success": false, "error": {"code": "…", "message": "for a person", "system_message": "for a developer", "type": "…",
 "status": 401, "trace_id": "req_…", "timestamp": "2026-01-31T12:00:00.000Z", "details": {}}}
\`\`\`

Decide on \`code\` (or \`status\`), never on the words: those may change. \`trace_id\` is also the header \`x-request-id\` and
names the request in the server's log. A 5xx, a 429 and \`IDEMPOTENCY_KEY_IN_USE\` invite a repeat: nothing was done, or
repeating is harmless. Why a run failed is told by its [cause code](cause-codes.md).

This page is made from the contract by \`npm run generate\`; the pages that it names are written by hand.

| code | status | type | calls that can answer it |
| --- | --- | --- | --- |`

function callsText(code: ErrorCode, calls: readonly Route[], routes: readonly Route[]): string {
  if ((addressErrors as readonly ErrorCode[]).includes(code)) return "any address that is none of the calls"
  if (calls.length === 0) return "none yet"
  if (calls.length === routes.length) return "every call"
  if (calls.length === routes.filter(({ scopes }) => scopes !== "public").length) return "every call that needs a key"
  if (calls.length > callsShownMax) return `${calls.length} calls, see \`/docs\``
  return calls.map(({ method, path }) => `\`${method} ${path}\``).join("<br>")
}
