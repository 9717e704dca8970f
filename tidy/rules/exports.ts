import ts from "typescript"
import { lineOf, type SourceFile, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/** Files that a tool demands a default export of. */
const toolsDemand = new Set(["vitest.config.ts", "scripts/count-reporter.ts"])

/** Exports have one name everywhere. */
export const defaultExports: Rule = {
  name: "default-exports",
  sentence: "exports by name, never as default",
  check: (project) =>
    sourcesOf(project)
      .filter(({ path }) => !toolsDemand.has(path))
      .flatMap((file) => {
        const breaches: Breach[] = []
        walk(file.tree, (node) => {
          if (!isDefaultExport(node)) return
          const message = "export it by name, so that it is called the same everywhere"
          breaches.push({ file: file.path, line: lineOf(file, node), message })
        })
        return breaches
      }),
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === "default"
  return ts.canHaveModifiers(node) && modifiersOf(node).includes(ts.SyntaxKind.DefaultKeyword)
}

/** What the types cannot say is said beside every export. */
export const docstrings: Rule = {
  name: "docstrings",
  sentence: "has a docstring on every export",
  check: (project) =>
    sourcesOf(project)
      .filter(({ path }) => !/\.test\.tsx?$/.test(path))
      .flatMap(checkDocstrings),
}

function checkDocstrings(file: SourceFile): readonly Breach[] {
  const { statements } = file.tree
  const listed = new Set(statements.flatMap(namesListed))
  const breaches: Breach[] = []
  const seen = new Set<string>()
  for (const statement of statements) {
    const names = declaredNames(statement)
    const isExported = isMarkedExport(statement) || names.some((name) => listed.has(name))
    const [subject = "the export"] = names
    // The further signatures of an overloaded function.
    if (!isExported || names.length === 0 || seen.has(subject)) continue
    if (ts.isFunctionDeclaration(statement)) seen.add(subject)
    if (hasDocstring(statement, file)) continue
    const message = `${subject} is exported without a docstring: say what it gives, its units and ranges, and the codes it throws (/** … */)`
    breaches.push({ file: file.path, line: lineOf(file, statement), subject, message })
  }
  return breaches
}

/** The names of `export { a, b as c }` without a source. */
function namesListed(statement: ts.Statement): readonly string[] {
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier !== undefined) return []
  const clause = statement.exportClause
  if (clause === undefined || !ts.isNamedExports(clause)) return []
  return clause.elements.map((element) => (element.propertyName ?? element.name).text)
}

function declaredNames(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => declaration.name.getText())
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement)
  return isNamed && statement.name !== undefined ? [statement.name.text] : isNamed ? ["default"] : []
}

function hasDocstring(statement: ts.Statement, file: SourceFile): boolean {
  const comments = ts.getLeadingCommentRanges(file.text, statement.pos) ?? []
  return comments.some(({ pos, end }) => /^\/\*\*(?!\/)[\s*]*[^\s*/]/.test(file.text.slice(pos, end)))
}

function isMarkedExport(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) && modifiersOf(statement).includes(ts.SyntaxKind.ExportKeyword)
}

function modifiersOf(node: ts.HasModifiers): readonly ts.SyntaxKind[] {
  return (ts.getModifiers(node) ?? []).map(({ kind }) => kind)
}
