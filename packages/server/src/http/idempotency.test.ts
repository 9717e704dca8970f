import { createHash } from "node:crypto"
import type { Route } from "@brevet/core/contract/route"
import { Refusal } from "@brevet/core/errors"
import { uuidOf } from "@brevet/core/ids"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import type { Context } from "../ports/context.ts"
import { makeAuditRow } from "../services/audit.ts"
import { markKeptMs, purgeMarks } from "../services/idempotency.ts"
import { makeTestApp, type TestApp, type TestRequest } from "../testing/app.ts"
import { makeTestContext, type TestContext } from "../testing/context.ts"
import { probePatch, probePost, probeRun, probeSecret } from "../testing/probe-routes.ts"
import { type Answer, bind, type CallInput } from "./route.ts"

let context: TestContext
let probe: TestApp
/** What the next call does, and how often one was made. */
let act: (cx: Context, input: CallInput<Route>) => Promise<Answer>
let calls = 0

const probeAfter = { ...probePost, id: "probeAfter", path: "/v1/after-probe", idempotency: "after" } as const

beforeAll(async () => {
  context = await makeTestContext()
  const called = (cx: Context, input: CallInput<Route>): Promise<Answer> => {
    calls += 1
    return act(cx, input)
  }
  const routes = [probePost, probeSecret, probeRun, probePatch, probeAfter].map((route) => bind(route, called))
  probe = await makeTestApp(context, { routes, settings: { rateLimitPerMinute: 1_000 } })
})

beforeEach(() => {
  calls = 0
  act = async (cx) => {
    await leaveTrace(cx)
    return { status: 201, body: { number: calls }, headers: { location: `/v1/probe/${calls}`, etag: `"${calls}"` } }
  }
})

afterAll(async () => {
  await probe.close()
  await context.close()
})

/** Something that a call did and that a rollback undoes. */
const leaveTrace = (cx: Context): Promise<void> =>
  cx.store.audit.append(
    makeAuditRow(cx, { type: "workflow", id: `flow_${"0".repeat(32)}`, name: "x" }, { action: "traced" }),
  )

const countOf = async (table: string, condition = "true"): Promise<number> => {
  const row = await context.sql.first<{ total: number }>({
    text: `SELECT count(*) AS total FROM ${table} WHERE ${condition}`,
  })
  return row?.total ?? -1
}
const traces = () => countOf("audit_logs", "action = 'traced'")

let keysMade = 0
/** A key that no other test has. */
const freshKey = (): string => {
  keysMade += 1
  return `key-${keysMade}`
}

const post = (key: string, request: Partial<TestRequest> = {}) =>
  probe.send({
    method: "POST",
    url: "/v1/probe",
    body: {},
    ...request,
    headers: { "idempotency-key": key, ...request.headers },
  })

const codeOf = async (answer: ReturnType<typeof post>): Promise<string> => {
  const { status, body } = await answer
  return `${status} ${body.error?.code ?? "fine"}`
}

test("the same key with the same body gets the first answer again, and the call is made once", async () => {
  const [key, before] = [freshKey(), await traces()]
  const first = await post(key, { body: { name: "x" } })
  const again = await post(key, { body: { name: "x" } })
  expect([first.status, first.headers["idempotent-replayed"]]).toEqual([201, undefined])
  expect([again.status, again.text]).toEqual([201, first.text])
  expect(again.headers).toMatchObject({ "idempotent-replayed": "true", location: "/v1/probe/1", etag: '"1"' })
  expect(again.headers["content-type"]).toBe(first.headers["content-type"])
  expect(again.headers["x-request-id"]).not.toBe(first.headers["x-request-id"])
  expect([calls, (await traces()) - before]).toEqual([1, 1])
})

test("another body or query under the same key is 422, and nothing is done", async () => {
  const key = freshKey()
  await post(key, { body: { name: "x" } })
  expect(await codeOf(post(key, { body: { name: "y" } }))).toBe("422 IDEMPOTENCY_KEY_REUSED")
  expect(await codeOf(post(key, { body: {} }))).toBe("422 IDEMPOTENCY_KEY_REUSED")
  expect(await codeOf(post(key, { body: { name: "x" }, url: "/v1/probe?dry_run=1" }))).toBe(
    "422 IDEMPOTENCY_KEY_REUSED",
  )
  expect(calls).toBe(1)
})

test("blanks of the body do not matter, and no body is the same as an empty one", async () => {
  const [key, empty] = [freshKey(), freshKey()]
  await post(key, { body: { name: "x" } })
  expect((await post(key, { body: ' { "name":\n"x" } ' })).headers["idempotent-replayed"]).toBe("true")
  await post(empty, { body: undefined })
  for (const body of [{}, "", "null"]) expect((await post(empty, { body })).headers["idempotent-replayed"]).toBe("true")
  expect(calls).toBe(2)
})

