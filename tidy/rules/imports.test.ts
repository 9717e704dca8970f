import { describe, expect, it } from "vitest"
import { messagesFound, placesFound } from "../fixture.ts"
import { makeProject } from "../project.ts"
import { cycles } from "./cycles.ts"
import { direction } from "./direction.ts"
import { orphans } from "./orphans.ts"

/** True if a file may import a specifier, as a value or as a type. */
function mayImport(path: string, specifier: string, how: "value" | "type" = "value"): boolean {
  const text = how === "type" ? `import type { A } from "${specifier}"` : `import { a } from "${specifier}"`
  return placesFound(direction, { [path]: text }).length === 0
}

const graphFile = "packages/core/src/graph/plan.ts"
const service = "packages/server/src/services/runs.ts"
const routes = "packages/server/src/http/routes/runs.ts"
const adapter = "packages/server/src/adapters/owner/postgres.ts"

describe("direction", () => {
  it("lets the graph import the ground of core and its six packages, and nothing else", () => {
    for (const allowed of [
      "../errors.ts",
      "./items.ts",
      "./kinds/set.ts",
      "zod",
      "acorn",
      "luxon",
      "jmespath",
      "re2js",
      "ajv",
    ]) {
      expect(mayImport(graphFile, allowed), allowed).toBe(true)
    }
    for (const refused of [
      "../contract/text.ts",
      "node:crypto",
      "pg",
      "@brevet/server/config",
      "../../../server/src/config.ts",
    ]) {
      expect(mayImport(graphFile, refused), refused).toBe(false)
    }
  })

  it("does not let types cross where values may not, but where the table says so", () => {
    expect(mayImport(graphFile, "../contract/text.ts", "type")).toBe(false)
    expect(mayImport(routes, "../../ports/context.ts", "type")).toBe(true)
    expect(mayImport(routes, "../../ports/context.ts")).toBe(false)
    expect(mayImport(routes, "@brevet/core/graph/events", "type")).toBe(true)
    expect(mayImport(service, "../runtime/segment.ts", "type")).toBe(false)
    expect(mayImport(routes, "../../adapters/store/postgres/store.ts", "type")).toBe(false)
  })

  it("sees an import type, a re-export, a lazy import and an address of a worker", () => {
    for (const text of [
      `type A = import("../contract/text.ts").A`,
      `export * from "../contract/text.ts"`,
      `export type { A } from "../contract/text.ts"`,
      `const a = await import("../contract/text.ts")`,
      `const a = new URL("../contract/text.ts", import.meta.url)`,
    ]) {
      expect(placesFound(direction, { [graphFile]: text }), text).toEqual([`${graphFile}:1`])
    }
  })

  it("keeps services away from doors, adapters and the insides of the runtime", () => {
    for (const refused of ["../http/app.ts", "../adapters/secrets.ts", "../runtime/interpret.ts", "pg", "fastify"]) {
      expect(mayImport(service, refused), refused).toBe(false)
    }
    expect(mayImport(service, "../ports/context.ts")).toBe(true)
    expect(mayImport(service, "@brevet/core/contract/promotion")).toBe(true)
  })

  it("keeps doors away from the graph, the runtime and each other", () => {
    for (const refused of ["@brevet/core/graph/plan", "../../runtime/live.ts", "../../protocols/openai/routes.ts"]) {
      expect(mayImport(routes, refused), refused).toBe(false)
    }
    expect(mayImport("packages/server/src/protocols/mcp/routes.ts", "../../http/app.ts")).toBe(false)
    expect(mayImport("packages/server/src/protocols/mcp/routes.ts", "../a2a/errors.ts")).toBe(false)
  })

  it("keeps the runtime away from the contract, services and doors", () => {
    const runtime = "packages/server/src/runtime/interpret.ts"
    for (const refused of [
      "@brevet/core/contract/frames",
      "../services/runs.ts",
      "../http/sse.ts",
      "../adapters/secrets.ts",
    ]) {
      expect(mayImport(runtime, refused), refused).toBe(false)
    }
    expect(mayImport(runtime, "@brevet/core/graph/plan")).toBe(true)
  })

  it("keeps adapters apart, but for the one way to Postgres", () => {
    expect(mayImport(adapter, "../models/provider.ts")).toBe(false)
    expect(mayImport(adapter, "../secrets.ts", "type")).toBe(false)
    expect(mayImport(adapter, "../store/postgres/runs.ts")).toBe(false)
    expect(mayImport(adapter, "../store/postgres/sql.ts")).toBe(true)
    expect(mayImport(adapter, "./group-writer.ts")).toBe(true)
  })

  it("lets only the start know everything", () => {
    const compose = "packages/server/src/compose.ts"
    for (const allowed of ["./adapters/secrets.ts", "./http/app.ts", "./services/runs.ts", "pg", "fastify"]) {
      expect(mayImport(compose, allowed), allowed).toBe(true)
    }
    expect(mayImport(service, "../compose.ts")).toBe(false)
  })

  it("refuses tests and tools in what is shipped", () => {
    expect(mayImport(service, "../testing/context.ts")).toBe(false)
    expect(mayImport(service, "../../../../scripts/count-reporter.ts")).toBe(false)
    expect(mayImport("packages/server/src/services/runs.test.ts", "../adapters/secrets.ts")).toBe(true)
    expect(mayImport("packages/core/src/ids.test.ts", "@brevet/server/config")).toBe(false)
  })

  it("says what may be imported in its place", () => {
    const [message] = messagesFound(direction, service, `import { a } from "../http/app.ts"`)
    expect(message).toContain("server/services may not import server/http")
    expect(message).toContain("server/ports")
  })
})

