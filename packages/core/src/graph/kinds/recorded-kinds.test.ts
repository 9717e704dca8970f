import { describe, expect, it } from "vitest"
import { runInMemory } from "../../testing/memory-run.ts"
import { type RecordedExecution, type RecordedRun, recordedKinds } from "../../testing/recorded.ts"

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

/** Cases in which we differ, and why; each is marked informative in the suite. */
const different: Readonly<Record<string, string>> = {
  "436-lineage-dedupe-removed": "the kept items keep their own lineage; pairing them by their new place would be wrong",
}

function play(run: RecordedRun) {
  return runInMemory({
    definition: { nodes: run.nodes, connections: run.connections },
    start: run.start,
    given: run.given,
  })
}

/** What the nodes of a run gave, as it is compared. */
function actualOf(run: RecordedRun) {
  const outcome = play(run)
  const nodes = Object.keys(run.expected).map((name) => [
    name,
    comparable(
      outcome.nodes[name]?.map(({ outputs, error }) => (error === undefined ? { outputs } : { fails: true as const })),
    ),
  ])
  return {
    nodes: Object.fromEntries(nodes),
    order: outcome.order,
    status: outcome.status,
    failed: outcome.error?.node ?? null,
  }
}

function expectedOf({ expected, order, status, failed }: RecordedRun) {
  const nodes = Object.entries(expected).map(([name, executions]) => [name, comparable(executions)])
  return { nodes: Object.fromEntries(nodes), order, status, failed }
}

describe("a recorded run of kinds that shape data", () => {
  const [same, other] = [
    recordedKinds.filter(({ id }) => different[id] === undefined),
    recordedKinds.filter(({ id }) => different[id] !== undefined),
  ]

  it.each(same.map((run) => [run.id, run.title, run] as const))("gives what n8n gave: %s (%s)", (_id, _title, run) => {
    expect(actualOf(run)).toEqual(expectedOf(run))
  })

  it.each(other.map((run) => [run.id, different[run.id], run] as const))(
    "differs on purpose: %s, since %s",
    (_id, _why, run) => {
      expect(run.informative).toBe(true)
      expect(actualOf(run)).not.toEqual(expectedOf(run))
    },
  )
})
