/**
 * The expression language of the OpenAI Agent Builder (a part of the Common Expression Language) as an expression here:
 * paths, literals, comparisons, `&&`, `||`, `!`, arithmetic, `in`, `size()`, `has()`, and the methods of texts.
 *
 *     input.output_parsed.kind == "refund" && size(state.items) > 2
 */
import { quoteCode } from "./expression-text.ts"

/** What a path means: `["state", "items"]`; null where it means nothing. */
export type ReadPath = (path: readonly string[]) => string | null

/** Characters of an expression that is read (ours). */
const charsMax = 5_000

const token =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<path>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)|(?<sign>==|!=|<=|>=|&&|\|\||[<>!+\-*/%?:()[\],]))/y

/** Methods of texts that are called the same here, and those that are not. */
const methods: ReadonlyMap<string, string> = new Map([
  ["startsWith", "startsWith"],
  ["endsWith", "endsWith"],
  ["contains", "includes"],
])

/** The source of an expression; null where it is none that can be said here. Linear in the text. */
export function celExpression(text: string, read: ReadPath): string | null {
  if (text.length > charsMax) return null
  const parts: string[] = []
  let at = 0
  const open: string[] = []
  while (text.slice(at).trim() !== "") {
    token.lastIndex = at
    const match = token.exec(text)
    if (match?.groups === undefined) return null
    const { text: literal, number, path, sign } = match.groups
    at = token.lastIndex
    const isCall = /^\s*\(/.test(text.slice(at, at + 20))
    const part =
      literal !== undefined
        ? literalCode(literal)
        : (number ??
          (path === undefined ? signCode(sign ?? "", open) : pathPart(path.split(/\s*\.\s*/), { read, isCall })))
    if (part === null) return null
    parts.push(part)
  }
  return parts.length === 0 || open.length > 0 ? null : parts.join(" ")
}

function literalCode(literal: string): string {
  const inner = literal
    .slice(1, -1)
    .replace(/\\(.)/gs, (_, sign: string) => (sign === "n" ? "\n" : sign === "t" ? "\t" : sign))
  return quoteCode(inner)
}

/** Signs are the same here; brackets have to close what was opened. */
function signCode(sign: string, open: string[]): string | null {
  if (sign === "(" || sign === "[") open.push(sign)
  if (sign === ")" && open.pop() !== "(") return null
  if (sign === "]" && open.pop() !== "[") return null
  return sign === "" ? null : sign
}

function pathPart(
  path: readonly string[],
  { read, isCall }: { readonly read: ReadPath; readonly isCall: boolean },
): string | null {
  const [first = ""] = path
  if (path.length === 1 && ["true", "false", "null"].includes(first)) return first
  if (!isCall) return path.length === 1 && first === "in" ? null : read(path)
  if (path.length === 1) {
    if (first === "size") return "((value) => value?.length ?? Object.keys(value ?? {}).length)"
    if (first === "has") return "((value) => value !== undefined && value !== null)"
    if (first === "string") return "String"
    return first === "int" || first === "double" ? "Number" : null
  }
  const method = methods.get(path.at(-1) ?? "")
  const subject = method === undefined ? null : read(path.slice(0, -1))
  return subject === null ? null : `String(${subject} ?? "").${method}`
}