/** A project in which each file imports those that are named, by `import` or by the given form. */
function projectOf(imports: Readonly<Record<string, string>>) {
  return makeProject(
    Object.fromEntries(Object.entries(imports).map(([name, text]) => [`packages/core/src/${name}.ts`, text])),
  )
}

describe("cycles", () => {
  it("finds a cycle of values, however long, once, and draws it", () => {
    // a -> b -> c -> a, and d -> a from outside
    const project = projectOf({
      a: `import { b } from "./b.ts"`,
      b: `\nexport * from "./c.ts"`,
      c: `import "./a.ts"`,
      d: `import { a } from "./a.ts"`,
    })
    const found = cycles.check(project)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ file: "packages/core/src/a.ts", line: 1 })
    expect(found[0]?.message).toContain(
      "packages/core/src/a.ts -> packages/core/src/b.ts -> packages/core/src/c.ts -> packages/core/src/a.ts",
    )
  })

  it("finds a file that imports itself, and two cycles apart from each other", () => {
    const project = projectOf({
      a: `import "./a.ts"`,
      b: `import "./c.ts"`,
      c: `import "./b.ts"`,
    })
    expect(cycles.check(project)).toHaveLength(2)
  })

  it("finds a cycle over the names of our own packages", () => {
    const project = projectOf({ a: `import "@brevet/core/b"`, b: `import "./a.ts"` })
    expect(cycles.check(project)).toHaveLength(1)
  })

  it("lets types and lazy imports close a cycle", () => {
    const project = projectOf({
      a: `import { b } from "./b.ts"`,
      b: `import type { A } from "./a.ts"\nconst a = () => import("./a.ts")`,
    })
    expect(cycles.check(project)).toEqual([])
  })

  it("takes `import { type A }` for an import of the value, as it is evaluated", () => {
    const project = projectOf({ a: `import "./b.ts"`, b: `import { type A } from "./a.ts"` })
    expect(cycles.check(project)).toHaveLength(1)
  })
})

const at = (name: string): string => `packages/server/src/${name}`

describe("orphans", () => {
  it("are files that nobody imports, or only tests and they themselves", () => {
    const found = placesFound(orphans, {
      [at("main.ts")]: `import "./used.ts"`,
      [at("used.ts")]: "",
      [at("unused.ts")]: `import "./unused.ts"`,
      [at("tested.ts")]: "",
      [at("tested.test.ts")]: `import "./tested.ts"`,
      [at("testing/world.ts")]: `import "../tested.ts"`,
      [at("world.testsuite.ts")]: `import "./testing/world.ts"`,
    })
    expect(found).toEqual([at("unused.ts"), at("tested.ts"), at("world.testsuite.ts")].map((path) => `${path}:1`))
  })

  it("are not files that a tool imports, a worker runs or a type is taken from", () => {
    const found = placesFound(orphans, {
      [at("main.ts")]:
        `new Worker(new URL("./worker.ts", import.meta.url)); import type { A } from "./ports/a.ts"; import("./late.ts")`,
      [at("worker.ts")]: "",
      [at("late.ts")]: "",
      [at("ports/a.ts")]: "",
      [at("page.ts")]: "",
      "scripts/generate.ts": `import { page } from "../packages/server/src/page.ts"`,
      "packages/core/src/ids.ts": "",
      [at("compose.test.ts")]: "",
      "bench/main.ts": `import "@brevet/core/ids"`,
    })
    expect(found).toEqual([])
  })
})
