/** Health and sign-in mode on the wire: calls that need no key (documented). */
import { z } from "zod"
import { route } from "./route.ts"

const detailsAnswer = z.object({
  status: z.enum(["ok", "unavailable"]),
  components: z.array(
    z.object({ name: z.string(), status: z.enum(["ok", "unavailable"]), details: z.string().nullable() }),
  ),
})

/** What the details of health are. */
export type HealthDetails = z.output<typeof detailsAnswer>

/** `GET /v1/health/` (documented). */
export const getHealthRoute = route({
  id: "getHealth",
  method: "GET",
  path: "/v1/health/",
  summary: "Tell that the process is alive",
  tag: "Health",
  scopes: "public",
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "Alive", schema: z.object({ status: z.literal("ok") }) } },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/health/details` (documented). */
export const getHealthDetailsRoute = route({
  id: "getHealthDetails",
  method: "GET",
  path: "/v1/health/details",
  summary: "Tell whether the server can work",
  tag: "Health",
  scopes: "public",
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: { description: "Ready", schema: detailsAnswer },
    503: { description: "Starting, draining, or without its store", schema: detailsAnswer },
  },
  errors: [],
  idempotency: "none",
})

/** `GET /v1/config/auth-mode` (documented). */
export const getAuthModeRoute = route({
  id: "getAuthMode",
  method: "GET",
  path: "/v1/config/auth-mode",
  summary: "Tell how people sign in",
  tag: "Health",
  scopes: "public",
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: {
    200: {
      description: "The mode",
      schema: z.object({ authentication_mode: z.literal("api_key"), dev_login_enabled: z.literal(false) }),
    },
  },
  errors: [],
  idempotency: "none",
})
