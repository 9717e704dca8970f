/**
 * The conformance suite as a figure:
 *
 *     npm run conformance                     all cases of this folder
 *     npm run conformance -- --suite FOLDER   those of another folder of the same form
 *     npm run conformance -- 390 http         only cases whose id holds one of the words
 *     npm run conformance -- --settle         takes what holds out of pending.json
 *
 * Starts a server as it is shipped, with the built-in Postgres, in a temporary folder. Exits with 1 where a case that is
 * neither informative nor pending does not hold.
 */

import { readFileSync, writeFileSync } from "node:fs"
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { startServer } from "../packages/server/src/compose.ts"
import { readConfig } from "../packages/server/src/config.ts"
import { type Fixtures, startFixtures } from "./fixtures.ts"
import { type Door, playCase, storeCredentials } from "./play.ts"
import { type IndexLine, ownSuite, readCase, readCredentials, readIndex } from "./suite.ts"

type Played = { readonly line: IndexLine; readonly differences: readonly string[] }

const pendingFile = join(ownSuite, "pending.json")
const key = "brv_key_of_the_conformance_run"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { suite: { type: "string", default: ownSuite }, settle: { type: "boolean", default: false } },
})
const { suite, settle } = values
const lines = readIndex(suite).filter(
  ({ id }) => positionals.length === 0 || positionals.some((word) => id.includes(word)),
)
const pending: Record<string, string> = JSON.parse(readFileSync(pendingFile, "utf8"))

const folder = await mkdtemp(join(await realpath(tmpdir()), "brevet-conformance-"))
// As root Postgres runs as another user, who has to be able to enter.
await chmod(folder, 0o711)
const fixtures = await startFixtures(suite)
try {
  report(await playAll(fixtures))
} finally {
  await fixtures.close()
  await rm(folder, { recursive: true, force: true })
}

async function playAll(fixtures: Fixtures): Promise<readonly Played[]> {
  const { http, model } = fixtures.addresses
  const server = await startServer(
    readConfig({
      BREVET_DATA: join(folder, "data"),
      BREVET_PORT: "0",
      BREVET_BOOTSTRAP_API_KEY: key,
      BREVET_LOG_LEVEL: "silent",
      BREVET_OUTBOUND_ALLOW: `${http},${model}`,
    }),
  )
  try {
    const door: Door = { address: server.address, key }
    await storeCredentials(door, readCredentials(suite, fixtures.addresses))
    const played: Played[] = []
    for (const line of lines) {
      const one = readCase(suite, line, fixtures.addresses)
      const differences = await playCase(door, fixtures, one).catch((error: unknown) => [String(error)])
      played.push({ line, differences })
    }
    return played
  } finally {
    await server.close()
  }
}

function report(played: readonly Played[]): void {
  const isPending = ({ line }: Played): boolean => suite === ownSuite && pending[line.id] !== undefined
  for (const one of played) {
    if (one.differences.length === 0) continue
    const mark = one.line.informative === true ? "differs (informative)" : isPending(one) ? "pending" : "FAILED"
    console.log(`${mark} ${one.line.id}: ${one.line.title}`)
    for (const difference of one.differences) console.log(`    ${difference}`)
  }
  const areas = [...new Set(played.map(({ line }) => line.area))]
  for (const area of areas) console.log(`${area}: ${figure(played.filter(({ line }) => line.area === area))}`)
  console.log(`all: ${figure(played)}`)
  const holding = played.filter((one) => isPending(one) && one.differences.length === 0)
  if (settle) settlePending(holding)
  else if (holding.length > 0) console.log(`pending, and hold: ${holding.map(({ line }) => line.id).join(", ")}`)
  const isFailed = (one: Played) => one.line.informative !== true && !isPending(one) && one.differences.length > 0
  if (played.some(isFailed)) process.exitCode = 1
}

function figure(played: readonly Played[]): string {
  const demanded = played.filter(({ line }) => line.informative !== true)
  const informative = played.filter(({ line }) => line.informative === true)
  return `${share(demanded)} hold; of the informative ones ${share(informative)}`
}

function share(played: readonly Played[]): string {
  return `${played.filter(({ differences }) => differences.length === 0).length} of ${played.length}`
}

function settlePending(holding: readonly Played[]): void {
  for (const { line } of holding) delete pending[line.id]
  writeFileSync(pendingFile, `${JSON.stringify(pending, null, 2)}\n`)
  console.log(`${holding.length} cases are no longer pending, ${Object.keys(pending).length} are`)
}