test("a key is another one on another path, for another organization, and without a slash at the end it is the same", async () => {
  const key = freshKey()
  await post(key)
  act = async () => ({ status: 201, body: {}, secretId: "ak_1" })
  expect(await codeOf(post(key, { url: "/v1/secret-probe" }))).toBe("201 fine")
  expect((await post(key, { url: "/v1/probe/" })).headers["idempotent-replayed"]).toBe("true")
  const other = await makeTestApp(
    { ...context, cx: await context.makeOtherTenant() },
    { routes: [bind(probePost, async () => ({ status: 201, body: { other: true } }))] },
  )
  const answer = await other.send({ method: "POST", url: "/v1/probe", body: {}, headers: { "idempotency-key": key } })
  expect(answer.body).toEqual({ other: true })
  await other.close()
})

test("a refusal decided after validation is kept, what the call did is undone, and the same refusal comes again", async () => {
  for (const code of ["WORKFLOW_INACTIVE", "WORKFLOW_NOT_FOUND", "VALIDATION_ERROR"] as const) {
    const [key, before] = [freshKey(), await traces()]
    act = async (cx) => {
      await leaveTrace(cx)
      throw new Refusal(code, { details: { nth: calls } })
    }
    calls = 0
    const [first, again] = [await post(key), await post(key)]
    expect(first.body.error).toMatchObject({ code, details: { nth: 1 } })
    expect([again.status, again.text]).toEqual([first.status, first.text])
    expect([first.headers["idempotent-replayed"], again.headers["idempotent-replayed"]]).toEqual([undefined, "true"])
    expect([calls, (await traces()) - before]).toEqual([1, 0])
  }
})

test("a refusal of the shape, of the caller, of the rate and of the server is never kept", async () => {
  const key = freshKey()
  const before = await countOf("idempotency_keys")
  expect(await codeOf(post(key, { body: { wrong: 1 } }))).toBe("422 VALIDATION_ERROR")
  expect(await codeOf(post(key, { key: null }))).toBe("401 AUTHENTICATION_REQUIRED")
  expect(await codeOf(post(key, { key: await probe.makeKey(["chat"]) }))).toBe("403 INSUFFICIENT_PERMISSIONS")
  for (const code of [
    "ORGANIZATION_ACCESS_DENIED",
    "RATE_LIMIT_EXCEEDED",
    "SERVICE_UNAVAILABLE",
    "MODEL_ERROR",
  ] as const) {
    act = () => Promise.reject(new Refusal(code))
    expect(await codeOf(post(key))).toContain(code)
  }
  act = async (cx) => {
    await leaveTrace(cx)
    throw new Error("a bug")
  }
  const traced = await traces()
  expect(await codeOf(post(key))).toBe("500 INTERNAL_ERROR")
  expect(await traces()).toBe(traced)
  expect(await countOf("idempotency_keys")).toBe(before)
  act = async () => ({ status: 201, body: {} })
  expect(await codeOf(post(key))).toBe("201 fine")
})

test("of many requests with one key at the same moment one is made, and the others are told so", async () => {
  const [key, before] = [freshKey(), await traces()]
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let begun: () => void = () => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  act = async (cx) => {
    await leaveTrace(cx)
    begun()
    await held
    return { status: 201, body: { number: calls } }
  }
  const first = post(key)
  await hasBegun
  const others = await Promise.all(Array.from({ length: 20 }, () => codeOf(post(key))))
  expect(new Set(others)).toEqual(new Set(["409 IDEMPOTENCY_KEY_IN_USE"]))
  release()
  expect((await first).status).toBe(201)
  expect((await post(key)).body).toEqual({ number: 1 })
  expect([calls, (await traces()) - before]).toEqual([1, 1])
})

test("requests with one key that start together are made once, whatever each of them is told", async () => {
  const [key, before] = [freshKey(), await traces()]
  const answers = await Promise.all(Array.from({ length: 30 }, () => post(key)))
  const made = answers.filter(({ status, headers }) => status === 201 && headers["idempotent-replayed"] === undefined)
  expect(made).toHaveLength(1)
  for (const { status, body } of answers) {
    if (status === 201) expect(body).toEqual(made[0]?.body)
    else expect([status, body.error.code]).toEqual([409, "IDEMPOTENCY_KEY_IN_USE"])
  }
  expect((await traces()) - before).toBe(1)
})

