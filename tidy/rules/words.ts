import ts from "typescript"
import { commentsOf } from "../comments.ts"
import { lineOf, type ProjectFile, type SourceFile, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"
import { nameWords, proseWords } from "../words.ts"

const proseMap: ReadonlyMap<string, string> = new Map(Object.entries(proseWords))
const nameMap: ReadonlyMap<string, string> = new Map(Object.entries(nameWords))
const prosePattern = new RegExp(`\\b(${[...proseMap.keys()].join("|")})\\b`, "gi")

/** Words are chosen once: `words.ts` lists the others with the better one. */
export const words: Rule = {
  name: "words",
  sentence: "uses the words that it has chosen",
  check: (project) => [
    ...sourcesOf(project).flatMap((file) => [...checkNames(file), ...checkComments(file)]),
    ...[...project.files.values()].filter(({ path }) => path.endsWith(".md")).flatMap(checkPage),
  ],
}

/** Names that we give. Properties and methods of plain objects are left alone: they may be somebody else's. */
function checkNames(file: SourceFile): readonly Breach[] {
  const breaches: Breach[] = []
  walk(file.tree, (node) => {
    const name = givenName(node)
    if (name === null) return
    for (const word of wordsOf(name.text)) {
      const better = nameMap.get(word)
      if (better === undefined) continue
      const message = `"${word}" in ${name.text}: better ${better}`
      breaches.push({ file: file.path, line: lineOf(file, name), subject: name.text, message })
    }
  })
  return breaches
}

function givenName(node: ts.Node): ts.Identifier | null {
  const isGiven =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeParameterDeclaration(node) ||
    ((ts.isMethodDeclaration(node) || ts.isPropertyDeclaration(node)) && ts.isClassLike(node.parent))
  if (!isGiven || node.name === undefined || !ts.isIdentifier(node.name)) return null
  // `const { err } = foreign`: the word is theirs. `const { e: err } = foreign`: it is ours.
  return ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent) && node.propertyName === undefined
    ? null
    : node.name
}

/** The words of a name, in lower case: `bodyBytesMax` has body, bytes and max. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/g, "$1$3 $2$4")
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.toLowerCase())
}

function checkComments(file: SourceFile): readonly Breach[] {
  return commentsOf(file).flatMap(({ line, text }) => proseBreaches(file.path, text, line))
}

function checkPage({ path, text }: ProjectFile): readonly Breach[] {
  return proseBreaches(path, text, 1)
}

/** Words in backquotes are code, and not prose. */
function proseBreaches(file: string, text: string, firstLine: number): readonly Breach[] {
  return text.split("\n").flatMap((row, index) =>
    [...row.replace(/`[^`]*`/g, "").matchAll(prosePattern)].map(({ 0: found }): Breach => {
      const better = proseMap.get(found.toLowerCase()) ?? ""
      return { file, line: firstLine + index, subject: found, message: `"${found}": better ${better}` }
    }),
  )
}
