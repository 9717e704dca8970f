/**
 * The project as the tidy rules see it: every text file of the checkout with its path, and the syntax tree of those that
 * TypeScript can read. Trees are made on first use and shared by all rules. Nothing is type-checked here (the check does
 * that), so that all rules together take about a second.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"

/** One file. `path` is relative to the project's root, with forward slashes. */
export type ProjectFile = {
  readonly path: string
  readonly text: string
  /** Null for files that are not TypeScript or JavaScript. */
  readonly tree: ts.SourceFile | null
}

/** A file with a syntax tree. */
export type SourceFile = ProjectFile & { readonly tree: ts.SourceFile }

/** All files by path. `root` is the absolute path of the checkout; made-up projects have none. */
export type Project = {
  readonly root: string | null
  readonly files: ReadonlyMap<string, ProjectFile>
}

/** Folders that hold nothing written by people here: installed, built or kept by the running server. */
const foldersLeftOut = new Set([".git", "node_modules", "dist", "coverage", ".brevet", ".sdk-check"])

/** What others gave us to be kept as it is: the conformance suite's recorded outcomes, its fixtures and their pages. */
const isGiven = (path: string): boolean => /^conformance\/(.+\/.+|.+\.(json|mjs|md))$/.test(path)

const textEndings =
  /(^|\/)(LICENSE|\.gitignore|\.npmrc|\.editorconfig|run|sdk-check)$|\.(ts|tsx|mjs|json|md|sql|py|sh|yml|yaml|toml|html|css|txt|Dockerfile)$/

/** Reads the checkout at an absolute path. */
export function readProject(root: string): Project {
  const files = new Map<string, ProjectFile>()
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !foldersLeftOut.has(entry.name)) visit(path)
      else if (entry.isFile() && textEndings.test(path) && !isGiven(path))
        files.set(path, makeFile(path, readFileSync(join(root, path), "utf8")))
    }
  }
  visit("")
  return { root, files }
}

/** A made-up project, for tests of the rules: text by path. */
export function makeProject(texts: Readonly<Record<string, string>>): Project {
  return { root: null, files: new Map(Object.entries(texts).map(([path, text]) => [path, makeFile(path, text)])) }
}

/** The files with a syntax tree. */
export function sourcesOf(project: Project): readonly SourceFile[] {
  return [...project.files.values()].filter((file): file is SourceFile => isSourcePath(file.path))
}

/** The line of a node, from 1. */
export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line + 1
}

/** Calls `see` for every node below and including one, in the order of the text. */
export function walk(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => walk(child, see))
}

/** A file of tests, or one that only tests use. */
export function isTest(path: string): boolean {
  return /\.(test|testsuite)\.tsx?$/.test(path) || /^packages\/[^/]+\/src\/testing\//.test(path)
}

/** A file that becomes part of what people run. */
export function isProduct(path: string): boolean {
  return /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path) && !isTest(path)
}

function isSourcePath(path: string): boolean {
  return /\.(tsx?|mjs)$/.test(path)
}

function makeFile(path: string, text: string): ProjectFile {
  let tree: ts.SourceFile | null = null
  const kind = path.endsWith(".mjs") ? ts.ScriptKind.JS : path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  return {
    path,
    text,
    get tree() {
      if (isSourcePath(path))
        tree ??= ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.ES2023 }, true, kind)
      return tree
    },
  }
}
