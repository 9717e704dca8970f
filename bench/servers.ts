/** Starts what is measured and what it talks to: the scripted models, the floor, and Brevet as it is shipped. */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import { Child, root, sourceArgs } from "./child.ts"
import { type Grounds, postmasterOf } from "./grounds.ts"
import { nowMs } from "./stamp.ts"

/** Where the models listen. */
export type Models = { readonly promptUrl: string; readonly pacedUrl: string; readonly pids: readonly number[] }

/** A started server. `readyMs`: from the start of its process to its first "ready". */
export type Server = {
  readonly address: string
  readonly child: Child
  readonly dataFolder: string
  readonly readyMs: number
  /** The id of its Postgres. */
  readonly postmaster: number
}

/** The key of the measured server. */
export const benchKey = "brv_key_of_the_benchmark_server"

/** Words of an answer of the model that answers at once. */
const promptTokens = 10
/** The steady model: pieces of an answer, and milliseconds between two. */
export const paced = { tokens: 50, delayMs: 20 } as const

const readyPollMs = 4
const readyMsMax = 60_000
const cacheFolder = join(root, "node_modules", ".cache", "brevet-bench")
const serverFolder = join(root, "packages", "server")

/** What the model that answers at once says. */
export const promptAnswer = Array.from({ length: promptTokens }, (_, index) => `token${index}`).join(" ")

/** Starts both models, each as a process of its own. */
export async function startModels(grounds: Grounds): Promise<Models> {
  const prompt = new Child("the scripted model", {
    args: sourceArgs(join(serverFolder, "src", "testing", "scripted-model-main.ts"), [
      "--tokens",
      String(promptTokens),
    ]),
  })
  const steady = new Child("the paced model", {
    args: sourceArgs(join(root, "bench", "paced-model.ts"), [
      `--tokens=${paced.tokens}`,
      `--chunk-delay-ms=${paced.delayMs}`,
    ]),
  })
  const children = [prompt, steady]
  for (const child of children) grounds.add(() => child.kill())
  const lines = (await Promise.all(children.map((child) => child.firstLine()))) as { readonly base_url: string }[]
  const [promptUrl = "", pacedUrl = ""] = lines.map((line) => line.base_url)
  return { promptUrl, pacedUrl, pids: children.map(({ pid }) => pid) }
}

/** Compiles the floor, so that it starts as fast and is as small as what it is compared with. Gives the file. */
export async function compileFloor(): Promise<string> {
  const { default: ts } = await import("typescript")
  const source = await readFile(join(root, "bench", "floor.ts"), "utf8")
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  })
  const file = join(cacheFolder, "floor.mjs")
  await mkdir(cacheFolder, { recursive: true })
  await writeFile(file, outputText)
  return file
}

/** How a server is started: its grounds and models, and a data folder that may hold data of an earlier start. */
export type StartOptions = { readonly grounds: Grounds; readonly models: Models; readonly dataFolder: string }

/** Starts the floor and waits until it is ready. `file` is the compiled floor. */
export async function startFloor(file: string, { grounds, models, dataFolder }: StartOptions): Promise<Server> {
  const port = await freePort()
  const postgres = join(serverFolder, "dist", "adapters", "postgres-embedded", "embedded-postgres.js")
  const args = [
    file,
    `--port=${port}`,
    `--data=${dataFolder}`,
    `--postgres=${pathToFileURL(postgres).href}`,
    `--model=${models.promptUrl}`,
    `--paced-model=${models.pacedUrl}`,
  ]
  return startAndWait({ name: "the floor", args, settings: {}, port, path: "/health", grounds, dataFolder })
}

/** Starts Brevet as it is built and waits until it is ready. `profileFolder`: it leaves a profile there when it ends. */
export async function startBrevet(
  { grounds, models, dataFolder }: StartOptions,
  options: { readonly profileFolder?: string | null } = {},
): Promise<Server> {
  const port = await freePort()
  const { profileFolder = null } = options
  const profiling =
    profileFolder === null ? [] : ["--cpu-prof", "--cpu-prof-interval=500", `--cpu-prof-dir=${profileFolder}`]
  const settings = {
    BREVET_DATA: dataFolder,
    BREVET_PORT: String(port),
    BREVET_BOOTSTRAP_API_KEY: benchKey,
    OPENAI_API_KEY: "scripted",
    OPENAI_BASE_URL: models.promptUrl,
    BREVET_OPENAI_COMPATIBLE: JSON.stringify([{ name: "paced", base_url: models.pacedUrl, models: ["paced-1"] }]),
  }
  const args = [...profiling, join(serverFolder, "dist", "main.js")]
  return startAndWait({ name: "Brevet", args, settings, port, path: "/v1/health/details", grounds, dataFolder })
}

type Starting = {
  readonly name: string
  readonly args: readonly string[]
  readonly settings: Readonly<Record<string, string>>
  readonly port: number
  readonly path: string
  readonly grounds: Grounds
  readonly dataFolder: string
}

async function startAndWait({ name, args, settings, port, path, grounds, dataFolder }: Starting): Promise<Server> {
  const startedMs = nowMs()
  const child = new Child(name, { args, settings })
  child.ignoreOutput()
  grounds.add(() => child.end())
  const address = `http://127.0.0.1:${port}`
  while (!(await answers(`${address}${path}`))) {
    child.requireAlive()
    if (nowMs() - startedMs > readyMsMax) throw new Error(`${name} was not ready in time`)
    await sleep(readyPollMs)
  }
  const readyMs = nowMs() - startedMs
  return { address, child, dataFolder, readyMs, postmaster: await postmasterOf(dataFolder) }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    // Nothing listens there yet.
    return false
  }
}

/** A port that was free a moment ago: who waits for a server has to know it before the server does. */
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
