/**
 * The models of a server: which provider a key goes to, what is listed, and what answers where nothing is configured.
 *
 * A key finds its provider in this order: `<name>/<model>` of a configured provider; a bare key by its form (`gpt-…`,
 * `claude-…`, `gemini-…`) where that provider is configured; a key that the settings of an endpoint name; a key that a
 * provider lists itself. Nobody: `not-found`. Without any provider the demo model answers to every key.
 */
import type { Agent, Dispatcher } from "undici"
import {
  type ModelDescription,
  type ModelEvent,
  ModelFailure,
  type ModelRequest,
  type Models,
  type ModelWire,
} from "../../ports/models.ts"
import { anthropicBaseUrl, createSdkProvider, googleBaseUrl } from "./ai-sdk.ts"
import { knownFacts, knownModels, wireOfKey } from "./catalogue.ts"
import { demoDescription, demoKey, streamDemo } from "./demo-model.ts"
import { type ListedModel, ModelList } from "./model-list.ts"
import { createOpenaiChat, openaiBaseUrl } from "./openai-chat.ts"
import type { Provider, ProviderOptions } from "./provider.ts"

/**
 * A provider of the settings; configured where it has a key, or an address that is not the provider's own. Without a key
 * none is sent, as local servers like it.
 */
export type ProviderConfig = { readonly apiKey?: string | null; readonly baseUrl?: string | null }

/** An OpenAI-compatible endpoint. Its models are called `<name>/<model>`, those in `models` also by their bare name. */
export type CompatibleConfig = {
  readonly name: string
  readonly baseUrl: string
  readonly apiKey?: string | null
  readonly models?: readonly string[]
}

/** What the operator configured. */
export type ModelsConfig = {
  readonly openai?: ProviderConfig
  readonly anthropic?: ProviderConfig
  readonly google?: ProviderConfig
  readonly compatible?: readonly CompatibleConfig[]
  readonly defaultModel?: string | null
  /** How long a model may give no token. */
  readonly modelTimeoutMs: number
  /** The guarded connections for addresses that come from a node's credential; without it such addresses are refused. */
  readonly guardedDispatcher?: () => Promise<Dispatcher>
  /** A clock that only goes forward, for the age of lists. */
  readonly nowMs?: () => number
}

type Configured = {
  readonly options: ProviderOptions
  readonly provider: Provider
  readonly list: ModelList
  readonly models: readonly string[]
  /** Whether models of this wire with a well-known name belong to it. */
  readonly isOwn: boolean
}

type Route = { readonly configured: Configured; readonly model: string }

const ownBaseUrls: { readonly [Wire in ModelWire]: string } = {
  openai: openaiBaseUrl,
  anthropic: anthropicBaseUrl,
  google: googleBaseUrl,
}

/** Makes the models of a server. Makes no call and loads no provider package. */
export function createModels(config: ModelsConfig): Models {
  return new ServerModels(config)
}

class ServerModels implements Models {
  readonly #config: ModelsConfig
  readonly #connections = createConnections()
  readonly #configured: readonly Configured[]

  constructor(config: ModelsConfig) {
    this.#config = config
    this.#configured = configuredProviders(config, this.#connections.get)
  }

