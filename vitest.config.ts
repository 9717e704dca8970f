import { defineConfig } from "vitest/config"

// Tests read the sources of both packages directly (the `brevet-source` export condition; the bare `source` would catch other packages too), so nothing has to be built first.
export default defineConfig({
  resolve: { conditions: ["brevet-source"] },
  ssr: { resolve: { conditions: ["brevet-source"], externalConditions: ["brevet-source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "tidy/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "bench/**/*.test.ts",
      "conformance/**/*.test.ts",
    ],
    globalSetup: ["packages/server/src/testing/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ["default", "./scripts/count-reporter.ts"],
  },
})
