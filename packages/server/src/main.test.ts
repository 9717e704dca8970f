/** The process as the person at the terminal meets it: first start, further starts, and everything that can be wrong. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"

const run = promisify(execFile)
const main = fileURLToPath(new URL("./main.ts", import.meta.url))

type Started = { readonly child: ChildProcess; readonly output: () => string; readonly errors: () => string }

let folder: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "brevet-main-"))
  // The user that Postgres runs as, where that is another one, has to be able to enter.
  await chmod(folder, 0o711)
})
afterEach(async () => {
  await Promise.all([...children].map((child) => stop(child, "SIGKILL")))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function start(settings: Readonly<Record<string, string>>): Started {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(BREVET_|OPENAI_|ANTHROPIC_|GOOGLE_|DATABASE_URL)/.test(name),
  )
  const child = spawn(process.execPath, ["--conditions=brevet-source", "--import", "tsx", main], {
    env: { ...Object.fromEntries(inherited), BREVET_PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  })
  children.add(child)
  const texts = { output: "", errors: "" }
  child.stdout.on("data", (piece: Buffer) => {
    texts.output += piece.toString()
  })
  child.stderr.on("data", (piece: Buffer) => {
    texts.errors += piece.toString()
  })
  return { child, output: () => texts.output, errors: () => texts.errors }
}

/** Waits until the server says that it is ready. */
async function ready(started: Started): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const look = () => started.output().includes("Ctrl-C stops the server") && resolve()
    started.child.stdout?.on("data", look)
    started.child.once("exit", (code) => reject(new Error(`it ended with ${code}: ${started.errors()}`)))
  })
  return started.output()
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve))
  child.kill(signal)
  return gone
}

/** How it ended, and what it said. */
async function ended({ child, errors }: Started): Promise<{ code: number | null; said: string }> {
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve))
  children.delete(child)
  return { code, said: errors() }
}

const commandsOf = (output: string): string =>
  output
    .split("\n")
    .filter((line) => /^(WORKFLOW=|ASSISTANT=|curl )/.test(line))
    .join("\n")

describe("starting in an empty folder", () => {
  it("prints address, key and three commands that work as they stand; later starts find everything again", async () => {
    const data = join(folder, "first")
    const first = start({ BREVET_DATA: data })
    const output = await ready(first)
    const key = /API key: (\S+)/.exec(output)?.[1] ?? ""
    expect(key).toMatch(/^brv_/)
    expect(output).toMatch(/Brevet is ready at http:\/\/127\.0\.0\.1:\d+/)
    expect(commandsOf(output).split("\n")).toHaveLength(3)
    const told = await run("bash", ["-eu", "-c", commandsOf(output)])
    expect(told.stdout).toContain("[demo")
    expect(told.stdout.trimEnd().endsWith("data: [DONE]")).toBe(true)
    const keyFile = join(data, "first-api-key")
    expect((await readFile(keyFile, "utf8")).trim()).toBe(key)
    expect((await stat(keyFile)).mode & 0o077).toBe(0)
    expect(first.errors()).not.toContain(key)
    expect(await stop(first.child, "SIGINT")).toBe(0)

    const second = start({ BREVET_DATA: data })
    const again = await ready(second)
    expect(again).not.toContain(key)
    expect(again).toContain(keyFile)
    expect((await run("bash", ["-eu", "-c", commandsOf(again)])).stdout).toContain("response.completed")
    await stop(second.child, "SIGKILL")

    const third = start({ BREVET_DATA: data })
    const afterKill = await ready(third)
    expect((await run("bash", ["-eu", "-c", commandsOf(afterKill)])).stdout).toContain("response.completed")
    expect(await stop(third.child, "SIGTERM")).toBe(0)
  })
})

describe("what cannot be started", () => {
  const oneSentence = (said: string): void => {
    expect(said.trim().split("\n")).toHaveLength(1)
    expect(said).not.toMatch(/\bat .*\.ts:\d+/)
  }

  it("a port in use is named, with what to do", async () => {
    const taken: Server = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const address = taken.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const { code, said } = await ended(
      start({ BREVET_DATA: join(folder, "port"), BREVET_PORT: String(port), BREVET_LOG_LEVEL: "silent" }),
    )
    taken.close()
    expect(code).toBe(1)
    expect(said).toContain(`127.0.0.1:${port} is in use`)
    oneSentence(said)
  })

  it("a data folder that cannot be written to", async () => {
    const file = join(folder, "file")
    await writeFile(file, "not a folder")
    const { code, said } = await ended(start({ BREVET_DATA: join(file, "data"), BREVET_LOG_LEVEL: "silent" }))
    expect(code).not.toBe(0)
    expect(said).toContain("BREVET_DATA")
    oneSentence(said)
  })

  it("a database where nothing listens, without its password", async () => {
    const DATABASE_URL = "postgresql://somebody:hunter2@127.0.0.1:1/brevet"
    const { code, said } = await ended(
      start({ BREVET_DATA: join(folder, "database"), DATABASE_URL, BREVET_LOG_LEVEL: "silent" }),
    )
    expect(code).toBe(1)
    expect(said).toContain("DATABASE_URL (127.0.0.1:1/brevet)")
    expect(said).not.toContain("hunter2")
    oneSentence(said)
  })

  it("a setting that is none, with the one that is meant", async () => {
    const { code, said } = await ended(start({ BREVET_DATA: join(folder, "setting"), BREVET_PROT: "80" }))
    expect(code).toBe(78)
    expect(said).toContain("BREVET_PROT is not a setting of Brevet. Did you mean BREVET_PORT?")
  })
})
