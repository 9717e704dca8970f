import { chmod, mkdir, readFile, realpath, rm, stat, symlink } from "node:fs/promises"
import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { base, prepareEmbeddedPostgres, run } from "../../testing/embedded-postgres.ts"
import { type Account, isRoot } from "./account.ts"
import { findPlatformPackage, makeSymlinks, type PlatformPackage, placeBinaries } from "./binaries.ts"

prepareEmbeddedPostgres()

let installed: PlatformPackage

beforeAll(async () => {
  installed = await findPlatformPackage(`${process.platform}-${process.arch}`)
})

/** The package as npm leaves it where install scripts are blocked: without its symlinks. */
async function copyWithoutLinks(name: string): Promise<PlatformPackage> {
  const folder = join(base, name, "package")
  await mkdir(join(base, name))
  await run("cp", ["-a", installed.folder, folder])
  await run("find", [join(folder, "native"), "-type", "l", "-delete"])
  return { folder, version: installed.version }
}

async function versionOf(postgres: string, account: Account | null): Promise<string> {
  const user = account === null ? {} : { uid: account.uid, gid: account.gid }
  return (await run(postgres, ["--version"], { cwd: "/", env: {}, ...user })).stdout
}

async function listedLinks(native: string): Promise<string[]> {
  const list = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as { readonly target: string }[]
  return list.map(({ target }) => join(native, "..", target))
}

it("makes the symlinks that the package's install script would have made, and leaves those that are there", async () => {
  const native = join((await copyWithoutLinks("blocked")).folder, "native")
  const [first = "", ...others] = await listedLinks(native)
  await symlink("somewhere-else", first)
  await makeSymlinks(native)
  for (const link of others) expect(await realpath(link)).toContain(native)
  await expect(realpath(first)).rejects.toMatchObject({ code: "ENOENT" })
})

it("runs the programs from the package where that is possible", async () => {
  const found = await copyWithoutLinks("usable")
  const binaries = await placeBinaries(null, found, join(base, "unused"))
  expect(binaries).toMatchObject({ folder: join(found.folder, "native"), majorVersion: 18 })
  expect(await versionOf(binaries.postgres, null)).toContain("18.")
  await expect(stat(join(base, "unused"))).rejects.toMatchObject({ code: "ENOENT" })
})

if (isRoot()) {
  it("runs a copy where the account may not enter a parent folder of the package, and keeps that copy", async () => {
    const found = await copyWithoutLinks("home-of-root")
    await chmod(join(base, "home-of-root"), 0o700)
    const nobody = { uid: 65_534, gid: 65_534, name: "nobody" }
    const binaries = await placeBinaries(nobody, found, join(base, "copies"))
    expect(binaries.folder).toBe(join(base, "copies", `postgres-${installed.version}`, "native"))
    expect(await versionOf(binaries.postgres, nobody)).toContain("18.")
    const made = await stat(binaries.folder)
    expect(await placeBinaries(nobody, found, join(base, "copies"))).toEqual(binaries)
    expect((await stat(binaries.folder)).ino).toBe(made.ino)
    await rm(join(base, "copies"), { recursive: true })
  })
}
