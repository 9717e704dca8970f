// @ts-check
// Plays many rounds of the chaos test: `npm run chaos -- <rounds> <first seed>`; 60 rounds from a random seed if nothing is
// said. A round that fails prints its seed.
import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const [rounds = "60", seed = String(Math.floor(Math.random() * 1_000_000))] = process.argv.slice(2)

const child = spawn(
  process.execPath,
  [vitest, "run", "packages/server/src/chaos.test.ts", "--disable-console-intercept"],
  {
    cwd: root,
    env: { ...process.env, CHAOS_ROUNDS: rounds, CHAOS_SEED: seed },
    stdio: "inherit",
  },
)
child.on("close", (code) => {
  process.exitCode = code ?? 1
})
