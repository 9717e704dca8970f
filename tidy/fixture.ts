/** What the tests of the rules share. */
import { makeProject } from "./project.ts"
import type { Rule } from "./rule.ts"

/** Where a rule finds something in made-up files (text by path): `path:line`. */
export function placesFound(rule: Rule, texts: Readonly<Record<string, string>>): readonly string[] {
  return rule.check(makeProject(texts)).map(({ file, line }) => `${file}:${line}`)
}

/** What a rule says about one made-up file. */
export function messagesFound(rule: Rule, path: string, text: string): readonly string[] {
  return rule.check(makeProject({ [path]: text })).map(({ message }) => message)
}
