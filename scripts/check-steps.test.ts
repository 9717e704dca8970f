import { expect, it } from "vitest"
import { runStep, steps } from "./check-steps.mjs"

/** Compilers on a busy machine take their time. */
const stepTimeoutMs = 300_000

it.each(steps.map((step) => [step.name, step] as const))(
  "the check's step passes: %s",
  async (_name, step) => {
    const { ok, output } = await runStep(step)
    if (!ok) expect.fail(`${step.remedy}\n${output}`)
  },
  stepTimeoutMs,
)

it("a step that fails says so, with all that it wrote", async () => {
  const program = "console.log('to one'); console.error('to the other'); process.exitCode = 3"
  const result = await runStep({ name: "a step", command: ["--eval", program], remedy: "none" })
  expect(result.ok).toBe(false)
  expect(result.output).toContain("to one")
  expect(result.output).toContain("to the other")
})

it("a step that is killed has failed", async () => {
  const program = "process.kill(process.pid, 'SIGKILL')"
  expect(await runStep({ name: "a step", command: ["--eval", program], remedy: "none" })).toMatchObject({ ok: false })
})
