/** The two fixtures of a suite as processes of their own, on ports that are free: several runs can go on at a time. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { JsonValue } from "@brevet/core/json"
import type { FixtureAddresses } from "./suite.ts"

/** The fixtures while they run. */
export type Fixtures = {
  readonly addresses: FixtureAddresses
  /** Forgets everything, and tells the model what to say. */
  reset(script: JsonValue | null): Promise<void>
  /** What was asked of the model since. */
  requests(): Promise<JsonValue>
  close(): Promise<void>
}

/** A port may be taken by another between the moment it was seen free and the moment it is listened on. */
const startsMax = 5

/** Starts both fixtures of the suite in a folder. */
export async function startFixtures(folder: string): Promise<Fixtures> {
  const http = await startFixture(join(folder, "fixture-server.mjs"))
  const model = await startFixture(join(folder, "fixture-llm.mjs")).catch(async (error: unknown) => {
    await http.close()
    throw error
  })
  return {
    addresses: { http: http.address, model: model.address },
    async reset(script) {
      await ask(`http://${http.address}/__reset`)
      await ask(`http://${model.address}/__script`, { method: "POST", body: JSON.stringify(script ?? []) })
    },
    requests: () => ask(`http://${model.address}/__requests`),
    async close() {
      await Promise.all([http.close(), model.close()])
    },
  }
}

type Fixture = { readonly address: string; close(): Promise<void> }

async function startFixture(file: string): Promise<Fixture> {
  for (let count = 1; ; count += 1) {
    const port = await freePort()
    const child = spawn(process.execPath, [file, String(port)], { stdio: ["ignore", "pipe", "ignore"] })
    if (await saysLine(child)) return { address: `127.0.0.1:${port}`, close: () => end(child) }
    if (count === startsMax) throw new Error(`${file} did not start`)
  }
}

/** Whether a process said its first line, which it does once it listens, before it ended. */
async function saysLine(child: ChildProcess): Promise<boolean> {
  if (child.stdout === null) return false
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, "line").then(() => true), once(child, "exit").then(() => false)])
  lines.close()
  child.stdout.resume()
  return first
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill()
  await ended
}

async function ask(url: string, options: RequestInit = {}): Promise<JsonValue> {
  const response = await fetch(url, options)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as JsonValue
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
