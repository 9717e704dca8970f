/** Where a request carries its key: `X-API-Key`, `api-key`, or `Authorization: Bearer` (documented), tried in that order. */
import type { IncomingHttpHeaders } from "node:http"

const bearerPattern = /^bearer +([^ ]+) *$/i

/** The texts that may be a key, in the order in which they are tried (documented: the key header first). */
export function readCredentials(headers: IncomingHttpHeaders): readonly string[] {
  const texts: string[] = []
  for (const header of [headers["x-api-key"], headers["api-key"]]) {
    if (typeof header === "string" && header.trim() !== "") texts.push(header.trim())
  }
  const [, bearer] = bearerPattern.exec(headers.authorization ?? "") ?? []
  if (bearer !== undefined) texts.push(bearer)
  return texts
}
