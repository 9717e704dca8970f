import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { exceptions } from "./exceptions.ts"
import { makeProject, readProject } from "./project.ts"
import { type Breach, breachLines, type Exception, judge, type Rule } from "./rule.ts"
import { rules } from "./rules.ts"

const project = readProject(fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, ""))

describe("the project", () => {
  for (const rule of rules) {
    it(rule.sentence, () => {
      const { breaches, idle } = judge(rule, project, exceptions)
      if (breaches.length > 0)
        expect.fail(`${breaches.length} to mend (rule "${rule.name}"):\n${breachLines(breaches)}`)
      const idleFiles = idle.map(({ file, subject }) => `${file} ${subject ?? ""}`.trim())
      expect(idleFiles, "these exceptions of tidy/exceptions.ts are no longer needed: take them out").toEqual([])
    })
  }

  it("excepts only from rules that there are, with a reason", () => {
    const names = rules.map(({ name }) => name)
    for (const { rule, reason } of exceptions) {
      expect(names).toContain(rule)
      expect(reason.length).toBeGreaterThan(20)
    }
  })

  it("is read as a whole", () => {
    expect([...project.files.keys()]).toEqual(
      expect.arrayContaining(["package.json", "packages/core/src/errors.ts", "tidy/tidy.test.ts", ".ci/run"]),
    )
  })
})

const nothing = makeProject({})
const ruleThatFinds = (...breaches: readonly Breach[]): Rule => ({ name: "sizes", sentence: "", check: () => breaches })
const breach: Breach = { file: "a.ts", line: 3, subject: "f", measure: 80, message: "is too long" }
const exception: Exception = { rule: "sizes", file: "a.ts", subject: "f", atMost: 80, reason: "a table" }

describe("exceptions", () => {
  it("cover the rule, the file, the subject and the size that they name", () => {
    expect(judge(ruleThatFinds(breach), nothing, [exception])).toEqual({ breaches: [], idle: [] })
  })

  it.each<[string, Partial<Exception>]>([
    ["another file", { file: "b.ts" }],
    ["another subject", { subject: "g" }],
    ["a smaller size", { atMost: 79 }],
  ])("do not cover %s, and are idle then", (_what, change) => {
    const other = { ...exception, ...change }
    expect(judge(ruleThatFinds(breach), nothing, [other])).toEqual({ breaches: [breach], idle: [other] })
  })

  it("do not cover a size without naming it", () => {
    const { atMost: _, ...unbounded } = exception
    expect(judge(ruleThatFinds(breach), nothing, [unbounded]).breaches).toEqual([breach])
  })

  it("of other rules are neither used nor idle", () => {
    const other = { ...exception, rule: "words" }
    expect(judge(ruleThatFinds(), nothing, [other])).toEqual({ breaches: [], idle: [] })
  })

  it("are idle when the breach is gone", () => {
    expect(judge(ruleThatFinds(), nothing, [exception]).idle).toEqual([exception])
  })
})

it("breaches are told as places that an editor can open", () => {
  expect(breachLines([breach])).toBe("a.ts:3 is too long")
})
