/** The models that we know by heart, and to whom a bare key belongs. Data and pure look-ups. */
import type { ModelCapability, ModelDescription, ModelWire } from "../../ports/models.ts"

type Entry = Pick<ModelDescription, "key" | "name" | "capabilities" | "contextWindow" | "maxOutputTokens">

const plain: readonly ModelCapability[] = ["text", "tools", "json", "vision"]
const reasoning: readonly ModelCapability[] = [...plain, "reasoning"]
const entry = (
  key: string,
  name: string,
  facts: { can: readonly ModelCapability[]; window: number; output: number },
): Entry => ({ key, name, capabilities: facts.can, contextWindow: facts.window, maxOutputTokens: facts.output })

/** By wire; the first is the default where that provider is the first configured one. */
export const knownModels: { readonly [Wire in ModelWire]: readonly [Entry, ...Entry[]] } = {
  openai: [
    entry("gpt-4o", "GPT-4o", { can: plain, window: 128_000, output: 16_384 }),
    entry("gpt-4o-mini", "GPT-4o mini", { can: plain, window: 128_000, output: 16_384 }),
    entry("gpt-4.1", "GPT-4.1", { can: plain, window: 1_047_576, output: 32_768 }),
    entry("gpt-4.1-mini", "GPT-4.1 mini", { can: plain, window: 1_047_576, output: 32_768 }),
    entry("gpt-4.1-nano", "GPT-4.1 nano", { can: plain, window: 1_047_576, output: 32_768 }),
    entry("gpt-5", "GPT-5", { can: reasoning, window: 400_000, output: 128_000 }),
    entry("gpt-5-mini", "GPT-5 mini", { can: reasoning, window: 400_000, output: 128_000 }),
    entry("gpt-5-nano", "GPT-5 nano", { can: reasoning, window: 400_000, output: 128_000 }),
    entry("o3", "o3", { can: reasoning, window: 200_000, output: 100_000 }),
    entry("o4-mini", "o4-mini", { can: reasoning, window: 200_000, output: 100_000 }),
  ],
  anthropic: [
    entry("claude-sonnet-4-5", "Claude Sonnet 4.5", { can: reasoning, window: 200_000, output: 64_000 }),
    entry("claude-opus-4-5", "Claude Opus 4.5", { can: reasoning, window: 200_000, output: 64_000 }),
    entry("claude-haiku-4-5", "Claude Haiku 4.5", { can: reasoning, window: 200_000, output: 64_000 }),
  ],
  google: [
    entry("gemini-2.5-flash", "Gemini 2.5 Flash", { can: reasoning, window: 1_048_576, output: 65_536 }),
    entry("gemini-2.5-pro", "Gemini 2.5 Pro", { can: reasoning, window: 1_048_576, output: 65_536 }),
    entry("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", { can: reasoning, window: 1_048_576, output: 65_536 }),
  ],
}

/** The wire whose own provider names its models like this, or null. */
export function wireOfKey(key: string): ModelWire | null {
  if (/^(?:gpt-|chatgpt-|o\d)/.test(key)) return "openai"
  if (key.startsWith("claude-")) return "anthropic"
  return key.startsWith("gemini-") ? "google" : null
}

/** What is known of a model by its name: its own entry, else that of the longest known name that it begins with (dated ones). */
export function knownFacts(wire: ModelWire, model: string): Entry | null {
  const fits = knownModels[wire].filter(({ key }) => model === key || model.startsWith(`${key}-`))
  return fits.sort((left, right) => right.key.length - left.key.length)[0] ?? null
}

/** Models of OpenAI's own list that do not chat. */
export function isChatModel(key: string): boolean {
  return wireOfKey(key) === "openai" && !/audio|realtime|image|transcribe|tts|instruct|search|codex/.test(key)
}
