/**
 * The conformance suite on a whole server. `pending.json` names the cases that do not hold yet, each with its reason; one
 * of them that holds fails here, so that the list only shrinks. Informative cases are recorded and not demanded.
 */
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startTestServer, type TestServer, testKey } from "../packages/server/src/testing/server.ts"
import { type Fixtures, startFixtures } from "./fixtures.ts"
import { playCase, storeCredentials } from "./play.ts"
import { ownSuite, readCase, readCredentials, readIndex } from "./suite.ts"

const pending: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("pending.json", import.meta.url), "utf8"),
)
const index = readIndex(ownSuite)

let fixtures: Fixtures
let server: TestServer

beforeAll(async () => {
  fixtures = await startFixtures(ownSuite)
  const { http, model } = fixtures.addresses
  server = await startTestServer({ BREVET_OUTBOUND_ALLOW: `${http},${model}` })
  await storeCredentials({ address: server.client.url, key: testKey }, readCredentials(ownSuite, fixtures.addresses))
})

afterAll(async () => {
  await server?.close()
  await fixtures?.close()
})

/** A case as a user would play it. Throws where something broke before anything could be compared. */
function play(line: (typeof index)[number]): Promise<readonly string[]> {
  const door = { address: server.client.url, key: testKey }
  return playCase(door, fixtures, readCase(ownSuite, line, fixtures.addresses))
}

/** The differences of a case; what broke before anything could be compared is one, too. */
function differencesOf(line: (typeof index)[number]): Promise<readonly string[]> {
  return play(line).catch((error: unknown) => [String(error)])
}

const named = (lines: typeof index) => lines.map((line) => [line.id, line.title, line] as const)

describe("a recorded outcome", () => {
  const demanded = index.filter(({ id, informative }) => informative !== true && pending[id] === undefined)

  it.each(named(demanded))("is ours too: %s (%s)", async (_id, _title, line) => {
    expect(await differencesOf(line)).toEqual([])
  })
})

describe("a case that is pending", () => {
  it.each(named(index.filter(({ id }) => pending[id] !== undefined)))(
    "does not hold yet: %s (%s)",
    async (_id, _title, line) => {
      expect(await differencesOf(line), "it holds: take it out of pending.json").not.toEqual([])
    },
  )

  it("is one of the suite, has its reason, and is demanded otherwise", () => {
    for (const [id, reason] of Object.entries(pending)) {
      expect(reason.length, id).toBeGreaterThan(10)
      expect(index.find((line) => line.id === id)).toMatchObject({ id })
      expect(index.find((line) => line.id === id)?.informative, id).not.toBe(true)
    }
  })
})

describe("an outcome that is recorded for information", () => {
  it.each(named(index.filter(({ informative }) => informative === true)))(
    "may differ, in a run that comes to its end: %s (%s)",
    async (_id, _title, line) => {
      expect(await play(line)).toBeInstanceOf(Array)
    },
  )
})
