import { writeFileSync } from "node:fs"
import type { Reporter, TestModule, TestSuite } from "vitest/node"

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * Says at the very end how many tests ran, as one line for people and machines: `12 passed, 0 failed`. A file that cannot
 * be loaded, a hook that fails and an error outside any test count as one failure each, since their tests never ran.
 * `scripts/test.mjs` names a file in TEST_COUNT_FILE to print the line itself, after everything else.
 */
export default class CountReporter implements Reporter {
  #line = "0 passed, 1 failed"

  onInit(): void {
    const file = process.env.TEST_COUNT_FILE
    if (file !== undefined) writeFileSync(file, this.#line)
    else process.on("exit", () => console.log(this.#line))
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#line = countLine(count(modules, unhandledErrors))
    const file = process.env.TEST_COUNT_FILE
    if (file !== undefined) writeFileSync(file, this.#line)
  }
}

function count(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Counts {
  let failed = unhandledErrors.length
  let passed = 0
  let skipped = 0
  for (const module of modules) {
    const rooms: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()]
    failed += rooms.filter((room) => room.errors().length > 0).length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === "passed") passed += 1
      else if (state === "failed") failed += 1
      else if (state === "skipped") skipped += 1
    }
  }
  return { passed, failed, skipped }
}

function countLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`
}
