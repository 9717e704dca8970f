import { createHash, randomBytes } from "node:crypto"
import type { Id } from "@brevet/core/ids"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { BinaryScope, NewBinary } from "../../../ports/binary-table.ts"
import type { Context } from "../../../ports/context.ts"
import { makeTestContext, type TestContext } from "../../../testing/context.ts"
import { openSqlPool, type SqlPool } from "./sql.ts"
import { makeStore } from "./store.ts"

let context: TestContext
let cx: Context
let other: SqlPool
beforeAll(async () => {
  context = await makeTestContext()
  cx = context.cx
  other = openSqlPool({ connectionString: context.connectionString }, { connectionsMax: 4 })
})
afterAll(async () => {
  await other.close()
  await context.close()
})

const runBytesMax = 64 * 1024 * 1024
const scopeOf = (runId: Id<"run"> = cx.ids.next("run"), of: Context = cx): BinaryScope => ({
  organizationId: of.principal.organizationId,
  runId,
})
const file = (content: string | Uint8Array, rest: Partial<NewBinary> = {}): NewBinary => ({
  content: Buffer.from(content),
  mimeType: "text/plain",
  fileName: "a.txt",
  ...rest,
})
const keep = async (scope: BinaryScope, given: NewBinary, atMs = cx.clock.nowMs()) => {
  const kept = await cx.store.binaries.keep(scope, given, { runBytesMax, atMs })
  if (kept === null) throw new Error("not kept")
  return kept
}
const contents = () => context.sql.rows<{ size: number }>({ text: "SELECT size FROM binaries" })

/** A run that is stored. */
async function storedRun(): Promise<BinaryScope> {
  const scope = scopeOf()
  await context.sql.rows({
    text: `INSERT INTO runs (id, organization_id, status, mode, created_at) VALUES ($1, $2, 'running', 'production', now())`,
    values: [scope.runId.slice(4), scope.organizationId.slice(4)],
  })
  return scope
}

describe("files of runs", () => {
  it("come back byte for byte, under an id made of their content", async () => {
    const scope = scopeOf()
    const content = randomBytes(9 * 1024 * 1024 + 7)
    const kept = await keep(scope, file(content, { mimeType: "image/png", fileName: "ö.png" }))
    expect(kept).toEqual({
      id: `bin_${createHash("sha256").update(content).digest("hex")}`,
      bytes: content.length,
      mimeType: "image/png",
      fileName: "ö.png",
      keptAtMs: cx.clock.nowMs(),
    })
    expect((await cx.store.binaries.read(scope, kept.id))?.equals(content)).toBe(true)
    expect(await cx.store.binaries.find(scope, kept.id)).toEqual(kept)
  })

  it("may be empty, and hold every byte", async () => {
    const scope = scopeOf()
    const empty = await keep(scope, file(""))
    const every = await keep(scope, file(Uint8Array.from({ length: 256 }, (_, byte) => byte)))
    expect(await cx.store.binaries.read(scope, empty.id)).toHaveLength(0)
    expect([...((await cx.store.binaries.read(scope, every.id)) ?? [])]).toEqual([...Array(256).keys()])
  })

  it("are kept once for all runs of an organization, whatever they call them", async () => {
    const before = (await contents()).length
    const [one, two] = [scopeOf(), scopeOf()]
    const first = await keep(one, file("same"))
    await keep(one, file("same", { fileName: "second.txt" }))
    const second = await keep(two, file("same", { fileName: "b.csv", mimeType: "text/csv" }))
    expect(second.id).toBe(first.id)
    expect(second.fileName).toBe("b.csv")
    expect((await cx.store.binaries.list(one)).map(({ fileName }) => fileName)).toEqual(["a.txt"])
    expect((await contents()).length).toBe(before + 1)
  })

  it("are there only for the runs that have them, and only within their organization", async () => {
    const scope = scopeOf()
    const { id } = await keep(scope, file("mine"))
    const stranger = await context.makeOtherTenant()
    for (const asker of [scopeOf(), scopeOf(scope.runId, stranger)]) {
      expect(await cx.store.binaries.find(asker, id)).toBeNull()
      expect(await cx.store.binaries.read(asker, id)).toBeNull()
      expect(await cx.store.binaries.list(asker)).toEqual([])
    }
  })

  it("are shared with a run that is given items of another, and not with one of another organization", async () => {
    const [parent, child] = [scopeOf(), scopeOf()]
    const { id } = await keep(parent, file("for the child"))
    const options = { with: child.runId, atMs: cx.clock.nowMs() }
    await cx.store.binaries.share(scopeOf(parent.runId, await context.makeOtherTenant()), options)
    expect(await cx.store.binaries.list(child)).toEqual([])
    await cx.store.binaries.share(parent, options)
    await cx.store.binaries.share(parent, options)
    expect(String(await cx.store.binaries.read(child, id))).toBe("for the child")
  })

  it("are refused past what a run may have; then nothing of them stays", async () => {
    const scope = scopeOf()
    const options = { runBytesMax: 10, atMs: cx.clock.nowMs() }
    expect(await cx.store.binaries.keep(scope, file("12345678"), options)).not.toBeNull()
    expect(await cx.store.binaries.keep(scope, file("abc"), options)).toBeNull()
    expect(await cx.store.binaries.keep(scope, file("ab"), options)).not.toBeNull()
    expect((await cx.store.binaries.list(scope)).map(({ bytes }) => bytes).sort()).toEqual([2, 8])
  })

  it("are kept within a transaction as long as that stands", async () => {
    const scope = scopeOf()
    const given = file("rolled back")
    const rolledBack = cx.store.transaction(async (store) => {
      await store.binaries.keep(scope, given, { runBytesMax, atMs: cx.clock.nowMs() })
      expect(await store.binaries.keep(scope, file("too much"), { runBytesMax: 1, atMs: 0 })).toBeNull()
      throw new Error("no")
    })
    await expect(rolledBack).rejects.toThrow("no")
    expect(await cx.store.binaries.list(scope)).toEqual([])
  })

  it("are kept by many runs at the same moment", async () => {
    const content = randomBytes(200_000)
    const scopes = Array.from({ length: 12 }, () => scopeOf())
    const kept = await Promise.all(scopes.map((scope) => keep(scope, file(content))))
    expect(new Set(kept.map(({ id }) => id)).size).toBe(1)
    for (const scope of scopes) expect(await cx.store.binaries.list(scope)).toHaveLength(1)
  })

  it("have names and types that a column can hold", async () => {
    const kept = await keep(scopeOf(), file("x", { fileName: "a\0b\uD800.txt" }))
    expect(kept.fileName).toBe("ab\uFFFD.txt")
  })
})

