/**
 * The types of credentials: which fields each has, which of them are secret, and how each is attached to a request. Pure;
 * names and fields are those that n8n's documentation and the providers' own name.
 *
 * What is attached is told as data (`RequestAuth`): whoever sends the request puts it on at the last moment, so that the
 * request that expressions and events see never holds it.
 */
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts"
import { type ServiceCredential, serviceCredentials } from "./credential-services.ts"
import { toBase64, utf8Bytes } from "./expression/base64.ts"
import { parseJson } from "./value-types.ts"

/** A field. `secret`: never shown, and masked wherever it comes back. `address`: an http(s) URL. */
export type CredentialField = {
  readonly name: string
  readonly kind: "text" | "address" | "flag" | "json"
  readonly required: boolean
  readonly secret: boolean
}

/** What a credential adds to a request. */
export type RequestAuth = {
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Fields of the query; one of the same name in the address is replaced. */
  readonly query: readonly (readonly [name: string, value: string])[]
  /** Fields of a body that is an object or a form. */
  readonly body: JsonObject
  /** Answers a challenge of the server (RFC 7616). */
  readonly digest: { readonly user: string; readonly password: string } | null
}

/** A type. */
export type CredentialType = {
  readonly name: string
  readonly title: string
  readonly fields: readonly CredentialField[]
  /** The provider of models whose key this is; null: none. */
  readonly provider: string | null
  /** How it is attached. The data has passed the type's own fields. */
  auth(data: JsonObject): RequestAuth
  /** An address that answers 2xx where the credential is good, as the provider documents it; null: there is none. */
  probe(data: JsonObject): string | null
}

const secretText = (name: string): CredentialField => ({ name, kind: "text", required: true, secret: true })
const text = (name: string): CredentialField => ({ name, kind: "text", required: true, secret: false })
const optional = (field: CredentialField): CredentialField => ({ ...field, required: false })
const address = (name: string): CredentialField => ({ name, kind: "address", required: false, secret: false })

const nothing: RequestAuth = { headers: [], query: [], body: {}, digest: null }
const withHeader = (name: string, value: string): RequestAuth => ({ ...nothing, headers: [[name, value]] })
const bearer = (token: string): RequestAuth => withHeader("Authorization", `Bearer ${token}`)

function basicHeader(user: string, password: string): readonly [name: string, value: string] {
  return ["Authorization", `Basic ${toBase64(utf8Bytes(`${user}:${password}`))}`]
}

/** A field as text; empty where it is absent. */
function field(data: JsonObject, name: string): string {
  const value = Object.hasOwn(data, name) ? data[name] : undefined
  return typeof value === "string" ? value : ""
}

/** The fields of name and value of a part of a custom authentication. */
function pairsOf(part: JsonValue | undefined): readonly (readonly [string, string])[] {
  if (!isJsonObject(part)) return []
  return Object.entries(part).flatMap(([name, value]): (readonly [string, string])[] =>
    value === null || typeof value === "object" ? [] : [[name, String(value)]],
  )
}

/** Further headers that some providers' credentials carry: `header: true` with a name and a value. */
const extraHeader: readonly CredentialField[] = [
  { name: "header", kind: "flag", required: false, secret: false },
  optional(text("headerName")),
  optional(secretText("headerValue")),
]

function withExtraHeader(auth: RequestAuth, data: JsonObject): RequestAuth {
  const name = field(data, "headerName")
  if (data.header !== true || name === "") return auth
  return { ...auth, headers: [...auth.headers, [name, field(data, "headerValue")]] }
}

/** A path at the address of a field, or at the provider's own. */
function at(data: JsonObject, options: { field: string; own: string | null; path: string }): string | null {
  const base = field(data, options.field) || options.own
  return base === null ? null : `${base.replace(/\/+$/, "")}${options.path}`
}

type BearerProvider = {
  readonly name: string
  readonly title: string
  readonly provider: string | null
  readonly own: string
  readonly fields?: readonly CredentialField[]
  /** Where the list of models is, below the address. */
  readonly path?: string
}

