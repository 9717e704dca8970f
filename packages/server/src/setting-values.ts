/** How the text of a setting becomes a value. Each says, in its refusal, what to write instead. */
import { isIP } from "node:net"
import ipaddr from "ipaddr.js"
import { z } from "zod"

type Refuse = (message: string) => never

function parsed<Value>(read: (text: string, refuse: Refuse) => Value) {
  return z.string().transform((text, context): Value => {
    const refuse = (message: string): typeof z.NEVER => {
      context.addIssue({ code: "custom", message })
      return z.NEVER
    }
    return read(text.trim(), refuse as Refuse)
  })
}

/** Any text without line breaks. */
export function text() {
  return parsed((value, refuse) => (/[\r\n\0]/.test(value) ? refuse("must be one line of text") : value))
}

/** A secret that is sent in a header: visible ASCII characters without blanks. */
export function token(lengthMin: number) {
  return parsed((value, refuse) => {
    if (!/^[!-~]+$/.test(value)) return refuse("must be visible ASCII characters without blanks")
    return value.length < lengthMin ? refuse(`must have at least ${lengthMin} characters`) : value
  })
}

/** A whole number within bounds; the upper one is the hard ceiling of the setting. */
export function wholeNumber(bounds: { readonly min: number; readonly max: number }) {
  return parsed((value, refuse) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (number >= bounds.min && number <= bounds.max) return number
    return refuse(`must be a whole number from ${bounds.min} to ${bounds.max}`)
  })
}

/** One of some words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return parsed((value, refuse): Word => {
    return words.find((word) => word === value) ?? refuse(`must be one of ${words.join(", ")}`)
  })
}

/** A postgres:// or postgresql:// address. */
export function postgresUrl() {
  return parsed((value, refuse) => {
    const example = "postgresql://user:password@host:5432/database"
    return /^postgres(ql)?:\/\/./.test(value)
      ? value
      : refuse(`must be the address of a Postgres database, such as ${example}`)
  })
}

/** An http:// or https:// address without query, given back without a slash at the end. */
export function httpUrl() {
  return parsed((value, refuse) => {
    const url = readHttpUrl(value)
    return url ?? refuse("must be an address that begins with http:// or https://, without query and user name")
  })
}

/** Origins of browsers, or `*` alone. */
export function origins() {
  return listOf("an origin such as https://app.example.com, or * alone", (item, all) => {
    if (item === "*") return all.length === 1 ? item : null
    const url = URL.canParse(item) ? new URL(item) : null
    return url !== null && ["http:", "https:"].includes(url.protocol) && url.href === `${url.origin}/`
      ? url.origin
      : null
  })
}

/** IP addresses and CIDR ranges. */
export function addressRanges() {
  return listOf("an IP address or a range such as 10.0.0.0/8", (item) => (isAddressRange(item) ? item : null))
}

/** Targets of outgoing requests: host:port (IPv6 in brackets), an IP address, or a CIDR range. */
export function outboundTargets() {
  return listOf("host:port, or a range such as 10.0.0.0/8", (item) => {
    const [, host = "", port = ""] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})$/i.exec(item) ?? []
    if (host !== "" && Number(port) >= 1 && Number(port) <= 65_535) return item.toLowerCase()
    return isAddressRange(item) ? item : null
  })
}

/** A further endpoint that speaks OpenAI's chat-completions wire. */
export interface OpenaiCompatibleEndpoint {
  /** Lower case; the prefix of its model keys (`name/model`). */
  readonly name: string
  readonly baseUrl: string
  readonly apiKey: string | null
  /** Model names that its own list does not tell; empty: only what it lists. */
  readonly models: readonly string[]
}

const endpointSchema = z.array(
  z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens"),
    base_url: z.string().refine((value) => readHttpUrl(value) !== null, "must be an http:// or https:// address"),
    api_key: z
      .string()
      .regex(/^[!-~]+$/, "must be visible ASCII characters without blanks")
      .optional(),
    models: z.array(z.string().min(1).max(255)).max(1_000).optional(),
  }),
)

/** A JSON array of endpoints `{name, base_url, api_key?, models?}`; names are unique and not those of built-in providers. */
export function openaiCompatibleEndpoints(reservedNames: readonly string[]) {
  const shape = 'must be a JSON array such as [{"name": "local", "base_url": "http://127.0.0.1:11434/v1"}]'
  return parsed((value, refuse): readonly OpenaiCompatibleEndpoint[] => {
    const result = endpointSchema.safeParse(readJson(value))
    if (!result.success) {
      // The value holds keys, so only the place and the rule are told.
      const [issue] = result.error.issues
      return refuse(`${shape}${issue === undefined ? "" : ` (at "${issue.path.join(".")}": ${issue.message})`}`)
    }
    const names = result.data.map((endpoint) => endpoint.name)
    const twice = names.find((name, index) => names.indexOf(name) !== index || reservedNames.includes(name))
    if (twice !== undefined)
      return refuse(`names the endpoint "${twice}" twice, or like a built-in provider; rename it`)
    return result.data.map(({ name, base_url, api_key, models }) => ({
      name,
      baseUrl: readHttpUrl(base_url) ?? base_url,
      apiKey: api_key ?? null,
      models: models ?? [],
    }))
  })
}

function listOf(what: string, read: (item: string, all: readonly string[]) => string | null) {
  return parsed((value, refuse): readonly string[] => {
    const items = value.split(",").map((item) => item.trim())
    const values = items.map((item) => read(item, items))
    const wrong = items.filter((_, index) => values[index] === null)
    if (wrong.length > 0)
      return refuse(`must be a list separated by commas, each ${what}; not so: ${wrong.join(", ") || "nothing"}`)
    return values.filter((item) => item !== null)
  })
}

function readHttpUrl(value: string): string | null {
  const url = URL.canParse(value) ? new URL(value) : null
  if (url === null || !["http:", "https:"].includes(url.protocol)) return null
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") return null
  return url.href.replace(/\/+$/, "")
}

function isAddressRange(item: string): boolean {
  return isIP(item) !== 0 || (/^\S+\/\d+$/.test(item) && ipaddr.isValidCIDR(item))
}

function readJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
