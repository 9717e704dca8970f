/** The comments of a file: where they stand and what they say. */
import ts from "typescript"
import type { SourceFile } from "./project.ts"

/** One comment with its slashes and stars. `line` is where it begins, from 1. */
export type Comment = { readonly line: number; readonly text: string }

const known = new WeakMap<ts.SourceFile, readonly Comment[]>()

/** Every comment, in the order of the text. */
export function commentsOf({ tree, text }: SourceFile): readonly Comment[] {
  const ready = known.get(tree)
  if (ready !== undefined) return ready
  const starts = new Map<number, number>()
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(tree)
    for (const child of children) visit(child)
    if (children.length > 0 || ts.isJsxText(node)) return
    for (const range of ts.getLeadingCommentRanges(text, node.pos) ?? []) starts.set(range.pos, range.end)
    for (const range of ts.getTrailingCommentRanges(text, node.end) ?? []) starts.set(range.pos, range.end)
  }
  visit(tree)
  const comments = [...starts]
    .sort(([one], [other]) => one - other)
    .map(([pos, end]) => ({
      line: tree.getLineAndCharacterOfPosition(pos).line + 1,
      text: text.slice(pos, end),
    }))
  known.set(tree, comments)
  return comments
}