/** A provider that takes its key as a bearer token, at an address that may be another. */
function bearerProvider({ name, title, provider, own, fields = [], path = "/models" }: BearerProvider): CredentialType {
  return {
    name,
    title,
    provider,
    fields: [secretText("apiKey"), address("url"), ...fields],
    auth: (data) => withExtraHeader(bearer(field(data, "apiKey")), data),
    probe: (data) => at(data, { field: "url", own, path }),
  }
}

const generic: readonly CredentialType[] = [
  {
    name: "httpHeaderAuth",
    title: "Header auth",
    provider: null,
    fields: [text("name"), secretText("value")],
    auth: (data) => withHeader(field(data, "name"), field(data, "value")),
    probe: () => null,
  },
  {
    name: "httpBasicAuth",
    title: "Basic auth",
    provider: null,
    fields: [optional(text("user")), optional(secretText("password"))],
    auth: (data) => {
      const [name, value] = basicHeader(field(data, "user"), field(data, "password"))
      return withHeader(name, value)
    },
    probe: () => null,
  },
  {
    name: "httpBearerAuth",
    title: "Bearer auth",
    provider: null,
    fields: [secretText("token")],
    auth: (data) => bearer(field(data, "token")),
    probe: () => null,
  },
  {
    name: "httpQueryAuth",
    title: "Query auth",
    provider: null,
    fields: [text("name"), secretText("value")],
    auth: (data) => ({ ...nothing, query: [[field(data, "name"), field(data, "value")]] }),
    probe: () => null,
  },
  {
    name: "httpDigestAuth",
    title: "Digest auth",
    provider: null,
    fields: [text("user"), secretText("password")],
    auth: (data) => ({ ...nothing, digest: { user: field(data, "user"), password: field(data, "password") } }),
    probe: () => null,
  },
  {
    // Judges callers of webhooks: nothing is attached to requests of ours.
    name: "jwtAuth",
    title: "JWT auth: a secret, or a public key in PEM (its lines joined by \\n)",
    provider: null,
    fields: [
      optional(text("keyType")),
      optional(secretText("secret")),
      optional(text("publicKey")),
      optional(secretText("privateKey")),
      optional(text("algorithm")),
    ],
    auth: () => nothing,
    probe: () => null,
  },
  {
    name: "httpCustomAuth",
    title: "Custom auth: JSON with headers, qs and body",
    provider: null,
    fields: [{ name: "json", kind: "json", required: true, secret: true }],
    auth: (data) => {
      const parts = typeof data.json === "string" ? parseJson(data.json) : data.json
      if (!isJsonObject(parts)) return nothing
      const body = isJsonObject(parts.body) ? parts.body : {}
      return { ...nothing, headers: pairsOf(parts.headers), query: pairsOf(parts.qs), body }
    },
    probe: () => null,
  },
]

