/** The contract's own document as a call (ours): it needs no key, so that clients can read it before they have one. */
import { z } from "zod"
import { route } from "./route.ts"

/** `GET /openapi.json` (ours). */
export const getOpenApiRoute = route({
  id: "getOpenApi",
  method: "GET",
  path: "/openapi.json",
  summary: "Read this document",
  description: "OpenAPI 3.1 of every call. `/docs` shows it as a page.",
  tag: "Documentation",
  scopes: "public",
  params: {},
  query: z.object({}),
  unknownQuery: "ignore",
  body: null,
  answers: { 200: { description: "The document", schema: z.looseObject({ openapi: z.string() }) } },
  errors: [],
  idempotency: "none",
})
