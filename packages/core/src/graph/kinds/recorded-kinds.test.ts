import { describe, expect, it } from "vitest"
import { runInMemory } from "../../testing/memory-run.ts"
import { type RecordedExecution, recordedKinds } from "../../testing/recorded.ts"

/** Outputs without the empty ones at the end, which count as absent, and errors as whether there is one. */
function comparable(executions: readonly RecordedExecution[] | undefined) {
  return executions?.map(({ outputs, fails }) => {
    const lists = (outputs ?? []).map((items) =>
      items.map((json) => (typeof json.error === "string" ? { ...json, error: "words" } : json)),
    )
    while (lists.length > 0 && lists.at(-1)?.length === 0) lists.pop()
    return fails === true ? "fails" : lists
  })
}

/** Cases in which we differ, and why. */
const different: Readonly<Record<string, string>> = {}

describe("a recorded run of kinds that shape data", () => {
  it.each(
    recordedKinds.filter(({ id }) => different[id] === undefined).map((run) => [run.id, run.title, run] as const),
  )("gives what n8n gave: %s (%s)", (_id, _title, run) => {
    const outcome = runInMemory({
      definition: { nodes: run.nodes, connections: run.connections },
      start: run.start,
      given: run.given,
    })
    for (const [name, executions] of Object.entries(run.expected)) {
      const actual = outcome.nodes[name]?.map(({ outputs, error }) =>
        error === undefined ? { outputs } : { fails: true as const },
      )
      expect(comparable(actual), name).toEqual(comparable(executions))
    }
    expect(outcome.order).toEqual(run.order)
    expect(outcome.status).toBe(run.status)
    if (run.failed !== null) expect(outcome.error?.node).toBe(run.failed)
  })
})
