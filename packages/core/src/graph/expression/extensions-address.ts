/** What the language adds to texts for mail addresses, web addresses and domains (documented). */

import type { Evaluation } from "./evaluation.ts"
import { type MethodTable, methodTable } from "./method-table.ts"
import { type CompiledPattern, compilePattern, findMatch } from "./pattern.ts"

/** A pattern that is compiled when it is first used, and runs in the engine that counts. */
function lazyPattern(source: string): (run: Evaluation, text: string) => readonly (string | undefined)[] | null {
  let compiled: CompiledPattern | null = null
  return (run, text) => {
    compiled ??= compilePattern(source, "iu")
    return findMatch(run, compiled, { text, from: 0 })?.groups ?? null
  }
}

const LABEL = "[\\p{L}\\p{N}](?:[\\p{L}\\p{N}-]*[\\p{L}\\p{N}])?"
const HOST = `${LABEL}(?:\\.${LABEL})*\\.\\p{L}[\\p{L}\\p{N}-]*`
const MAIL = `[\\p{L}\\p{N}.!#$%&'*+/=?^_{|}~-]+@(${HOST})`
/** Scheme, who is let in, host, port; then the path. */
const WEB = "([a-z][a-z0-9+.-]*)://(?:[^\\s/?#@]*@)?(\\[[0-9a-f:.]+\\]|[^\\s/?#:@\\[\\]]+)(?::\\d+)?"

const mailAnywhere = lazyPattern(MAIL)
const mailAlone = lazyPattern(`^${MAIL}$`)
const domainAlone = lazyPattern(`^${HOST}$`)
const webAnywhere = lazyPattern("https?://[^\\s<>\"'`{}|\\\\^]+")
const webAlone = lazyPattern(`^${WEB}(/[^\\s?#]*)?(?:[?#]\\S*)?$`)
const domainAtStart = lazyPattern(`^(?:[^\\s/?#@]*@)?(${HOST})(?::\\d+)?(?:[/?#]|$)`)

/** Signs that end a sentence, not an address. */
const TRAILING = /[.,;:!?)\]]$/

function extractUrl(run: Evaluation, text: string): string | undefined {
  let found = webAnywhere(run, text)?.[0]
  while (found !== undefined && TRAILING.test(found)) found = found.slice(0, -1)
  return found
}

function extractDomain(run: Evaluation, text: string): string | undefined {
  const trimmed = text.trim()
  return webAlone(run, trimmed)?.[2] ?? domainAtStart(run, trimmed)?.[1]
}

function extractUrlPath(run: Evaluation, text: string): string | undefined {
  const groups = webAlone(run, text.trim())
  return groups === null ? undefined : (groups[3] ?? "/")
}

/** Addresses in texts. */
export const ADDRESS_EXTENSIONS: MethodTable<string> = methodTable<string>({
  extractDomain,
  extractEmail: (run, self) => mailAnywhere(run, self)?.[0],
  extractUrl,
  extractUrlPath,
  isDomain: (run, self) => domainAlone(run, self) !== null,
  isEmail: (run, self) => mailAlone(run, self) !== null,
  isUrl: (run, self) => webAlone(run, self) !== null,
})
