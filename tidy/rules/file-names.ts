import type { Breach, Rule } from "../rule.ts"

/** Words that say nothing about what a file holds, and what to do in their place. */
const emptyWords = new Map(
  ["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "stuff"].map((word) => [
    word,
    "name the file for what it exports",
  ]),
)

/** Names of files: kebab-case nouns that say what is inside. */
export const fileNames: Rule = {
  name: "file-names",
  sentence: "names files and folders for what they hold, in kebab-case",
  check: (project) =>
    [...project.files.keys()].flatMap((path) => {
      const message = problemOf(path)
      return message === null ? [] : [{ file: path, line: 1, message } satisfies Breach]
    }),
}

function problemOf(path: string): string | null {
  const words = path.split(/[/._-]+/).map((word) => word.toLowerCase())
  const empty = words.find((word) => emptyWords.has(word))
  if (empty !== undefined) return `"${empty}" in a file's name says nothing: ${emptyWords.get(empty)}`
  const name = path.split("/").at(-1) ?? ""
  if (/\.(tsx?|mjs)$/.test(name) && !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(name)) {
    return "write the file's name in kebab-case"
  }
  if (/^index\.tsx?$/.test(name) && !/^packages\/[^/]+\/src\/index\.tsx?$/.test(path)) {
    return "index.ts stands only at a package's door: name the file for what it exports"
  }
  return null
}
