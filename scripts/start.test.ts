import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, expect, it } from "vitest"

const repository = fileURLToPath(new URL("..", import.meta.url))
const folders: string[] = []
const children: ChildProcess[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A checkout in small: the real scripts and two packages of one file each, with a migration. */
async function makeCheckout({ main = "export const started = true" } = {}): Promise<string> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "brevet-start-")))
  folders.push(root)
  const compilerOptions = {
    composite: true,
    module: "NodeNext",
    target: "ES2023",
    lib: ["ES2023"],
    skipLibCheck: true,
    types: [],
    rootDir: "src",
    outDir: "dist",
    tsBuildInfoFile: "dist/.tsbuildinfo",
  }
  const own = (references: object[]) => JSON.stringify({ compilerOptions, include: ["src"], references })
  const texts = {
    "package.json": JSON.stringify({ type: "module", engines: { node: ">=20.19" } }),
    "package-lock.json": "{}",
    "tsconfig.base.json": "{}",
    "tsconfig.json": JSON.stringify({
      files: [],
      references: [{ path: "packages/core" }, { path: "packages/server" }],
    }),
    "packages/core/package.json": JSON.stringify({ type: "module" }),
    "packages/core/tsconfig.json": own([]),
    "packages/core/src/word.ts": `export const word: string = "one"`,
    "packages/server/package.json": JSON.stringify({ type: "module" }),
    "packages/server/tsconfig.json": own([{ path: "../core" }]),
    "packages/server/src/main.ts": main,
    "packages/server/src/migrations/0001-first.sql": "SELECT 1",
  }
  for (const [path, text] of Object.entries(texts)) await write(root, path, text)
  for (const name of ["build.mjs", "start.mjs"])
    await cp(join(repository, "scripts", name), join(root, "scripts", name))
  await mkdir(join(root, "node_modules", "@brevet"), { recursive: true })
  await symlink(join(root, "packages", "core"), join(root, "node_modules", "@brevet", "core"))
  await symlink(join(repository, "node_modules", "typescript"), join(root, "node_modules", "typescript"))
  return root
}

async function write(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

type Ended = { readonly code: number | null; readonly out: string; readonly problems: string; readonly pid: number }

function launch(
  root: string,
  script: "build" | "start",
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [join(root, "scripts", `${script}.mjs`)], { stdio: ["ignore", "pipe", "pipe"] })
  children.push(child)
  let [out, problems] = ["", ""]
  child.stdout.on("data", (text) => {
    out += text
  })
  child.stderr.on("data", (text) => {
    problems += text
  })
  const ended = once(child, "close").then(([code]) => ({ code, out, problems, pid: child.pid ?? 0 }))
  return { child, ended }
}

const run = (root: string, script: "build" | "start"): Promise<Ended> => launch(root, script).ended

it("a build compiles, copies what tsc leaves alone, and is not repeated while the sources say the same", async () => {
  const root = await makeCheckout()
  expect(await run(root, "build")).toMatchObject({ code: 0, problems: expect.stringContaining("Built in") })
  expect(existsSync(join(root, "packages/server/dist/main.js"))).toBe(true)
  expect(await readFile(join(root, "packages/server/dist/migrations/0001-first.sql"), "utf8")).toBe("SELECT 1")

  // Times are not asked: a checkout or an image may have any.
  await utimes(join(root, "packages/core/src/word.ts"), new Date(), new Date())
  await write(root, "packages/core/src/word.test.ts", "this is not compiled")
  expect(await run(root, "build")).toMatchObject({ code: 0, out: "", problems: "" })
})

it("a change is built whatever its time, and what belonged to a source that is gone goes too", async () => {
  const root = await makeCheckout()
  await run(root, "build")
  await write(root, "packages/core/src/word.ts", `export const word: string = "two"`)
  await utimes(join(root, "packages/core/src/word.ts"), new Date(0), new Date(0))
  await rm(join(root, "packages/server/src/migrations/0001-first.sql"))
  await write(root, "packages/server/src/migrations/0001-other.sql", "SELECT 2")
  expect(await run(root, "build")).toMatchObject({ code: 0 })
  expect(await readFile(join(root, "packages/core/dist/word.js"), "utf8")).toContain("two")
  expect(existsSync(join(root, "packages/server/dist/migrations/0001-first.sql"))).toBe(false)
  expect(existsSync(join(root, "packages/server/dist/migrations/0001-other.sql"))).toBe(true)
})

it("a build that failed says why, and the next one tries again", async () => {
  const root = await makeCheckout()
  await write(root, "packages/core/src/word.ts", `export const word: string = 1`)
  for (const script of ["build", "start"] as const) {
    const { code, problems } = await run(root, script)
    expect(code, script).toBe(1)
    expect(problems, script).toContain("word.ts")
  }
  await write(root, "packages/core/src/word.ts", `export const word: string = "1"`)
  expect(await run(root, "build")).toMatchObject({ code: 0 })
})

it("of several builds at the same moment one does the work and the others wait for it", async () => {
  const root = await makeCheckout()
  const ended = await Promise.all([run(root, "build"), run(root, "build"), run(root, "build")])
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(ended.filter(({ problems }) => problems.includes("Built in"))).toHaveLength(1)
})

it("a lock that a killed build left behind holds nobody up", async () => {
  const root = await makeCheckout()
  const gone = spawn(process.execPath, ["--version"])
  await once(gone, "close")
  await write(root, "node_modules/.brevet-build", String(gone.pid))
  expect(await run(root, "build")).toMatchObject({ code: 0 })
  expect(existsSync(join(root, "node_modules/.brevet-build"))).toBe(false)
})

it("a start runs the server in its own process, so that its exit code and its signals are the server's", async () => {
  const main = `
    declare const process: { pid: number, exitCode: number, once(name: string, then: () => void): void }
    declare const console: { log(text: string): void }
    declare function setInterval(then: () => void, everyMs: number): number
    declare function clearInterval(timer: number): void
    const timer = setInterval(() => {}, 1_000)
    process.once("SIGTERM", () => { process.exitCode = 7; clearInterval(timer) })
    console.log(String(process.pid))`
  const { child, ended } = launch(await makeCheckout({ main }), "start")
  child.stdout?.once("data", () => child.kill("SIGTERM"))
  const { code, out, pid } = await ended
  expect({ code, out: out.trim() }).toEqual({ code: 7, out: String(pid) })
})

it("a start says in one sentence that Node is too old", async () => {
  const root = await makeCheckout()
  await write(root, "package.json", JSON.stringify({ type: "module", engines: { node: ">=99.3" } }))
  const { code, problems } = await run(root, "start")
  expect(code).toBe(1)
  expect(problems).toBe(
    `Brevet needs Node 99.3 or newer, and this is Node ${process.versions.node}: install a newer one (nodejs.org).\n`,
  )
})

it("a start says in one sentence that packages are missing: all, the compiler, or one of them", async () => {
  const root = await makeCheckout({ main: `// @ts-ignore\nimport "a-package-that-is-not-there"` })
  expect(await run(root, "start")).toMatchObject({ code: 1, problems: expect.stringContaining("run `npm ci` again") })

  await rm(join(root, "packages/server/dist"), { recursive: true })
  await rm(join(root, "node_modules/typescript"))
  expect(await run(root, "start")).toMatchObject({ code: 1, problems: expect.stringContaining("Run `npm ci`") })

  await rm(join(root, "node_modules"), { recursive: true })
  expect(await run(root, "start")).toMatchObject({
    code: 1,
    problems: "The packages that Brevet needs are not installed: run `npm ci` first.\n",
  })
})