  stream(request: ModelRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ModelEvent> {
    if (request.endpoint !== undefined) return this.#streamFromEndpoint(request, options)
    if (request.ownKey !== undefined) return this.#streamWithKey(request, request.ownKey, options)
    if (this.#isDemo) return streamDemo(request, options)
    const route = this.#route(request.model)
    return route === null ? this.#streamUnlisted(request, options) : start(route, request, options)
  }

  async list(): Promise<readonly ModelDescription[]> {
    if (this.#isDemo) return [demoDescription]
    const lists = await Promise.all(
      this.#configured.map(async (configured) => descriptionsOf(configured, await configured.list.fresh())),
    )
    return lists.flat()
  }

  find(key: string): ModelDescription | null {
    if (this.#isDemo) return { ...demoDescription, key }
    const route = this.#route(key)
    if (route === null) return null
    const { configured, model } = route
    const listed = configured.list.latest.find((entry) => entry.key === model) ?? { key: model }
    return { ...describe(configured, listed), key }
  }

  providerOf(key: string): string | null {
    return this.#route(key)?.configured.options.name ?? ownWireOf(key)?.wire ?? null
  }

  defaultModel(): string {
    if (typeof this.#config.defaultModel === "string") return this.#config.defaultModel
    const first = this.#configured[0]
    if (first === undefined) return demoKey
    if (first.isOwn) return knownModels[first.options.wire][0].key
    return `${first.options.name}/${first.models[0] ?? first.list.latest[0]?.key ?? "default"}`
  }

  providers(): readonly string[] {
    return this.#isDemo ? ["demo"] : this.#configured.map(({ options }) => options.name)
  }

  close(): Promise<void> {
    return this.#connections.close()
  }

  get #isDemo(): boolean {
    return this.#configured.length === 0
  }

  /** Finds the provider of a key without a call. */
  #route(key: string): Route | null {
    const slash = key.indexOf("/")
    const prefix = slash === -1 ? null : key.slice(0, slash)
    const named = this.#configured.find(({ options }) => options.name === prefix)
    if (named !== undefined && slash < key.length - 1) return { configured: named, model: key.slice(slash + 1) }
    const wire = wireOfKey(key)
    const configured =
      this.#configured.find(({ isOwn, options }) => isOwn && options.wire === wire) ??
      this.#configured.find(({ models }) => models.includes(key)) ??
      this.#configured.find(({ list }) => list.latest.some((entry) => entry.key === key))
    return configured === undefined ? null : { configured, model: key }
  }

  /** A key that nobody is known to offer: the providers' own lists decide. */
  async *#streamUnlisted(request: ModelRequest, options: { readonly signal: AbortSignal }): AsyncGenerator<ModelEvent> {
    options.signal.throwIfAborted()
    await unlessAborted(Promise.all(this.#configured.map(({ list }) => list.fresh())), options.signal)
    const route = this.#route(request.model)
    if (route === null) throw new ModelFailure("not-found", "No configured provider offers this model.")
    yield* start(route, request, options)
  }

  /** A call that the organization's own key pays for: to the provider as it is configured, or at its own address. */
  #streamWithKey(
    request: ModelRequest,
    apiKey: string,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<ModelEvent> {
    const route = this.#route(request.model)
    const own = route === null ? ownWireOf(request.model) : null
    const { modelTimeoutMs: timeoutMs } = this.#config
    if (route !== null) {
      const provider = makeProvider({ ...route.configured.options, apiKey })
      return provider.stream(request, { model: route.model, signal: options.signal })
    }
    if (own === null) return refuse(new ModelFailure("not-found", "No provider offers this model."))
    const { wire, model } = own
    const baseUrl = ownBaseUrls[wire]
    const provider = makeProvider({ name: wire, wire, apiKey, baseUrl, timeoutMs, dispatcher: this.#connections.get })
    return provider.stream(request, { model, signal: options.signal })
  }

  #streamFromEndpoint(request: ModelRequest, options: { readonly signal: AbortSignal }): AsyncIterable<ModelEvent> {
    const { wire, apiKey, headers = [], baseUrl } = request.endpoint as NonNullable<ModelRequest["endpoint"]>
    const dispatcher = baseUrl === undefined ? this.#connections.get : this.#config.guardedDispatcher
    if (dispatcher === undefined) {
      return refuse(new ModelFailure("refused", "Models at other addresses cannot be called here."))
    }
    const provider = makeProvider({
      name: wire,
      wire,
      apiKey,
      headers,
      baseUrl: withoutSlash(baseUrl ?? ownBaseUrls[wire]),
      timeoutMs: this.#config.modelTimeoutMs,
      dispatcher,
    })
    return provider.stream(request, { model: request.model, signal: options.signal })
  }
}

/** The wire whose own provider a key names (`openai/gpt-4o`) or is called like (`gpt-4o`), and the model there. */
function ownWireOf(key: string): { readonly wire: ModelWire; readonly model: string } | null {
  const [prefix = "", ...rest] = key.split("/")
  if (rest.length > 0 && Object.hasOwn(ownBaseUrls, prefix)) return { wire: prefix as ModelWire, model: rest.join("/") }
  const wire = wireOfKey(key)
  return wire === null ? null : { wire, model: key }
}

function refuse(failure: ModelFailure): AsyncIterable<ModelEvent> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }) }
}

/** Waits for the work, or throws the signal's reason as soon as it is aborted. */
async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let leave = () => {}
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason)
    signal.addEventListener("abort", leave, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener("abort", leave)
  }
}

