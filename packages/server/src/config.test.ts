import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { readConfig } from "./config.ts"
import { settingsPage } from "./settings-page.ts"
import { settings } from "./settings-table.ts"
import { StartProblem } from "./start-problem.ts"

function faultsOf(environment: Record<string, string>): string {
  try {
    readConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(StartProblem)
    expect((error as StartProblem).exitCode).toBe(78)
    return (error as StartProblem).message
  }
  throw new Error("readConfig took it")
}

it("gives every setting its default in an empty environment", () => {
  const config = readConfig({})
  expect(config).toMatchObject({
    host: "127.0.0.1",
    port: 8787,
    dataDirectory: "./.brevet",
    databaseUrl: null,
    publicUrl: null,
    bodyBytesMax: 5 * 1024 * 1024,
    waitMs: 60_000,
    rateLimitPerMinute: null,
    corsOrigins: [],
    logLevel: "info",
  })
  expect(config.models).toMatchObject({ openaiApiKey: null, openaiCompatible: [], timeoutMs: 60_000 })
  expect(config.runBounds).toMatchObject({
    executionsMax: 10_000,
    itemsMax: 100_000,
    stateBytesMax: 67_108_864,
    fileBytesMax: 268_435_456,
    depthMax: 10,
  })
})

it("takes a variable that is set to nothing as not set", () => {
  expect(readConfig({ BREVET_PORT: "", DATABASE_URL: " " })).toEqual(readConfig({}))
})

it("leaves variables of other programs alone", () => {
  expect(readConfig({ PATH: "/bin", BREVETTED: "x" })).toEqual(readConfig({}))
})

it("reads every kind of value", () => {
  const config = readConfig({
    BREVET_PORT: "0",
    BREVET_PUBLIC_URL: "https://brevet.example.com/base/",
    BREVET_CORS_ORIGINS: "https://a.example.com, http://localhost:5173",
    BREVET_TRUSTED_PROXIES: "10.0.0.0/8,::1",
    BREVET_OUTBOUND_ALLOW: "127.0.0.1:11434, [::1]:80, intranet.local:443, 192.168.0.0/16",
    BREVET_DRAIN_SECONDS: "0",
    DATABASE_URL: "postgres://someone@somewhere/brevet",
  })
  expect(config).toMatchObject({
    port: 0,
    publicUrl: "https://brevet.example.com/base",
    corsOrigins: ["https://a.example.com", "http://localhost:5173"],
    trustedProxies: ["10.0.0.0/8", "::1"],
    outboundAllow: ["127.0.0.1:11434", "[::1]:80", "intranet.local:443", "192.168.0.0/16"],
    drainMs: 0,
    databaseUrl: "postgres://someone@somewhere/brevet",
  })
})

it("reads further endpoints that speak OpenAI's API", () => {
  const written = [{ name: "local", base_url: "http://127.0.0.1:11434/v1/", models: ["qwen3"] }]
  expect(readConfig({ BREVET_OPENAI_COMPATIBLE: JSON.stringify(written) }).models.openaiCompatible).toEqual([
    { name: "local", baseUrl: "http://127.0.0.1:11434/v1", apiKey: null, models: ["qwen3"] },
  ])
})

it.each([
  ["not JSON", "{"],
  ["an object", "{}"],
  ["an unknown field", '[{"name":"a","base_url":"http://a","key":"secret-of-mine"}]'],
  ["the name of a built-in provider", '[{"name":"openai","base_url":"http://a"}]'],
  ["a name that comes twice", '[{"name":"a","base_url":"http://a"},{"name":"a","base_url":"http://b"}]'],
  ["an address of another kind", '[{"name":"a","base_url":"ftp://a","api_key":"secret-of-mine"}]'],
])("refuses endpoints that are %s, without telling their keys", (_, written) => {
  const faults = faultsOf({ BREVET_OPENAI_COMPATIBLE: written })
  expect(faults).toContain("- BREVET_OPENAI_COMPATIBLE ")
  expect(faults).not.toContain("secret-of-mine")
})

it("tells all faults at once, each with what to write instead", () => {
  const faults = faultsOf({
    BREVET_PORT: "99999",
    BREVET_LOG_LEVEL: "loud",
    BREVET_CORS_ORIGINS: "*, https://a.example.com",
    BREVET_TRUSTED_PROXIES: "10.0.0.0/99",
    DATABASE_URL: "mysql://somewhere",
    BREVET_NONSENSE: "1",
  })
  expect(faults.split("\n  - ").slice(1)).toEqual([
    "BREVET_NONSENSE is not a setting of Brevet. Remove it.",
    "BREVET_PORT must be a whole number from 0 to 65535.",
    "BREVET_TRUSTED_PROXIES must be a list separated by commas, each an IP address or a range such as 10.0.0.0/8; not so: 10.0.0.0/99.",
    "BREVET_CORS_ORIGINS must be a list separated by commas, each an origin such as https://app.example.com, or * alone; not so: *.",
    "DATABASE_URL must be the address of a Postgres database, such as postgresql://user:password@host:5432/database.",
    "BREVET_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent.",
  ])
})

it("guesses what an unknown variable was meant to be", () => {
  expect(faultsOf({ BREVET_DRAIN_SECOND: "1" })).toContain("Did you mean BREVET_DRAIN_SECONDS?")
  expect(faultsOf({ BREVET_PROT: "1" })).toContain("Did you mean BREVET_PORT?")
})

it("never repeats a secret in a fault", () => {
  const faults = faultsOf({
    BREVET_SECRET_KEY: "short-secret",
    OPENAI_API_KEY: "key with blanks",
    DATABASE_URL: "hunter2",
  })
  expect(faults).not.toMatch(/short-secret|key with blanks|hunter2/)
})

it("wants the new secret key beside the previous one", () => {
  const key = "k".repeat(32)
  expect(faultsOf({ BREVET_SECRET_KEY_PREVIOUS: key })).toContain("needs BREVET_SECRET_KEY beside it")
  expect(readConfig({ BREVET_SECRET_KEY_PREVIOUS: key, BREVET_SECRET_KEY: key }).secretKeyPrevious).toBe(key)
})

it.each(
  Object.entries(settings).flatMap(([name, setting]) => ("range" in setting ? [[name, setting.range] as const] : [])),
)("keeps %s within its hard bounds", (name, range) => {
  expect(() => readConfig({ [name]: String(range.min) })).not.toThrow()
  expect(() => readConfig({ [name]: String(range.max) })).not.toThrow()
  expect(faultsOf({ [name]: String(range.max + 1) })).toContain(`${name} must be a whole number from`)
  expect(faultsOf({ [name]: "1.5" })).toContain(name)
})

it("has the page that lists the settings as it was made from the table", () => {
  expect(readFileSync(new URL("../../../docs/settings.md", import.meta.url), "utf8")).toBe(settingsPage())
})
