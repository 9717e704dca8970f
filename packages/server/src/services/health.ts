/** Whether this process can work: its own state, its store, and who answers for models. */
import type { HealthDetails } from "@brevet/core/contract/health"
import { Refusal } from "@brevet/core/errors"
import type { Ports } from "../ports/context.ts"
import type { Readiness } from "../ports/readiness.ts"

/** How long the store may take to answer before it counts as away. */
const storeAnswerMs = 2_000

type Component = HealthDetails["components"][number]

/** The state of every component. `ok` only where all are. */
export async function readHealth(
  ports: Pick<Ports, "store" | "models"> & { readonly readiness: Readiness },
): Promise<HealthDetails> {
  const state = ports.readiness.state()
  const components: Component[] = [
    { name: "server", status: state === "ready" ? "ok" : "unavailable", details: state },
    state === "starting" ? { name: "store", status: "unavailable", details: null } : await readStore(ports),
    { name: "models", status: "ok", details: ports.models.providers().join(", ") },
  ]
  return { status: components.every(({ status }) => status === "ok") ? "ok" : "unavailable", components }
}

async function readStore({ store }: Pick<Ports, "store">): Promise<Component> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<Component>((resolve) => {
    timer = setTimeout(resolve, storeAnswerMs, { name: "store", status: "unavailable", details: "does not answer" })
  })
  const answer = store.organizations.findFirst().then(
    (): Component => ({ name: "store", status: "ok", details: null }),
    (error: unknown): Component => {
      if (!(error instanceof Refusal)) throw error
      return { name: "store", status: "unavailable", details: "cannot be reached" }
    },
  )
  try {
    return await Promise.race([answer, silence])
  } finally {
    clearTimeout(timer)
  }
}