describe("a purge", () => {
  const hourMs = 3_600_000
  const purge = (beforeMs = cx.clock.nowMs() - hourMs) => cx.store.binaries.purge({ beforeMs, limit: 100 })

  it("removes what no run has any more, once it is old, and nothing else", async () => {
    // What the tests before have left is nobody's.
    context.clock.advance(2 * hourMs)
    await purge()
    const [ended, living] = [await storedRun(), await storedRun()]
    const gone = await keep(ended, file("only the ended one has it"))
    const shared = await keep(ended, file("both have it"))
    await keep(living, file("both have it"))
    await cx.store.binaries.drop([ended.runId])
    expect(await cx.store.binaries.list(ended)).toEqual([])
    expect(await purge()).toBe(0)
    context.clock.advance(2 * hourMs)
    expect(await purge()).toBe(1)
    expect(String(await cx.store.binaries.read(living, shared.id))).toBe("both have it")
    expect(await keep(ended, file("only the ended one has it"))).toEqual({ ...gone, keptAtMs: cx.clock.nowMs() })
  })

  it("takes files from runs that never came to be, and leaves those of runs that did", async () => {
    const [never, stored] = [scopeOf(), await storedRun()]
    await keep(never, file("of a request that was refused"))
    const { id } = await keep(stored, file("of a run"))
    context.clock.advance(2 * hourMs)
    await purge()
    await purge()
    expect(await cx.store.binaries.list(never)).toEqual([])
    expect(String(await cx.store.binaries.read(stored, id))).toBe("of a run")
  })

  it("leaves what is kept again while it works", async () => {
    const scope = await storedRun()
    const given = file("kept again")
    const { id } = await keep(scope, given)
    await cx.store.binaries.drop([scope.runId])
    context.clock.advance(2 * hourMs)
    let purged: Promise<number> | null = null
    const otherStore = makeStore(other)
    await otherStore.transaction(async (store) => {
      await store.binaries.keep(scope, given, { runBytesMax, atMs: cx.clock.nowMs() })
      // It waits for the row that this transaction holds.
      purged = purge()
      for (let blocked = 0; blocked === 0; ) {
        const [row] = await context.sql.rows<{ count: number }>({
          text: "SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        })
        blocked = row?.count ?? 0
      }
    })
    expect(await purged).toBe(0)
    expect(String(await cx.store.binaries.read(scope, id))).toBe("kept again")
  })
})
