/** The calls that need no key: health, and how people sign in. */
import { getAuthModeRoute, getHealthDetailsRoute, getHealthRoute } from "@brevet/core/contract/health"
import type { Ports } from "../../ports/context.ts"
import type { Readiness } from "../../ports/readiness.ts"
import { readHealth } from "../../services/health.ts"
import { bind } from "../route.ts"

/** Health and sign-in mode. */
export function makeHealthRoutes(ports: Pick<Ports, "store" | "models"> & { readonly readiness: Readiness }) {
  return [
    bind(getHealthRoute, async () => ({ status: 200, body: { status: "ok" } })),
    bind(getHealthDetailsRoute, async () => {
      const health = await readHealth(ports)
      if (health.status === "ok") return { status: 200, body: health }
      return { status: 503, body: health, headers: { "retry-after": "1" } }
    }),
    bind(getAuthModeRoute, async () => ({
      status: 200,
      body: { authentication_mode: "api_key", dev_login_enabled: false },
    })),
  ]
}