function start({ configured, model }: Route, request: ModelRequest, { signal }: { readonly signal: AbortSignal }) {
  return configured.provider.stream(request, { model, signal })
}

function configuredProviders(config: ModelsConfig, dispatcher: () => Promise<Dispatcher>): readonly Configured[] {
  const { modelTimeoutMs: timeoutMs, nowMs = () => performance.now() } = config
  const own = (["openai", "anthropic", "google"] as const).flatMap((wire) => {
    const { apiKey = null, baseUrl = null } = config[wire] ?? {}
    const isElsewhere = baseUrl !== null && withoutSlash(baseUrl) !== ownBaseUrls[wire]
    return apiKey === null && !isElsewhere ? [] : [{ name: wire, wire, models: [], isOwn: true, apiKey, baseUrl }]
  })
  const others = (config.compatible ?? []).map(({ name, baseUrl, apiKey = null, models = [] }) => {
    return { name, wire: "openai" as const, models, isOwn: false, apiKey, baseUrl }
  })
  return [...own, ...others].map(({ name, wire, models, isOwn, apiKey, baseUrl }) => {
    const address = withoutSlash(baseUrl ?? ownBaseUrls[wire])
    const options: ProviderOptions = { name, wire, apiKey, baseUrl: address, timeoutMs, dispatcher }
    return { options, provider: makeProvider(options), list: new ModelList(options, nowMs), models, isOwn }
  })
}

function makeProvider(options: ProviderOptions): Provider {
  const sdk = createSdkProvider(options)
  if (options.wire !== "openai") return sdk
  const chat = createOpenaiChat(options)
  return { stream: (request, call) => (request.api === "responses" ? sdk : chat).stream(request, call) }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "")
}

/** All models of a provider: the known ones, those of the settings, and those that it lists. */
function descriptionsOf(configured: Configured, listed: readonly ListedModel[]): readonly ModelDescription[] {
  const { options, isOwn, models } = configured
  const known = isOwn ? knownModels[options.wire] : []
  const byKey = new Map<string, ListedModel>()
  for (const { key } of known) byKey.set(key, { key })
  for (const key of models) byKey.set(key, { key })
  for (const entry of listed) byKey.set(entry.key, entry)
  return [...byKey.values()].map((entry) => describe(configured, entry))
}

function describe({ options, isOwn }: Configured, listed: ListedModel): ModelDescription {
  const facts = knownFacts(options.wire, listed.key)
  return {
    key: isOwn ? listed.key : `${options.name}/${listed.key}`,
    name: listed.name ?? (facts?.key === listed.key ? facts.name : listed.key),
    provider: options.name,
    description: `${listed.name ?? listed.key} by ${options.name}`,
    capabilities: facts?.capabilities ?? ["text", "tools"],
    contextWindow: listed.contextWindow ?? facts?.contextWindow ?? null,
    maxOutputTokens: listed.maxOutputTokens ?? facts?.maxOutputTokens ?? null,
    isDeprecated: false,
    createdAtMs: listed.createdAtMs ?? 0,
  }
}

type Connections = { readonly get: () => Promise<Dispatcher>; readonly close: () => Promise<void> }

/** One pool of connections for all configured providers, loaded when it is needed. Silence is timed by the exchange itself. */
function createConnections(): Connections {
  let agent: Promise<Agent> | null = null
  return {
    get: () => {
      agent ??= import("undici").then((undici) => new undici.Agent({ headersTimeout: 0, bodyTimeout: 0 }))
      return agent
    },
    close: async () => {
      await (await agent)?.destroy()
    },
  }
}
