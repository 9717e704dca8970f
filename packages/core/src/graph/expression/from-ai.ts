/**
 * What a tool's parameters ask a model for: the calls of `$fromAI(key, description?, type?, default?)` in its expressions,
 * found without running them. Only what stands there literally counts; a call that is put together in the run reads what
 * the model gave all the same.
 */
import type { CallExpression, Node } from "acorn"
import type { JsonValue } from "../../json.ts"
import { ExpressionError } from "./errors.ts"
import { isExpression } from "./evaluate.ts"
import { childrenOf, parseExpression } from "./syntax.ts"
import { splitTemplate } from "./template.ts"

/** One argument that a model is asked for. `fallback`: it need not be given. */
export type FromAiArgument = {
  readonly key: string
  readonly description: string
  readonly type: "string" | "number" | "boolean" | "json"
  readonly fallback?: JsonValue
}

/** Arguments of one tool (ours). */
const argumentsMax = 100
const names: ReadonlySet<string> = new Set(["$fromAI", "$fromAi", "$fromai"])

/** The arguments that a value asks for, each key once, in order. Expressions that cannot be read ask for nothing. */
export function fromAiArguments(value: JsonValue): readonly FromAiArgument[] {
  const found = new Map<string, FromAiArgument>()
  const stack: JsonValue[] = [value]
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (typeof entry === "string") {
      if (!isExpression(entry) || !/fromai/i.test(entry)) continue
      for (const argument of argumentsIn(entry)) {
        if (!found.has(argument.key) && found.size < argumentsMax) found.set(argument.key, argument)
      }
    } else if (typeof entry === "object" && entry !== null) stack.push(...Object.values(entry).reverse())
  }
  return [...found.values()]
}

function argumentsIn(text: string): readonly FromAiArgument[] {
  try {
    const sources = splitTemplate(text.slice(1)).filter(({ isExpression: isCode }) => isCode)
    return sources.flatMap(({ source }) => callsIn(parseExpression(source).tree)).flatMap(argumentOf)
  } catch (error) {
    // What is wrong with it is said where it is checked and where it is evaluated.
    if (error instanceof ExpressionError) return []
    throw error
  }
}

/** The calls in a tree, from left to right. */
function callsIn(root: Node): readonly CallExpression[] {
  const calls: CallExpression[] = []
  const stack: Node[] = [root]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.type === "CallExpression" && isFromAi(node as CallExpression)) calls.push(node as CallExpression)
    stack.push(...childrenOf(node).reverse())
  }
  return calls
}

function isFromAi({ callee }: CallExpression): boolean {
  return callee.type === "Identifier" && names.has(callee.name)
}

function argumentOf({ arguments: given }: CallExpression): readonly FromAiArgument[] {
  const [key, description, type, fallback] = given.map(literalOf)
  if (typeof key !== "string" || key === "" || key === "__proto__") return []
  const word = typeof type === "string" ? type.toLowerCase() : "string"
  return [
    {
      key,
      description: typeof description === "string" ? description : "",
      type: word === "number" || word === "boolean" || word === "json" ? word : "string",
      ...(given.length > 3 ? { fallback: fallback ?? null } : {}),
    },
  ]
}

function literalOf(node: Node): JsonValue | undefined {
  if (node.type === "Literal" && "value" in node) {
    const { value } = node as { value?: unknown }
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
  }
  if (node.type !== "TemplateLiteral" || !("quasis" in node)) return undefined
  const { quasis } = node as unknown as { quasis: readonly { value: { cooked?: string | null } }[] }
  return quasis.length === 1 ? (quasis[0]?.value.cooked ?? undefined) : undefined
}
