/** Reads the settings once, from an environment that whoever starts the server hands in, and says all faults at once. */
import { type Setting, settings } from "./settings-table.ts"
import { StartProblem } from "./start-problem.ts"

/** Faulty settings end the process with this number (EX_CONFIG of sysexits). */
const FAULTY_SETTINGS_EXIT_CODE = 78

type Settings = typeof settings
type SettingName = keyof Settings
type Values = {
  readonly [Name in SettingName]: Settings[Name] extends Setting<infer Value>
    ? Value | (Settings[Name]["default"] extends string ? never : null)
    : never
}

/** The settings as the server uses them. Null means that nothing was set and there is no default. */
export type Config = ReturnType<typeof toConfig>

/**
 * Reads the settings from an environment. A variable that is set to nothing counts as not set.
 *
 * @throws StartProblem that tells all faults at once: values that do not fit, unknown variables that begin with BREVET_.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults = unknownVariables(environment).map((name) => `${name} is not a setting of Brevet.${suggestion(name)}`)
  const values: { [name: string]: unknown; BREVET_SECRET_KEY?: unknown; BREVET_SECRET_KEY_PREVIOUS?: unknown } = {}
  for (const [name, setting] of Object.entries(settings) as [string, Setting][]) {
    const written = environment[name]?.trim() || setting.default
    const result = written === null ? null : setting.schema.safeParse(written)
    values[name] = result?.success ? result.data : null
    if (result?.success === false)
      faults.push(`${name} ${result.error.issues.map(({ message }) => message).join(", and ")}.`)
  }
  if (values.BREVET_SECRET_KEY_PREVIOUS !== null && values.BREVET_SECRET_KEY === null) {
    faults.push("BREVET_SECRET_KEY_PREVIOUS needs BREVET_SECRET_KEY beside it: set the new key there.")
  }
  if (faults.length > 0) {
    const lines = faults.map((fault) => `  - ${fault}`).join("\n")
    throw new StartProblem(`Brevet cannot start with these settings (docs/settings.md lists them all):\n${lines}`, {
      exitCode: FAULTY_SETTINGS_EXIT_CODE,
    })
  }
  return toConfig(values as Values)
}

function toConfig(values: Values) {
  return {
    host: values.BREVET_HOST,
    port: values.BREVET_PORT,
    /** Without a slash at the end; null: the address listened on. */
    publicUrl: values.BREVET_PUBLIC_URL,
    trustedProxies: values.BREVET_TRUSTED_PROXIES ?? [],
    corsOrigins: values.BREVET_CORS_ORIGINS ?? [],
    bodyBytesMax: values.BREVET_BODY_BYTES_MAX,
    triggerBodyBytesMax: values.BREVET_TRIGGER_BODY_BYTES_MAX,
    dataDirectory: values.BREVET_DATA,
    databaseUrl: values.DATABASE_URL,
    retentionDays: values.BREVET_RETENTION_DAYS,
    bootstrapApiKey: values.BREVET_BOOTSTRAP_API_KEY,
    secretKey: values.BREVET_SECRET_KEY,
    secretKeyPrevious: values.BREVET_SECRET_KEY_PREVIOUS,
    rateLimitPerMinute: values.BREVET_RATE_LIMIT_PER_MINUTE,
    outboundAllow: values.BREVET_OUTBOUND_ALLOW ?? [],
    models: {
      openaiApiKey: values.OPENAI_API_KEY,
      openaiBaseUrl: values.OPENAI_BASE_URL,
      anthropicApiKey: values.ANTHROPIC_API_KEY,
      googleApiKey: values.GOOGLE_API_KEY,
      openaiCompatible: values.BREVET_OPENAI_COMPATIBLE ?? [],
      defaultModel: values.BREVET_DEFAULT_MODEL,
      timeoutMs: values.BREVET_MODEL_TIMEOUT_SECONDS * 1_000,
    },
    waitMs: values.BREVET_WAIT_SECONDS * 1_000,
    streamWaitMs: values.BREVET_STREAM_WAIT_SECONDS * 1_000,
    drainMs: values.BREVET_DRAIN_SECONDS * 1_000,
    definitionNodesMax: values.BREVET_DEFINITION_NODES_MAX,
    runBounds: {
      executionsMax: values.BREVET_RUN_EXECUTIONS_MAX,
      itemsMax: values.BREVET_RUN_ITEMS_MAX,
      loopsMax: values.BREVET_RUN_LOOPS_MAX,
      stateBytesMax: values.BREVET_RUN_STATE_BYTES_MAX,
      fileBytesMax: values.BREVET_RUN_FILE_BYTES_MAX,
      depthMax: values.BREVET_RUN_DEPTH_MAX,
      tokensMax: values.BREVET_RUN_TOKENS_MAX,
      workMsMax: values.BREVET_RUN_SECONDS_MAX * 1_000,
    },
    metricsPort: values.BREVET_METRICS_PORT,
    metricsHost: values.BREVET_METRICS_HOST,
    logLevel: values.BREVET_LOG_LEVEL,
  }
}

function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment).filter((name) => name.startsWith("BREVET_") && !Object.hasOwn(settings, name))
}

/** The setting whose name is nearest, if it is near enough to be a slip of the pen. */
function suggestion(name: string): string {
  const [nearest] = Object.keys(settings)
    .map((known) => ({ known, distance: editDistance(known, name) }))
    .sort((left, right) => left.distance - right.distance)
  return nearest !== undefined && nearest.distance <= 3 ? ` Did you mean ${nearest.known}?` : " Remove it."
}

/** Letters to insert, delete or replace to make one word the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1]
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
