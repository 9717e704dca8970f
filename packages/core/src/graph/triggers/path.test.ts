import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { comparePaths, matchPath, readRequestPath, readTriggerPath, type TriggerPath } from "./path.ts"

const path = (text: string): TriggerPath => {
  const read = readTriggerPath(text)
  if (read === null) throw new Error(`no path: ${text}`)
  return read
}

describe("the path of a trigger", () => {
  it.each([
    ["orders", "orders", "orders", 0],
    [" /orders/ ", "orders", "orders", 0],
    ["/:id", ":id", ":", 1],
    ["orders/:id/items/:item", "orders/:id/items/:item", "orders/:/items/:", 2],
    ["d280e773-3bd8-44ce", "d280e773-3bd8-44ce", "d280e773-3bd8-44ce", 0],
    ["Größe/küche", "Größe/küche", "Größe/küche", 0],
    ["a:b", "a:b", "a:b", 0],
  ])("%j is read as %j, of the shape %j", (text, ...[read, shape, parameters]) => {
    expect(readTriggerPath(text)).toMatchObject({ path: read, shape, parameters })
  })

  it.each([
    "",
    "   ",
    "/",
    "a//b",
    "../v1/workflows",
    "a/./b",
    ":",
    "a/:",
    ":1a",
    ":__proto__",
    ":a b",
    ":id/:id",
    "a?b=c",
    "a#b",
    "a\\b",
    "a\u0000b",
    "a\nb",
    "\ud800",
    "x".repeat(501),
    Array(31).fill("a").join("/"),
  ])("%j is none that a request could come to", (text) => {
    expect(readTriggerPath(text)).toBeNull()
  })
})

describe("the path of a request", () => {
  it.each([
    ["orders/17", ["orders", "17"]],
    ["/orders/17/", ["orders", "17"]],
    ["a%20b/c%2Fd", ["a b", "c/d"]],
    ["Gr%C3%B6%C3%9Fe", ["Größe"]],
    [":id", [":id"]],
  ])("%j has the steps %j", (raw, steps) => {
    expect(readRequestPath(raw)).toEqual(steps)
  })

  it.each(["", "/", "a//b", "..", "a/../b", "%2e%2e/v1", "%2E", "a%", "%ff", "a%00", "x".repeat(1_501)])(
    "%j means no trigger",
    (raw) => expect(readRequestPath(raw)).toBeNull(),
  )
})

describe("a request at a path", () => {
  it("fits where its steps are the same, and gives the parameters decoded", () => {
    expect(matchPath(path("orders/:id"), ["orders", "a/b"])).toEqual({ id: "a/b" })
    expect(matchPath(path("orders"), ["orders"])).toEqual({})
    expect(matchPath(path("orders/:id"), ["orders"])).toBeNull()
    expect(matchPath(path("orders/:id"), ["Orders", "1"])).toBeNull()
    expect(matchPath(path("orders/list"), ["orders", ":id"])).toBeNull()
  })

  it("takes names of parameters as they are, and none of them touches what objects have", () => {
    expect(Object.entries(matchPath(path(":toString/:constructor"), ["a", "b"]) ?? {})).toEqual([
      ["toString", "a"],
      ["constructor", "b"],
    ])
  })

  it("means the path that says more from the left on", () => {
    const all = [":a/:b", ":a/list", "user/:b", "user/list"].map(path)
    expect(all.toSorted(comparePaths).map((each) => each.path)).toEqual(["user/list", "user/:b", ":a/list", ":a/:b"])
  })

  it("whatever it is, never throws, and fits a path without parameters only if it is the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.webPath(), (text, request) => {
        const read = readTriggerPath(text)
        const steps = readRequestPath(request)
        readRequestPath(text)
        if (read === null || steps === null) return
        const found = matchPath(read, steps)
        if (read.parameters === 0) expect(found !== null).toBe(read.path === steps.join("/"))
      }),
    )
  })

  it("comes to every path of literal steps, however it is encoded", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }), (words) => {
        const read = readTriggerPath(words.join("/"))
        if (read === null || read.parameters > 0) return
        const steps = readRequestPath(read.steps.map(encodeURIComponent).join("/"))
        expect(steps === null ? null : matchPath(read, steps)).toEqual({})
      }),
    )
  })
})
