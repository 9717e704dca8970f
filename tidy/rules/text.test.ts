import { homedir } from "node:os"
import { describe, expect, it } from "vitest"
import { messagesFound, placesFound } from "../fixture.ts"
import { makeProject } from "../project.ts"
import { fileNames } from "./file-names.ts"
import { links } from "./links.ts"
import { bounds, sizes } from "./sizes.ts"
import { texts } from "./texts.ts"
import { words } from "./words.ts"

const product = "packages/core/src/a.ts"
const test = "packages/core/src/a.test.ts"

const lines = (count: number): string => "// a line\n".repeat(count)
/** A function of exactly that many lines, in one of the forms that functions have. */
const functionOf = (count: number, head = "function f() {"): string => `${head}\n${"  f()\n".repeat(count - 2)}}\n`

describe("sizes", () => {
  it("stops files at their bound, tests later", () => {
    expect(messagesFound(sizes, product, lines(bounds.file))).toEqual([])
    expect(messagesFound(sizes, product, lines(bounds.file + 1))).toHaveLength(1)
    expect(messagesFound(sizes, test, lines(bounds.testFile))).toEqual([])
    expect(messagesFound(sizes, test, lines(bounds.testFile + 1))).toHaveLength(1)
  })

  it("counts the last line, with and without an end of line", () => {
    expect(messagesFound(sizes, product, `${lines(bounds.file)}// one more`)).toHaveLength(1)
  })

  it("bounds scripts in other languages and pages that promise to be short", () => {
    expect(messagesFound(sizes, "scripts/a.py", "#\n".repeat(bounds.file + 1))).toHaveLength(1)
    expect(messagesFound(sizes, "ARCHITECTURE.md", "a\n".repeat(301))).toHaveLength(1)
    expect(messagesFound(sizes, "docs/adr/0001-a.md", "a\n".repeat(61))).toHaveLength(1)
    expect(messagesFound(sizes, "docs/settings.md", "a\n".repeat(1_000))).toEqual([])
  })

  it.each([
    ["function f() {"],
    ["const f = () => {"],
    ["const f = async function () {"],
    ["const f = { get g() {"],
    ["class A { constructor() {"],
    ["class A { #f() {"],
  ])("stops functions at their bound: %s", (head) => {
    const close = head.includes("class A") || head.includes("get g") ? "}" : ""
    expect(messagesFound(sizes, product, functionOf(bounds.function, head) + close)).toEqual([])
    expect(messagesFound(sizes, product, functionOf(bounds.function + 1, head) + close)).toHaveLength(1)
  })

  it("does not count the docstring of a function", () => {
    const docstring = `/**\n${" * word\n".repeat(50)} */\n`
    expect(messagesFound(sizes, product, docstring + functionOf(bounds.function))).toEqual([])
  })

  it("counts a function in tests, but not one that groups tests", () => {
    expect(messagesFound(sizes, test, functionOf(bounds.testFunction + 1))).toHaveLength(1)
    expect(
      messagesFound(
        sizes,
        test,
        functionOf(bounds.testFunction + 9, "describe('a', () => {").replace("f()", "it('b', f)"),
      ),
    ).toEqual([])
  })

  it("names the function and how long it is", () => {
    const [breach] = sizes.check(makeProject({ [product]: functionOf(90, "const render = () => {") }))
    expect(breach).toMatchObject({ line: 1, subject: "render", measure: 90 })
  })
})

describe("file names", () => {
  it.each([
    "packages/core/src/utils.ts",
    "packages/core/src/date-utils.ts",
    "packages/core/src/helpers/date.ts",
    "packages/server/src/common.test.ts",
    "packages/server/src/run-manager.ts",
    "scripts/helper.py",
  ])("refuses a word that says nothing: %s", (path) => {
    expect(messagesFound(fileNames, path, "")).toHaveLength(1)
  })

  it.each(["packages/core/src/runState.ts", "packages/core/src/run_state.ts", "packages/core/src/RunState.tsx"])(
    "wants kebab-case: %s",
    (path) => {
      expect(messagesFound(fileNames, path, "")).toEqual([expect.stringContaining("kebab-case")])
    },
  )

  it("keeps index.ts for the doors of packages", () => {
    expect(messagesFound(fileNames, "packages/sdk/src/index.ts", "")).toEqual([])
    expect(messagesFound(fileNames, "packages/sdk/src/client/index.ts", "")).toHaveLength(1)
  })

  it("leaves other languages and well-known pages their customs", () => {
    for (const path of [
      "README.md",
      "scripts/sdk-check.d/talk_checks.py",
      "tsconfig.base.json",
      "docs/adr/0001-a.md",
    ]) {
      expect(messagesFound(fileNames, path, ""), path).toEqual([])
    }
  })
})

