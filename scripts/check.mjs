// @ts-check
// `npm run check`: everything that CI runs beside the tests themselves, each step named; all are run, and the end says
// which failed. `npm test` covers it: there every step is a test.
import { runStep, steps, tidyStep } from "./check-steps.mjs"

/** @type {import("./check-steps.mjs").Step[]} */
const failed = []
for (const step of [...steps, tidyStep]) {
  const startedAtMs = performance.now()
  const { ok, output } = await runStep(step)
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
  console.log(`${ok ? "ok    " : "FAILED"} ${step.name} (${seconds} s)`)
  if (ok) continue
  console.log(output)
  failed.push(step)
}

for (const { name, remedy } of failed) console.log(`FAILED ${name}: ${remedy}`)
if (failed.length > 0) process.exitCode = 1
else console.log("All steps passed.")
