import { readdirSync, readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { errorIndexPage } from "./contract/error-index.ts"
import { errorsOf } from "./contract/error-sets.ts"
import { routes } from "./contract/routes.ts"
import { causeCatalogue, type ErrorCode, type ErrorRow, type ErrorType, errorCatalogue, Refusal } from "./errors.ts"

const folder = new URL("../../../docs/errors/", import.meta.url)
const readPage = (name: string): string => readFileSync(new URL(`${name}.md`, folder), "utf8")
const codes = Object.keys(errorCatalogue) as ErrorCode[]
const pages = readdirSync(folder).map((name) => name.replace(/\.md$/, ""))

/** Which statuses go with which type word, as the contract says. */
const statusesOfType: Readonly<Record<ErrorType, readonly number[]>> = {
  authentication_error: [401],
  authorization_error: [403],
  not_found_error: [404],
  client_error: [400, 405, 410],
  conflict_error: [409],
  validation_error: [413, 415, 422],
  run_error: [422],
  rate_limit_error: [429],
  server_error: [500, 502, 503, 504],
}

test("every code has a page, and every page a code", () => {
  expect(pages.filter((name) => name !== "README" && name !== "cause-codes").sort()).toEqual([...codes].sort())
})

test.each(codes)("the page of %s says its status, type and message, and when, why and what to do", (code) => {
  const { status, type, message } = errorCatalogue[code] as ErrorRow
  const [title, , line, ...rest] = readPage(code).split("\n")
  expect(title).toBe(`# ${code}`)
  expect(line).toBe(`\`${status}\` · \`${type}\` · ${message}`)
  expect(rest.filter((text) => text.startsWith("## "))).toEqual(["## When", "## Why", "## What to do"])
  for (const part of rest
    .join("\n")
    .split(/^## .*$/m)
    .slice(1))
    expect(part.trim().length).toBeGreaterThan(20)
  expect(rest.join("\n").split("## What to do")[1]).toMatch(/^- /m)
})

test("every cause code has a row on its page, and every row a cause", () => {
  const rows = readPage("cause-codes").matchAll(/^\| `([A-Z_]+)` \| .+ \| .+ \|$/gm)
  expect([...rows].map(([, code]) => code).sort()).toEqual(Object.keys(causeCatalogue).sort())
})

test("every status has the type word that the contract gives it", () => {
  for (const code of codes) {
    const { status, type } = errorCatalogue[code] as ErrorRow
    expect(statusesOfType[type], code).toContain(status)
  }
})

test("the index names every page", () => {
  const index = errorIndexPage(routes)
  for (const code of codes) expect(index).toContain(`[\`${code}\`](${code}.md)`)
})

test("links between the pages lead somewhere", () => {
  for (const name of pages) {
    for (const [, target] of readPage(name).matchAll(/\]\(([A-Za-z_-]+)\.md\)/g))
      expect(pages, `${name} links to ${target}`).toContain(target)
  }
})

test("every code that a route declares is in the catalogue, and none says what the door says for all", () => {
  for (const route of routes) {
    for (const code of errorsOf(route)) expect(errorCatalogue[code], `${route.id}: ${code}`).toBeDefined()
    expect(new Set(route.errors).size, route.id).toBe(route.errors.length)
  }
})

test("a refusal takes its words, status and type from the catalogue unless it has its own words", () => {
  const plain = new Refusal("THREAD_BUSY")
  expect(plain).toMatchObject({
    ...errorCatalogue.THREAD_BUSY,
    code: "THREAD_BUSY",
    details: {},
    retryAfterSeconds: undefined,
  })
  const cause = new Error("why")
  const own = new Refusal("THREAD_BUSY", {
    message: "m",
    systemMessage: "s",
    details: { a: 1 },
    retryAfterSeconds: 3,
    cause,
  })
  expect(own).toMatchObject({
    message: "m",
    systemMessage: "s",
    details: { a: 1 },
    retryAfterSeconds: 3,
    status: 409,
    cause,
  })
})
