import { type Route, type Scope, scopes } from "@brevet/core/contract/route"
import { routes } from "@brevet/core/contract/routes"
import { idPrefixes } from "@brevet/core/ids"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeTestApp, type TestApp } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { bind } from "./route.ts"

/**
 * What each call needs, written down a second time and by hand: the first rule that matches the method and path. All of the
 * scopes are needed; none: any key will do.
 */
const rules: readonly (readonly [pattern: RegExp, needed: readonly Scope[] | "public"])[] = [
  [/ \/(v1\/health\/(details)?|v1\/config\/auth-mode|openapi\.json)$/, "public"],
  [/ .*\/(promote-to-assistant|convert-to-workflow)$/, ["workflows:write", "assistants:write"]],
  [/^GET \/v1\/assistants\/\{[^}]+\}\/workflow$/, ["assistants:read", "workflows:read"]],
  [/ \/v1\/assistants\/\{[^}]+\}\/workflow$/, ["assistants:write", "workflows:write"]],
  [/^GET \/v1\/assistants|\/warm$/, ["assistants:read"]],
  [/ \/v1\/assistants/, ["assistants:write"]],
  [/ \/v1\/workflows\/.*execute$/, ["runs:write"]],
  [/ \/v1\/workflows\/.*listen$/, ["workflows:read", "runs:write"]],
  [/^GET \/v1\/workflows| \/v1\/workflows\/.*validate$/, ["workflows:read"]],
  [/ \/v1\/workflows/, ["workflows:write"]],
  [/ \/v1\/model\/response\/(output-modes|reasoning-levels)$/, []],
  [/ \/v1\/(model\/response|threads|messages|models)/, ["chat"]],
  [/^GET \/v1\/(runs|pauses)/, ["runs:read"]],
  [/ \/v1\/runs/, ["runs:write"]],
  [/^GET \/v1\/credentials/, ["credentials:read"]],
  [/ \/v1\/credentials/, ["credentials:write"]],
  [/ \/v1\/organizations\/\{[^}]+\}\/api-keys/, ["keys:write"]],
  [/^GET \/v1\/organizations/, []],
  [/^PATCH \/v1\/organizations/, ["*"]],
]

function neededBy({ method, path }: Route): readonly Scope[] | "public" {
  const rule = rules.find(([pattern]) => pattern.test(`${method} ${path}`))
  if (rule === undefined) throw new Error(`no rule for ${method} ${path}: say here which scopes it needs`)
  return rule[1]
}

let context: TestContext
let app: TestApp
const keys = new Map<Scope, string>()

beforeAll(async () => {
  context = await makeTestContext()
  // The door alone is tried: whoever gets past it meets a handler that says so.
  const passed = routes.map((route) => bind(route, async () => ({ status: 299, body: { passed: true } })))
  app = await makeTestApp(context, { routes: passed, checkAnswers: false })
  for (const scope of scopes) keys.set(scope, await app.makeKey([scope]))
})

afterAll(async () => {
  await app.close()
  await context.close()
})

function addressOf(route: Route): string {
  return route.path.replace(/\{([^}]+)\}/g, (_whole, name: string) => {
    const rule = route.params[name]
    return rule === undefined || rule === "text" ? "some" : `${idPrefixes[rule.noun]}_${"0".repeat(32)}`
  })
}

/** Past the door: whatever the body lacks is found after it. */
async function passes(route: Route, request: { key: string | null; query?: string }): Promise<boolean> {
  const { query = "", key } = request
  const { status } = await app.send({ method: route.method, url: `${addressOf(route)}${query}`, key })
  if (status === 401 || status === 403) return false
  expect([299, 422]).toContain(status)
  return true
}

/** Calls for which one of several scopes is enough. */
const alternatives: readonly (readonly [id: string, enough: readonly Scope[]])[] = [
  ["answerPause", ["chat", "runs:write"]],
]
const enoughFor = new Map(alternatives)

test.each(alternatives)("%s is open to keys with any one of its scopes, and to no others", async (id, enough) => {
  const route = routes.find((each) => each.id === id)
  if (route === undefined) throw new Error(`there is no call ${id}`)
  expect(await passes(route, { key: null })).toBe(false)
  for (const [scope, key] of keys) {
    expect(await passes(route, { key }), scope).toBe(scope === "*" || enough.includes(scope))
  }
})

test.each(
  routes.filter(({ id }) => !enoughFor.has(id)).map((route) => [`${route.method} ${route.path}`, route] as const),
)("%s is open to exactly the keys whose scopes it needs", async (_name, route) => {
  const needed = neededBy(route)
  expect(await passes(route, { key: null })).toBe(needed === "public")
  for (const [scope, key] of keys) {
    const expected = needed === "public" || scope === "*" || needed.every((one) => one === scope)
    expect(await passes(route, { key }), scope).toBe(expected)
  }
  if (needed === "public" || needed.length < 2) return
  expect(await passes(route, { key: await app.makeKey([...needed]) }), "all together").toBe(true)
})

test("a dry run of promotion needs workflows:read, and nothing else opens it", async () => {
  const route = routes.find(({ id }) => id === "promoteWorkflowToAssistant")
  if (route === undefined) throw new Error("there is no promotion")
  for (const [scope, key] of keys) {
    expect(await passes(route, { key, query: "?dry_run=1" }), scope).toBe(["workflows:read", "*"].includes(scope))
  }
})

test("no two calls have the same method and path, and every id is one call", () => {
  const addresses = routes.map(({ method, path }) => `${method} ${path.replace(/\{[^}]+\}/g, "{}")}`)
  expect(new Set(addresses).size).toBe(routes.length)
  expect(new Set(routes.map(({ id }) => id)).size).toBe(routes.length)
})

test("every POST is idempotent, and nothing else is", () => {
  for (const { id, method, idempotency } of routes) expect(idempotency !== "none", id).toBe(method === "POST")
})