test("a mark whose owner died is gone with it, so that a repeat is made", async () => {
  const [key, before] = [freshKey(), await traces()]
  const normal = act
  act = async (cx) => {
    await leaveTrace(cx)
    // The connection that holds the key dies in the middle of the call, as it does with its process.
    await context.sql.rows({
      text: "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
    })
    await leaveTrace(cx)
    return { status: 201, body: {} }
  }
  expect(await codeOf(post(key))).toBe("503 SERVICE_UNAVAILABLE")
  expect(await traces()).toBe(before)
  act = normal
  expect(await codeOf(post(key))).toBe("201 fine")
  expect((await traces()) - before).toBe(1)
})

test("an answer that shows a secret once is not kept: the replay is 409 with the id of what was made", async () => {
  const key = freshKey()
  act = async () => ({ status: 201, body: { id: "ak_7", key: "top-secret" }, secretId: "ak_7" })
  expect((await post(key, { url: "/v1/secret-probe" })).body.key).toBe("top-secret")
  const again = await post(key, { url: "/v1/secret-probe" })
  expect([again.status, again.body.error.code, again.body.error.details]).toEqual([
    409,
    "IDEMPOTENCY_KEY_IN_USE",
    { id: "ak_7" },
  ])
  expect(again.text).not.toContain("top-secret")
  expect(await countOf("idempotency_keys", "answer LIKE '%top-secret%' OR headers LIKE '%top-secret%'")).toBe(0)
  expect(await codeOf(post(key, { url: "/v1/secret-probe", body: { name: "y" } }))).toBe("422 IDEMPOTENCY_KEY_REUSED")
  act = () => Promise.reject(new Refusal("WORKFLOW_INACTIVE"))
  const refused = freshKey()
  await post(refused, { url: "/v1/secret-probe" })
  expect(await codeOf(post(refused, { url: "/v1/secret-probe" }))).toBe("409 WORKFLOW_INACTIVE")
})

test("a call that shows a secret and does not say what it made is a bug", async () => {
  act = async () => ({ status: 201, body: { key: "top-secret" } })
  expect(await codeOf(post(freshKey(), { url: "/v1/secret-probe" }))).toBe("500 INTERNAL_ERROR")
})

test("an answer is kept for 24 hours, then the key is free again, and old marks are removed", async () => {
  const [key, young] = [freshKey(), freshKey()]
  await post(key)
  context.clock.advance(markKeptMs)
  expect((await post(key, { body: {} })).headers["idempotent-replayed"]).toBe("true")
  await post(young)
  context.clock.advance(1)
  expect(await purgeMarks(context.cx)).toBeGreaterThan(0)
  expect(await countOf("idempotency_keys", `key = '${young}'`)).toBe(1)
  expect(await countOf("idempotency_keys", `key = '${key}'`)).toBe(0)
  context.clock.advance(markKeptMs)
  const replaced = await post(young)
  expect([replaced.status, replaced.headers["idempotent-replayed"]]).toEqual([201, undefined])
  expect((await post(young, { body: { name: "other" } })).status).toBe(422)
})

test("the purge removes any number of marks and none that is young", async () => {
  const organization = uuidOf(context.cx.principal.organizationId)
  const old = new Date(context.clock.nowMs() - markKeptMs - 1)
  await context.sql.rows({
    text: `INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, created_at)
           SELECT $1, 'old-' || n, 'POST', '/x', '\\x00', $2 FROM generate_series(1, 2500) n`,
    values: [organization, old],
  })
  expect(await purgeMarks(context.cx)).toBeGreaterThanOrEqual(2_500)
  expect(await purgeMarks(context.cx)).toBe(0)
})

test("a key that cannot be one is 422, and without a key nothing is kept", async () => {
  for (const key of ["", "   ", "x".repeat(256), "\u00e9"]) {
    const { status, body } = await post(key)
    expect([key.slice(0, 4), status, body.error?.details.fields[0].field]).toEqual([
      key.slice(0, 4),
      422,
      "Idempotency-Key",
    ])
  }
  expect(await codeOf(post("x".repeat(255)))).toBe("201 fine")
  const before = await countOf("idempotency_keys")
  await probe.send({ method: "POST", url: "/v1/probe", body: {} })
  await probe.send({ method: "POST", url: "/v1/probe", body: {} })
  expect([calls, await countOf("idempotency_keys")]).toEqual([3, before])
})