const providers: readonly CredentialType[] = [
  {
    ...bearerProvider({ name: "openAiApi", title: "OpenAI", provider: "openai", own: "https://api.openai.com/v1" }),
    fields: [secretText("apiKey"), address("url"), optional(text("organizationId")), ...extraHeader],
    auth: (data) => {
      const organization = field(data, "organizationId")
      const auth = bearer(field(data, "apiKey"))
      const named: RequestAuth["headers"] = organization === "" ? [] : [["OpenAI-Organization", organization]]
      return withExtraHeader({ ...auth, headers: [...auth.headers, ...named] }, data)
    },
  },
  {
    name: "anthropicApi",
    title: "Anthropic",
    provider: "anthropic",
    fields: [secretText("apiKey"), address("url"), ...extraHeader],
    auth: (data) => withExtraHeader(withHeader("x-api-key", field(data, "apiKey")), data),
    probe: (data) => at(data, { field: "url", own: "https://api.anthropic.com", path: "/v1/models" }),
  },
  {
    name: "googlePalmApi",
    title: "Google Gemini",
    provider: "google",
    fields: [secretText("apiKey"), address("host")],
    auth: (data) => ({ ...nothing, query: [["key", field(data, "apiKey")]] }),
    probe: (data) =>
      at(data, { field: "host", own: "https://generativelanguage.googleapis.com", path: "/v1beta/models" }),
  },
  bearerProvider({
    name: "openRouterApi",
    title: "OpenRouter",
    provider: "openrouter",
    own: "https://openrouter.ai/api/v1",
    path: "/key",
  }),
  bearerProvider({ name: "groqApi", title: "Groq", provider: "groq", own: "https://api.groq.com/openai/v1" }),
  bearerProvider({
    name: "mistralCloudApi",
    title: "Mistral Cloud",
    provider: "mistral",
    own: "https://api.mistral.ai/v1",
  }),
  bearerProvider({ name: "deepSeekApi", title: "DeepSeek", provider: "deepseek", own: "https://api.deepseek.com" }),
  {
    name: "ollamaApi",
    title: "Ollama",
    provider: "ollama",
    fields: [{ ...address("baseUrl"), required: true }, optional(secretText("apiKey"))],
    auth: (data) => (field(data, "apiKey") === "" ? nothing : bearer(field(data, "apiKey"))),
    probe: (data) => at(data, { field: "baseUrl", own: null, path: "/api/tags" }),
  },
  {
    name: "azureOpenAiApi",
    title: "Azure OpenAI",
    provider: "azure",
    fields: [secretText("apiKey"), optional(text("resourceName")), optional(text("apiVersion")), address("endpoint")],
    auth: (data) => withHeader("api-key", field(data, "apiKey")),
    probe: (data) => {
      const resource = field(data, "resourceName")
      const own = resource === "" ? null : `https://${encodeURIComponent(resource)}.openai.azure.com`
      const version = encodeURIComponent(field(data, "apiVersion") || "2024-10-21")
      return at(data, { field: "endpoint", own, path: `/openai/models?api-version=${version}` })
    },
  },
]

/** The type of a service that a row tells of. */
function serviceType(service: ServiceCredential): CredentialType {
  const { name, title, secret, others = [] } = service
  return {
    name,
    title,
    provider: null,
    fields: [secretText(secret), ...others.map((other) => optional(text(other)))],
    auth: (data) => {
      const { header, query, basic, headers = [] } = service
      const value = field(data, secret)
      const own: RequestAuth["headers"] = header === undefined ? [] : [[header[0], `${header[1]}${value}`]]
      const user = basic === undefined ? "" : "user" in basic ? basic.user : field(data, basic.userField)
      const pair: RequestAuth["headers"] = basic === undefined ? [] : [basicHeader(user, value)]
      const inQuery: RequestAuth["query"] = query === undefined ? [] : [[query, value]]
      return { ...nothing, headers: [...own, ...pair, ...headers], query: inQuery }
    },
    probe: () => null,
  }
}

/** Every type, those for any server first. */
export const credentialTypes: readonly CredentialType[] = [
  ...generic,
  ...providers,
  ...serviceCredentials.map(serviceType),
]

const byName: ReadonlyMap<string, CredentialType> = new Map(credentialTypes.map((type) => [type.name, type]))

/** The type of that name; null where there is none. */
export function findCredentialType(name: string): CredentialType | null {
  return byName.get(name) ?? null
}

/** A shorter text is too likely to be a word of its own to be masked wherever it stands. */
const maskedCharsMin = 6

/** The texts of a credential that must not be seen anywhere: the secrets, and the forms in which they are attached. */
export function secretsOf(type: CredentialType, data: JsonObject): readonly string[] {
  const auth = type.auth(data)
  const [closed, open] = [true, false].map((secret) =>
    type.fields.filter((known) => known.secret === secret).map(({ name }) => field(data, name)),
  )
  // The version of a protocol is everybody's.
  const own = auth.headers.filter(([name]) => !/-version$/i.test(name))
  const attached = [...own, ...auth.query].map(([, value]) => value)
  const words = attached.map((value) => value.replace(/^(Basic|Bearer) /i, ""))
  const inBody = Object.values(auth.body).filter((value) => typeof value === "string")
  const all = [...(closed ?? []), ...attached, ...words, ...inBody]
  const masked = all.filter((value) => value.length >= maskedCharsMin && open?.includes(value) !== true)
  return [...new Set(masked)].sort((left, right) => right.length - left.length)
}
