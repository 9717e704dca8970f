/**
 * Every setting, as one table: what it means, its unit, its default, the reasons, and how its text is read. `config.ts`
 * reads an environment by it, and `docs/settings.md` is made from it. The names are fixed: people have them in files.
 */
import type { z } from "zod"
import {
  addressRanges,
  httpUrl,
  oneOf,
  openaiCompatibleEndpoints,
  origins,
  outboundTargets,
  postgresUrl,
  text,
  token,
  wholeNumber,
} from "./setting-values.ts"

/** One row of the table. */
export interface Setting<Value = unknown, Default extends string | null = string | null> {
  /** The heading under which the page shows it. */
  readonly group: "Server" | "Storage" | "Access" | "Models" | "Conversations and runs" | "Bounds" | "Operation"
  readonly unit: string
  /** As it would be written; null where there is none, and the description says what then happens. */
  readonly default: Default
  readonly description: string
  readonly secret?: true
  /** Of numbers; the upper one is a hard ceiling. */
  readonly range?: { readonly min: number; readonly max: number }
  readonly schema: z.ZodType<Value, string>
}

const DAY_SECONDS = 86_400
const MEBIBYTE = 1024 * 1024

/** The providers that have variables of their own, by the names that further endpoints may not take. */
const BUILT_IN_PROVIDERS = ["openai", "anthropic", "google", "demo"] as const

/** Keeps the types of a row, of which Config is made. */
const row = <Value, Default extends string | null>(setting: Setting<Value, Default>) => setting

/** A whole number; the upper bound is the hard ceiling. */
const within = (min: number, max: number) => ({ schema: wholeNumber({ min, max }), range: { min, max } })