test("methods that repeat without harm take no notice of a key", async () => {
  act = async () => ({ status: 200, body: {} })
  const patch = { method: "PATCH", url: `/v1/probe/flow_${"0".repeat(32)}` }
  const [key, before] = [freshKey(), await countOf("idempotency_keys")]
  await post(key, patch)
  expect((await post(key, { ...patch, body: { name: "y" } })).status).toBe(200)
  expect([calls, await countOf("idempotency_keys")]).toEqual([2, before])
})

test("runs that a call marks are ended after its commit, and not at all where it refused", async () => {
  const runId = context.cx.ids.next("run")
  const before = context.endedRuns.length
  let endedInside = 0
  act = async (cx) => {
    cx.runs.endMarked([runId])
    endedInside = context.endedRuns.length - before
    return { status: 201, body: {} }
  }
  await post(freshKey())
  expect([endedInside, context.endedRuns.slice(before)]).toEqual([0, [runId]])
  act = async (cx) => {
    cx.runs.endMarked([runId])
    throw new Refusal("WORKFLOW_INACTIVE")
  }
  await post(freshKey())
  expect(context.endedRuns.length - before).toBe(1)
})

test("a call that starts a run is handed the mark of the run that it started before", async () => {
  const key = freshKey()
  const seen: unknown[] = []
  act = async (_cx, { idempotency }) => {
    seen.push(idempotency)
    return { status: 200, body: {} }
  }
  const url = "/v1/run-probe"
  await post(key, { url, body: { name: "x" } })
  const bodyHash = createHash("sha256").update('\n{"name":"x"}').digest("hex")
  expect(seen[0]).toEqual({ key, method: "POST", path: url, bodyHash, found: null, startOver: expect.any(Function) })
  const [runId, responseId] = [context.cx.ids.next("run"), context.cx.ids.next("response")]
  await context.sql.rows({
    text: `INSERT INTO idempotency_keys (organization_id, key, method, path, body_hash, run_id, response_id, created_at)
           VALUES ($1, $2, 'POST', $3, $4, $5, $6, $7)`,
    values: [
      uuidOf(context.cx.principal.organizationId),
      key,
      url,
      Buffer.from(bodyHash, "hex"),
      uuidOf(runId),
      uuidOf(responseId),
      new Date(context.clock.nowMs()),
    ],
  })
  const attached = await post(key, { url, body: { name: "x" } })
  expect([attached.status, attached.headers["idempotent-replayed"]]).toEqual([200, "true"])
  expect(seen[1]).toMatchObject({ key, found: { runId, responseId, bodyHash, answer: null } })
  expect(await codeOf(post(key, { url, body: { name: "y" } }))).toBe("422 IDEMPOTENCY_KEY_REUSED")
  act = () => Promise.reject(new Refusal("WORKFLOW_INACTIVE"))
  const failed = await post(key, { url, body: { name: "x" } })
  expect([failed.status, failed.headers["idempotent-replayed"]]).toEqual([409, "true"])
  expect(calls).toBe(3)
  act = async (_cx, { idempotency }) => {
    await idempotency?.startOver()
    return { status: 200, body: { anew: true } }
  }
  const anew = await post(key, { url, body: { name: "x" } })
  expect([anew.body, anew.headers["idempotent-replayed"]]).toEqual([{ anew: true }, undefined])
  expect(await countOf("idempotency_keys", `key = '${key}'`)).toBe(0)
})

test("a call that was refused before it started a run is refused in the same words again", async () => {
  for (const url of ["/v1/run-probe", "/v1/after-probe"]) {
    const key = freshKey()
    calls = 0
    act = () => Promise.reject(new Refusal("WORKFLOW_INACTIVE", { details: { nth: calls } }))
    const [first, again] = [await post(key, { url }), await post(key, { url })]
    expect([again.status, again.text, again.headers["idempotent-replayed"]]).toEqual([409, first.text, "true"])
    act = () => Promise.reject(new Refusal("MODEL_ERROR"))
    const broken = freshKey()
    await post(broken, { url })
    act = async () => ({ status: url === "/v1/run-probe" ? 200 : 201, body: {} })
    expect((await post(broken, { url })).headers["idempotent-replayed"]).toBeUndefined()
    expect(calls).toBe(3)
  }
})

test("an answer that is kept after the call comes again as it was", async () => {
  const [key, url] = [freshKey(), "/v1/after-probe"]
  const [first, again] = [await post(key, { url }), await post(key, { url })]
  expect([first.headers["idempotent-replayed"], again.headers["idempotent-replayed"]]).toEqual([undefined, "true"])
  expect(again.text).toBe(first.text)
  expect(await codeOf(post(key, { url, body: { name: "y" } }))).toBe("422 IDEMPOTENCY_KEY_REUSED")
  expect(calls).toBe(1)
})
