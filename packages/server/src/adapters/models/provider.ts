/** What a provider is inside this room. */
import type { Dispatcher } from "undici"
import type { ModelEvent, ModelRequest, ModelWire } from "../../ports/models.ts"

/** Where a provider is and how long it may be silent. */
export type ProviderOptions = {
  /** The name under which it is configured; also the prefix of its keys. */
  readonly name: string
  readonly wire: ModelWire
  readonly apiKey: string | null
  /** Of a node's credential: sent beside the key, secrets too. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Without a slash at the end. */
  readonly baseUrl: string
  readonly timeoutMs: number
  /** The connections to use. Loaded at the first call, since the HTTP client is heavy. */
  readonly dispatcher: () => Promise<Dispatcher>
}

/** The texts that a provider's own words must not repeat. */
export function secretsOf({ apiKey, headers = [] }: ProviderOptions): readonly string[] {
  const values = headers.map(([, value]) => value)
  return apiKey === null ? values : [apiKey, ...values]
}

/** A provider: one wire, one address, one key. */
export interface Provider {
  /** `model` is the provider's own name of the model. The rest is as the port says. */
  stream(
    request: ModelRequest,
    options: { readonly model: string; readonly signal: AbortSignal },
  ): AsyncIterable<ModelEvent>
}