/** Every setting, by the name of its variable. */
export const settings = {
  BREVET_HOST: row({
    group: "Server",
    unit: "address",
    default: "127.0.0.1",
    description:
      "The address to listen on. The default is reached from this machine only; 0.0.0.0 opens it to the network.",
    schema: text(),
  }),
  BREVET_PORT: row({
    group: "Server",
    unit: "port",
    default: "8787",
    description: "The port to listen on; 0 takes a free one.",
    ...within(0, 65_535),
  }),
  BREVET_PUBLIC_URL: row({
    group: "Server",
    unit: "URL",
    default: null,
    description:
      "The address under which people reach the server: the only source of the links it hands out, since headers of a request can be forged. Unset: the address it listens on.",
    schema: httpUrl(),
  }),
  BREVET_TRUSTED_PROXIES: row({
    group: "Server",
    unit: "list of IP addresses and ranges",
    default: null,
    description: "Proxies whose X-Forwarded-For is believed when the client's address is told. Unset: none is.",
    schema: addressRanges(),
  }),
  BREVET_CORS_ORIGINS: row({
    group: "Server",
    unit: "list of origins",
    default: null,
    description:
      "Web pages from these origins may call the API from a browser; * allows all, without credentials. Unset: none may.",
    schema: origins(),
  }),
  BREVET_BODY_BYTES_MAX: row({
    group: "Server",
    unit: "bytes",
    default: String(5 * MEBIBYTE),
    description:
      "The largest body of a request (413 REQUEST_TOO_LARGE beyond it). Five mebibytes hold any workflow within the bound of nodes.",
    ...within(1_024, 64 * MEBIBYTE),
  }),
  BREVET_TRIGGER_BODY_BYTES_MAX: row({
    group: "Server",
    unit: "bytes",
    default: String(16 * MEBIBYTE),
    description:
      "The largest body of a request to a webhook or form (413 REQUEST_TOO_LARGE beyond it): more than calls of the API bring, since files come there.",
    ...within(1_024, 256 * MEBIBYTE),
  }),

  BREVET_DATA: row({
    group: "Storage",
    unit: "folder",
    default: "./.brevet",
    description: "Where the built-in Postgres and the files that only this server may read are kept.",
    schema: text(),
  }),
  DATABASE_URL: row({
    group: "Storage",
    unit: "URL",
    default: null,
    secret: true,
    description: "A Postgres of your own, which any number of equal processes may share. Unset: the built-in one.",
    schema: postgresUrl(),
  }),
  BREVET_RETENTION_DAYS: row({
    group: "Storage",
    unit: "days",
    default: null,
    description:
      "Runs that finished longer ago lose their events and outputs; messages and totals stay. Unset: everything is kept.",
    ...within(1, 36_500),
  }),

  BREVET_BOOTSTRAP_API_KEY: row({
    group: "Access",
    unit: "text",
    default: null,
    secret: true,
    description:
      "The key that the first start creates; never printed or logged. Take at least 32 random characters. Unset: a random one is made and shown once.",
    schema: token(1),
  }),
  BREVET_SECRET_KEY: row({
    group: "Access",
    unit: "text",
    default: null,
    secret: true,
    description:
      "Encrypts stored credentials: 32 bytes as base64 or hex, such as `openssl rand -base64 32` makes. Needed where several processes share a store. Unset: one is made at the first start and kept in the data folder.",
    schema: token(32),
  }),
  BREVET_SECRET_KEY_PREVIOUS: row({
    group: "Access",
    unit: "text",
    default: null,
    secret: true,
    description:
      "The key before the present one, to change it: at start, what it encrypted is encrypted anew with BREVET_SECRET_KEY; then this setting can go.",
    schema: token(32),
  }),
  BREVET_RATE_LIMIT_PER_MINUTE: row({
    group: "Access",
    unit: "requests per minute and key",
    default: null,
    description: "Requests that one key may make (429 RATE_LIMIT_EXCEEDED beyond it). Unset: no limit.",
    ...within(1, 1_000_000),
  }),
  BREVET_OUTBOUND_ALLOW: row({
    group: "Access",
    unit: "list of host:port and ranges",
    default: null,
    description:
      "Private addresses that nodes of workflows may call nevertheless. Unset: none, so that a workflow cannot reach into your network.",
    schema: outboundTargets(),
  }),

  OPENAI_API_KEY: row({
    group: "Models",
    unit: "text",
    default: null,
    secret: true,
    description: "Configures OpenAI. Without any provider a demo model answers, labelled as such.",
    schema: token(1),
  }),
  OPENAI_BASE_URL: row({
    group: "Models",
    unit: "URL",
    default: "https://api.openai.com/v1",
    description: "Where the API of OpenAI is, with its version.",
    schema: httpUrl(),
  }),
  ANTHROPIC_API_KEY: row({
    group: "Models",
    unit: "text",
    default: null,
    secret: true,
    description: "Configures Anthropic.",
    schema: token(1),
  }),
  GOOGLE_API_KEY: row({
    group: "Models",
    unit: "text",
    default: null,
    secret: true,
    description: "Configures Google Gemini.",
    schema: token(1),
  }),
  BREVET_OPENAI_COMPATIBLE: row({
    group: "Models",
    unit: "JSON",
    default: null,
    secret: true,
    description:
      "Further endpoints that speak OpenAI's API: an array of `{name, base_url, api_key?, models?}`. Their models are called `name/model`; `models` lists those that the endpoint does not list itself.",
    schema: openaiCompatibleEndpoints(BUILT_IN_PROVIDERS),
  }),
  BREVET_DEFAULT_MODEL: row({
    group: "Models",
    unit: "model key",
    default: null,
    description:
      "The model where neither request, assistant nor node names one. Unset: the first configured provider's.",
    schema: text(),
  }),
  BREVET_MODEL_TIMEOUT_SECONDS: row({
    group: "Models",
    unit: "seconds",
    default: "60",
    description:
      "How long a model may be silent before a call is given up (504 MODEL_TIMEOUT). Counted anew with each token.",
    ...within(1, 3_600),
  }),

  BREVET_WAIT_SECONDS: row({
    group: "Conversations and runs",
    unit: "seconds",
    default: "60",
    description:
      "How long a call that waits for a run waits before it answers 202. Proxies often give up after a minute.",
    ...within(1, 3_600),
  }),
  BREVET_STREAM_WAIT_SECONDS: row({
    group: "Conversations and runs",
    unit: "seconds",
    default: "600",
    description:
      'How long a stream with `include: ["wait"]` stays open at a question to a person. It can be taken up again afterwards.',
    ...within(1, DAY_SECONDS),
  }),
  BREVET_DRAIN_SECONDS: row({
    group: "Conversations and runs",
    unit: "seconds",
    default: "20",
    description:
      "How long a server that is told to end lets turns finish before it hands them over. Below the 30 seconds that most systems wait before they kill.",
    ...within(0, 3_600),
  }),

  BREVET_DEFINITION_NODES_MAX: row({
    group: "Bounds",
    unit: "nodes",
    default: "2000",
    description: "Nodes of one workflow (422 VALIDATION_ERROR beyond it).",
    ...within(1, 10_000),
  }),
  BREVET_RUN_EXECUTIONS_MAX: row({
    group: "Bounds",
    unit: "executions of nodes in one run",
    default: "10000",
    description: "Ends a workflow that would go on for ever.",
    ...within(1, 1_000_000),
  }),
  BREVET_RUN_ITEMS_MAX: row({
    group: "Bounds",
    unit: "items on one output",
    default: "100000",
    description: "Ends a workflow whose data grows without end.",
    ...within(1, 1_000_000),
  }),
  BREVET_RUN_LOOPS_MAX: row({
    group: "Bounds",
    unit: "executions of one node in one run",
    default: "5000",
    description:
      "Ends a loop whose condition never comes. Half of all executions, since a loop has at least two nodes.",
    ...within(1, 1_000_000),
  }),
  BREVET_RUN_STATE_BYTES_MAX: row({
    group: "Bounds",
    unit: "bytes of one run's state",
    default: String(64 * MEBIBYTE),
    description: "What a run may hold in memory and in the database at once.",
    ...within(64 * 1024, 1024 * MEBIBYTE),
  }),
  BREVET_RUN_FILE_BYTES_MAX: row({
    group: "Bounds",
    unit: "bytes of one run's files",
    default: String(256 * MEBIBYTE),
    description:
      "What the files that a run receives, fetches and makes may have together. They are kept in the database.",
    ...within(64 * 1024, 4 * 1024 * MEBIBYTE),
  }),
  BREVET_RUN_DEPTH_MAX: row({
    group: "Bounds",
    unit: "levels",
    default: "10",
    description: "How deeply workflows and assistants may call one another.",
    ...within(1, 100),
  }),
  BREVET_RUN_TOKENS_MAX: row({
    group: "Bounds",
    unit: "tokens in one run",
    default: "10000000",
    description: "Tokens that the models of one run may take and give, so that a loop cannot empty an account.",
    ...within(1, 1_000_000_000),
  }),
  BREVET_RUN_SECONDS_MAX: row({
    group: "Bounds",
    unit: "seconds",
    default: "3600",
    description: "How long a run may work (RUN_TIMEOUT beyond it). Waiting for a person or a time does not count.",
    ...within(1, 7 * DAY_SECONDS),
  }),

  BREVET_METRICS_PORT: row({
    group: "Operation",
    unit: "port",
    default: null,
    description:
      "A port of its own for `/metrics`, without a key. Unset: on the server's port, for a key with the scope *.",
    ...within(0, 65_535),
  }),
  BREVET_METRICS_HOST: row({
    group: "Operation",
    unit: "address",
    default: "127.0.0.1",
    description: "The address of that port.",
    schema: text(),
  }),
  BREVET_LOG_LEVEL: row({
    group: "Operation",
    unit: "word",
    default: "info",
    description: "The least important lines that are written: trace, debug, info, warn, error, fatal or silent.",
    schema: oneOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
  }),
} as const