/** Put together here, since these texts may not stand in this file either. */
const [unfinished, machine] = [["TO", "DO"].join(""), ["", "home", "ada", "brevet"].join("/")]
const registry = ["registry", "example", "org"].join(".")

describe("texts", () => {
  it.each([
    `// ${unfinished}: later`,
    `const a = 1 /* ${["FIX", "ME"].join("")} */`,
    `const a = "${machine}"`,
    `See ${machine}/src.`,
    `const a = "${["C:", "Users", "Ada"].join("\\")}"`,
    `const a = "${["", "tmp", "a"].join("/")}"`,
    `{ "resolved": "${["https:", "", "example.org", "a.tgz"].join("/")}" }`,
    `npm install --registry=https://${registry}`,
  ])("of machines, registries and unfinished work are found in every file: %s", (text) => {
    for (const path of ["packages/core/src/a.ts", "docs/a.md", "a.json", "scripts/a.py"]) {
      expect(messagesFound(texts, path, text), path).toHaveLength(1)
    }
  })

  it.each([
    "GET /home/",
    "https://example.org/home/ada",
    "from registry import check",
    "const registry = makeRegistry()",
    `join(tmpdir(), "a")`,
    "todo lists are for people",
    `{ "resolved": "packages/core" }`,
  ])("that only look like it are left alone: %s", (text) => {
    expect(messagesFound(texts, "docs/a.md", text)).toEqual([])
  })

  it("know the folder of the checkout, the one around it and the home folder", () => {
    const root = ["", "srv-of-ada", "checkout"].join("/")
    const found = (text: string): number => texts.check({ ...makeProject({ "docs/a.md": text }), root }).length
    expect(found(`cd ${root}/packages`)).toBeGreaterThan(0)
    expect(found(`cd ${root.replace("checkout", "shared")}/a`)).toBeGreaterThan(0)
    expect(found(`cd ${homedir()}/a`)).toBeGreaterThan(0)
    expect(found("cd packages/core")).toBe(0)
  })

  it("do not take the folders that every system has for the machine's", () => {
    const project = {
      ...makeProject({ "docs/a.md": "data in /var/lib/brevet" }),
      root: ["", "var", "checkout"].join("/"),
    }
    expect(texts.check(project)).toEqual([])
  })
})

const path = "packages/core/src/a.ts"

describe("words", () => {
  it.each([
    ["const msg = 1", "message"],
    ["function f(req: A) {}", "request"],
    ["const f = (lastIdx: number) => lastIdx", "index"],
    ["const HTTPErr = 1", "error"],
    ["class JobQueue {}", "run"],
    ["type DbRow = string", "database"],
    ["const { e: err } = a", "error"],
    ["const DEFAULT_CFG = 1", "settings"],
    ["// The behavior of a node.", "behaviour"],
    ["function f() {\n  // We utilize it.\n}", "use"],
  ])("that have a better one are found, with it: %s", (text, better) => {
    expect(messagesFound(words, path, text)).toEqual([expect.stringContaining(better)])
  })

  it.each([
    "const message = response.msg",
    "const { err } = foreign",
    "const a = { req: 1, err: 2, info() {} }",
    "const result = f(/* `msg` is theirs */)",
    "// The field `canceled` is theirs.",
    "const resource = 1, resolve = 2, direction = 3, information = 4",
    'const text = "canceled by behavior"',
  ])("of others, and words that only begin like it, are left alone: %s", (text) => {
    expect(messagesFound(words, path, text)).toEqual([])
  })

  it("are looked for in pages too, by line", () => {
    expect(words.check({ root: null, files: new Map([["docs/a.md", page("a\nIn order to run.\n")]]) })).toEqual([
      expect.objectContaining({ line: 2, subject: "In order to" }),
    ])
  })
})

describe("links", () => {
  it("that lead nowhere are found, and a decision that is not listed", () => {
    const found = placesFound(links, {
      "README.md": "See [there](docs/a.md), [here](docs/) and\n[nowhere](docs/b.md#part).",
      "docs/a.md": "[up](../README.md) [out](https://example.org) [part](#part)",
      "docs/adr/README.md": "[1](0001-first.md)",
      "docs/adr/0001-first.md": "",
      "docs/adr/0002-second.md": "",
    })
    expect(found).toEqual(["README.md:2", "docs/adr/0002-second.md:1"])
  })
})

function page(text: string) {
  return { path: "docs/a.md", text, tree: null }
}
