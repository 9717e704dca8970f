/** What a file imports, and which file of the project that is. */
import { posix } from "node:path"
import ts from "typescript"
import { lineOf, type Project, type SourceFile, walk } from "./project.ts"

/**
 * One import. `type`: gone after compilation. `value`: evaluated before the file. `lazy`: evaluated when the line is
 * reached (`import()`). `address`: named by `new URL("./x.ts", import.meta.url)`, as workers and child processes are.
 */
export type Import = {
  readonly line: number
  readonly how: "type" | "value" | "lazy" | "address"
  readonly target: { readonly file: string } | { readonly packageName: string }
}

const known = new WeakMap<Project, Map<string, readonly Import[]>>()

/** All imports of a file, re-exports among them. */
export function importsOf(project: Project, file: SourceFile): readonly Import[] {
  const ofProject = known.get(project) ?? new Map<string, readonly Import[]>()
  known.set(project, ofProject)
  const ready = ofProject.get(file.path)
  if (ready !== undefined) return ready
  const imports: Import[] = []
  walk(file.tree, (node) => {
    const found = readImport(node)
    if (found === null) return
    const target = resolve(project, file.path, found.specifier)
    if (found.how === "address" && "packageName" in target) return
    imports.push({ line: lineOf(file, node), how: found.how, target })
  })
  ofProject.set(file.path, imports)
  return imports
}

/** The importers of every file that is imported: path of the imported to paths of its importers. */
export function importersOf(
  project: Project,
  sources: readonly SourceFile[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const importers = new Map<string, Set<string>>()
  for (const source of sources) {
    for (const { target } of importsOf(project, source)) {
      if (!("file" in target)) continue
      const known = importers.get(target.file) ?? new Set<string>()
      importers.set(target.file, known.add(source.path))
    }
  }
  return importers
}

type Found = { readonly specifier: string; readonly how: Import["how"] }

function readImport(node: ts.Node): Found | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
    return { specifier: node.moduleSpecifier.text, how: typeOnly ? "type" : "value" }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, how: node.isTypeOnly ? "type" : "value" }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, how: "type" }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments
    return argument !== undefined && ts.isStringLiteralLike(argument) ? { specifier: argument.text, how: "lazy" } : null
  }
  return readAddress(node)
}

function readAddress(node: ts.Node): Found | null {
  if (!ts.isNewExpression(node) || node.expression.getText() !== "URL") return null
  const [path, base] = node.arguments ?? []
  if (path === undefined || !ts.isStringLiteralLike(path) || base?.getText() !== "import.meta.url") return null
  return { specifier: path.text, how: "address" }
}

/** Relative specifiers and those of our own packages are files, whether they exist or not; the rest are packages. */
function resolve(project: Project, from: string, specifier: string): Import["target"] {
  if (specifier.startsWith(".")) return { file: posix.normalize(`${posix.dirname(from)}/${specifier}`) }
  const own = /^@brevet\/([^/]+)(?:\/(.+))?$/.exec(specifier)
  if (own !== null) {
    const path = `packages/${own[1]}/src/${own[2] ?? "index"}`
    return { file: project.files.has(`${path}.tsx`) ? `${path}.tsx` : `${path}.ts` }
  }
  const [first = "", second] = specifier.split("/")
  return { packageName: specifier.startsWith("@") && second !== undefined ? `${first}/${second}` : first }
}
