/** Error workflows: the failure of a run starts another one, once, and never itself in a circle. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { systemIds } from "../adapters/ids.ts"
import { node, single, until, useTalkServer, workflow } from "../testing/talk.ts"
import { hook, makeTriggerClient } from "../testing/triggers.ts"

const talk = useTalkServer()
const { arm, store, send, runsOf } = makeTriggerClient(talk)

const onError = node("On error", "n8n-nodes-base.errorTrigger")
const stop = (message = "it broke"): JsonObject =>
  node("Stop", "n8n-nodes-base.stopAndError", { errorMessage: message })
let count = 0
/** A webhook whose run fails. */
async function failing(settings: JsonObject, nodes: readonly JsonObject[] = []) {
  count += 1
  const path = `failing-${count}`
  const definition = workflow([hook({ path, responseMode: "lastNode" }), stop(), ...nodes], [["Hook", "Stop"]], {
    settings,
  })
  const id = await arm(definition)
  return { id, fail: () => send(`/webhook/${path}`) }
}
const ended = (id: string, runs: number) =>
  until(async () => {
    const all = await runsOf(id)
    return all.length >= runs && all.every(({ finished_at: at }) => at !== null) && all
  }, `the runs of ${id}`)
/** Long enough for a second run to have begun, if there were one. */
const noMore = async (id: string): Promise<number> => {
  await until(
    async () =>
      (await talk.sql.first<{ n: number }>({ text: "SELECT count(*)::int AS n FROM error_notices" }))?.n === 0,
    "no notices",
  )
  return (await runsOf(id)).length
}

describe("an error workflow", () => {
  it("starts once for a run that fails, with the documented item", async () => {
    const watcher = await store(workflow([onError]))
    const { id, fail } = await failing({ errorWorkflow: watcher })
    expect((await fail()).status).toBe(422)
    const [run] = await ended(watcher, 1)
    const [failed] = await runsOf(id)
    const { output } = await talk.client.get(`/v1/runs/${run.id}`)
    expect(output).toEqual([
      {
        execution: {
          id: failed.id,
          url: `${talk.client.url}/v1/runs/${failed.id}`,
          error: { name: "NODE_STOPPED", message: "it broke", stack: "NODE_STOPPED: it broke", node: { name: "Stop" } },
          lastNodeExecuted: "Stop",
          mode: "trigger",
        },
        workflow: { id, name: "Hooked" },
      },
    ])
    expect([run.status, run.mode, await noMore(watcher)]).toEqual(["completed", "production", 1])
  })

  it("is found by its external id and by its name, too", async () => {
    const body = { name: "Watcher by name", external_id: "watcher-7", definition: workflow([onError]) }
    const { id: watcher } = (await talk.client.call("POST", "/v1/workflows", { body })).body
    await (await failing({ errorWorkflow: "watcher-7" })).fail()
    await (await failing({ errorWorkflow: "Watcher by name" })).fail()
    expect(await ended(watcher, 2)).toHaveLength(2)
  })

  it("is the workflow itself where it names none, and does not go round in a circle", async () => {
    const again = { ...stop("again"), name: "Again" }
    const definition = workflow(
      [hook({ path: "itself", responseMode: "lastNode" }), stop(), onError, again],
      [
        ["Hook", "Stop"],
        ["On error", "Again"],
      ],
    )
    const id = await arm(definition)
    await send("/webhook/itself")
    const runs = await ended(id, 2)
    expect(runs.map(({ status }) => status)).toEqual(["failed", "failed"])
    expect(await noMore(id)).toBe(2)
  })

  it("is told of turns that fail, and not of runs that somebody tries out or cancels", async () => {
    const watcher = await store(workflow([onError]))
    const settings = { errorWorkflow: watcher }
    talk.model.script([{ status: 400 }])
    const { assistantId } = await talk.client.promoted({ ...single(), settings })
    await talk.client.ask("Hello", { assistant_id: assistantId })
    await ended(watcher, 1)
    const manual = await store(
      workflow([node("Start", "n8n-nodes-base.manualTrigger"), stop()], [["Start", "Stop"]], { settings }),
    )
    await talk.client.call("POST", `/v1/workflows/${manual}/execute`, { body: { mode: "manual" } })
    talk.model.hold()
    const slow = await arm(
      workflow([hook({ path: "slow" }), node("Answer", "FreddyLLM", { prompt: "Hi" })], [["Hook", "Answer"]], {
        settings,
      }),
    )
    await send("/webhook/slow")
    await talk.client.call("POST", `/v1/runs/${(await runsOf(slow))[0].id}/cancel`)
    expect((await ended(slow, 1)).map(({ status }) => status)).toEqual(["cancelled"])
    expect(await noMore(watcher)).toBe(1)
  })

  it.each([
    ["is not there", "no such workflow"],
    ["has no error trigger", null],
  ])("that %s changes nothing for the run that failed", async (_, named) => {
    const other = named ?? (await store(workflow([node("Start", "n8n-nodes-base.manualTrigger")])))
    const { id, fail } = await failing({ errorWorkflow: other })
    expect((await fail()).json.error.code).toBe("NODE_FAILED")
    expect(await noMore(id)).toBe(1)
  })

  it("is told nothing while it is not active", async () => {
    const watcher = await store(workflow([onError]))
    await talk.client.call("PATCH", `/v1/workflows/${watcher}`, { body: { is_active: false } })
    await (await failing({ errorWorkflow: watcher })).fail()
    expect(await noMore(watcher)).toBe(0)
  })
})

describe("what a crash left behind", () => {
  it("is started by whoever sweeps, once, and not where it was stored already", async () => {
    const watcher = await store(workflow([onError]))
    const { id, fail } = await failing({ errorWorkflow: watcher })
    for (let run = 0; run < 3; run += 1) await fail()
    const [told] = await ended(watcher, 3)
    const [first, second, third] = await runsOf(id)
    await noMore(watcher)
    const uuid = (text: string) => text.replace("run_", "")
    const [organization] = await talk.sql.rows<{ id: string }>({ text: "SELECT id FROM organizations" })
    // The other run was stored, and its notice not removed; a run was to be started, and never was; nothing was begun.
    const left = [
      [first.id, told.id],
      [second.id, systemIds.next("run")],
      [third.id, null],
    ].map(([run, other]) => ({
      run: uuid(run),
      other: other === null ? null : uuid(other),
      organization: organization?.id,
    }))
    await talk.sql.rows({
      text: `INSERT INTO error_notices (run_id, organization_id, error_run_id, noted_at)
             SELECT run, organization, other, now() - interval '1 hour'
             FROM json_to_recordset($1) AS v(run uuid, organization uuid, other uuid)`,
      values: [JSON.stringify(left)],
    })
    expect(await noMore(watcher)).toBe(3 + 2)
  })
})
