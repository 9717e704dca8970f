import ts from "typescript"
import { lineOf, type SourceFile, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

/** Context first, subject next, one options object last. */
const positionalMax = 3

/** A call can be read without looking at what it calls. */
export const parameters: Rule = {
  name: "parameters",
  sentence: "has at most three positional parameters a function, and no boolean ones",
  check: (project) =>
    sourcesOf(project).flatMap((file) => {
      const breaches: Breach[] = []
      walk(file.tree, (node) => {
        if (!ts.isFunctionLike(node) || ts.isIndexSignatureDeclaration(node)) return
        breaches.push(...checkFunction(file, node))
      })
      return breaches
    }),
}

function checkFunction(file: SourceFile, node: ts.SignatureDeclaration): readonly Breach[] {
  const positional = node.parameters.filter((parameter) => parameter.name.getText() !== "this")
  const subject = nameOf(node)
  const breaches: Breach[] = []
  if (positional.length > positionalMax) {
    const message = `${subject} has ${positional.length} positional parameters, at most ${positionalMax} are allowed: context, subject, then one options object`
    breaches.push({ file: file.path, line: lineOf(file, node), subject, message })
  }
  for (const parameter of positional.filter(isBoolean)) {
    const message = `${parameter.name.getText()} of ${subject} is a boolean that a call cannot name: put it into an options object, or make two functions`
    breaches.push({ file: file.path, line: lineOf(file, parameter), subject, message })
  }
  return breaches
}

function isBoolean({ type, initializer }: ts.ParameterDeclaration): boolean {
  const isDefault = initializer?.kind === ts.SyntaxKind.TrueKeyword || initializer?.kind === ts.SyntaxKind.FalseKeyword
  return isDefault || (type !== undefined && isBooleanType(type))
}

/** `boolean`, also with null or undefined beside it. */
function isBooleanType(type: ts.TypeNode): boolean {
  if (type.kind === ts.SyntaxKind.BooleanKeyword) return true
  if (!ts.isUnionTypeNode(type)) return false
  const rest = type.types.filter((member) => !/^(null|undefined|true|false)$/.test(member.getText()))
  return rest.length === 0 ? /true|false/.test(type.getText()) : rest.every(isBooleanType)
}

function nameOf(node: ts.SignatureDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "the constructor"
  if (node.name !== undefined) return node.name.getText()
  const { parent } = node
  const isNamed =
    ts.isVariableDeclaration(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isTypeAliasDeclaration(parent)
  return isNamed ? parent.name.getText() : "a function"
}
