import ts from "typescript"
import { isTest, lineOf, sourcesOf, walk } from "../project.ts"
import type { Breach, Rule } from "../rule.ts"

const testFunctions = new Set(["it", "test", "describe", "suite", "bench"])

/** Every test runs, always, against the real thing. */
export const tests: Rule = {
  name: "tests",
  sentence: "skips no test, focuses none and mocks nothing of its own",
  check: (project) =>
    sourcesOf(project)
      .filter(({ path }) => isTest(path))
      .flatMap((file) => {
        const breaches: Breach[] = []
        walk(file.tree, (node) => {
          const message = problemOf(node)
          if (message !== null) breaches.push({ file: file.path, line: lineOf(file, node), message })
        })
        return breaches
      }),
}

function problemOf(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node)) return modifierProblem(node)
  if (!ts.isCallExpression(node)) return null
  const callee = node.expression.getText()
  if (/^(xit|xtest|xdescribe|fit|fdescribe)$/.test(callee)) return ranProblem(callee)
  if (/^vi\.(mock|doMock)$/.test(callee)) return mockProblem(node)
  if (!testFunctions.has(callee.split(/[.(]/)[0] ?? "")) return null
  const switched = node.arguments.flatMap((argument) =>
    ts.isObjectLiteralExpression(argument) ? argument.properties.flatMap(switchedOff) : [],
  )
  return switched[0] === undefined ? null : ranProblem(`{ ${switched[0]} }`)
}

/** `it.skip`, `describe.concurrent.only`, `it.todo`; also `context.skip()` inside a test. */
function modifierProblem(node: ts.PropertyAccessExpression): string | null {
  const modifier = node.name.text
  const root = node.expression.getText().split(/[.(]/)[0] ?? ""
  if (testFunctions.has(root) && /^(skip|only|todo|fails|skipIf|runIf)$/.test(modifier)) {
    return ranProblem(`${root}.${modifier}`)
  }
  const isCalled = ts.isCallExpression(node.parent) && node.parent.expression === node
  return isCalled && modifier === "skip" && /^(context|ctx|task|t)$/.test(root) ? ranProblem(`${root}.skip`) : null
}

function switchedOff(property: ts.ObjectLiteralElementLike): readonly string[] {
  const name = property.name?.getText() ?? ""
  if (!/^(skip|only|todo|fails)$/.test(name)) return []
  const isFalse = ts.isPropertyAssignment(property) && property.initializer.kind === ts.SyntaxKind.FalseKeyword
  return isFalse ? [] : [name]
}

function ranProblem(what: string): string {
  return `${what}: every test runs, everywhere. Mend it or take it out`
}

function mockProblem(node: ts.CallExpression): string | null {
  const [target] = node.arguments
  const isOwn = target !== undefined && ts.isStringLiteralLike(target) && /^(\.|@brevet\/)/.test(target.text)
  return isOwn ? "no mocks of our own code: hand in another port, or use the real thing (testing/context.ts)" : null
}
