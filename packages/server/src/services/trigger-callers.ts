/**
 * Whether whoever calls a trigger is somebody whom its node lets in: nobody asks, a name and password, a header, or a signed
 * token (documented). What a caller shows is compared in constant time, and never becomes a part of a run.
 */
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto"
import { Refusal } from "@brevet/core/errors"
import type { TriggerAuthentication } from "@brevet/core/graph/triggers/authentication"
import type { Id } from "@brevet/core/ids"
import { isJsonObject, type JsonObject } from "@brevet/core/json"
import type { Clock } from "../ports/context.ts"
import type { CredentialAccess } from "../ports/credential-access.ts"

/** What callers are judged by. */
export type CallerPorts = { readonly credentials: CredentialAccess; readonly clock: Clock }

/** Headers of a request, by their lower-case names. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** A caller who is let in. `secretHeader`: the one that showed it; `claims`: of a token. */
export type LetIn = { readonly secretHeader: string | null; readonly claims: JsonObject | null }

/** Who is judged: what the trigger demands, whose it is, and what the request shows. */
export type CallerQuestion = {
  readonly authentication: TriggerAuthentication
  readonly organizationId: Id<"organization">
  readonly headers: Headers
}

/** Throws AUTHENTICATION_REQUIRED and INSUFFICIENT_PERMISSIONS, the latter also where nobody can be let in. */
export async function judgeCaller(ports: CallerPorts, question: CallerQuestion): Promise<LetIn> {
  const { authentication, organizationId, headers } = question
  if (authentication.way === "none") return { secretHeader: null, claims: null }
  const data = authentication.way === "unknown" ? null : await dataOf(ports, authentication, organizationId)
  if (authentication.way === "unknown" || data === null) {
    throw refused("The node demands a credential that does not exist here, so that nobody is let in")
  }
  switch (authentication.way) {
    case "basic":
      requireBasic(data, headerOf(headers, "authorization"))
      return { secretHeader: "authorization", claims: null }
    case "header": {
      const name = textOf(data, "name").toLowerCase()
      if (!isSame(headerOf(headers, name), textOf(data, "value"))) throw refused("The header does not let you in")
      return { secretHeader: name, claims: null }
    }
    case "jwt":
      return { secretHeader: "authorization", claims: readToken(ports, data, headerOf(headers, "authorization")) }
  }
}

async function dataOf(
  { credentials }: CallerPorts,
  { credential }: Extract<TriggerAuthentication, { readonly way: "basic" | "header" | "jwt" }>,
  organizationId: Id<"organization">,
): Promise<JsonObject | null> {
  const found = credential === null ? null : await credentials.find(organizationId, credential)
  return found?.found === true ? found.credential.data : null
}

const refused = (systemMessage: string): Refusal => new Refusal("INSUFFICIENT_PERMISSIONS", { systemMessage })
const unknown = (systemMessage: string): Refusal =>
  new Refusal("AUTHENTICATION_REQUIRED", { message: "Authentication required.", systemMessage })

function headerOf(headers: Headers, name: string): string {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === "string" ? value : ""
}

function textOf(data: JsonObject, name: string): string {
  const value = Object.hasOwn(data, name) ? data[name] : undefined
  return typeof value === "string" ? value : ""
}

/** An empty text is never the same: a credential without a value lets nobody in. */
function isSame(shown: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
  return timingSafeEqual(digest(shown), digest(wanted)) && wanted !== ""
}

function requireBasic(data: JsonObject, header: string): void {
  const [, encoded = ""] = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header) ?? []
  const shown = Buffer.from(encoded, "base64").toString("utf8")
  const wanted = `${textOf(data, "user")}:${textOf(data, "password")}`
  if (wanted === ":" || !isSame(shown, wanted)) throw unknown("Send the name and password as Basic authorization")
}

/** Signatures by their names (RFC 7518): with a secret, or with a key whose other half only the sender has. */
const algorithms: Readonly<Record<string, { readonly hash: string; readonly isCurve?: true } | undefined>> = {
  HS256: { hash: "sha256" },
  HS384: { hash: "sha384" },
  HS512: { hash: "sha512" },
  RS256: { hash: "RSA-SHA256" },
  RS384: { hash: "RSA-SHA384" },
  RS512: { hash: "RSA-SHA512" },
  ES256: { hash: "sha256", isCurve: true },
  ES384: { hash: "sha384", isCurve: true },
  ES512: { hash: "sha512", isCurve: true },
}

/** The claims of a bearer token that is good now. */
function readToken({ clock }: CallerPorts, data: JsonObject, header: string): JsonObject {
  const [, token] = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(header) ?? []
  if (token === undefined) throw unknown("Send a signed token as Bearer authorization")
  const [head = "", body = "", signature = ""] = token.split(".")
  const claims = parsePart(body)
  // The algorithm is the credential's, never the token's own: else a token could choose how it is judged.
  const algorithm = textOf(data, "algorithm") || "HS256"
  const isSigned =
    parsePart(head)?.alg === algorithm && isGood(data, { algorithm, signed: `${head}.${body}`, signature })
  if (claims === null || !isSigned) throw refused("The token is not signed as the credential demands")
  const now = clock.nowMs() / 1_000
  if (typeof claims.exp === "number" && claims.exp <= now) throw refused("The token has expired")
  if (typeof claims.nbf === "number" && claims.nbf > now) throw refused("The token is not good yet")
  return claims
}

function parsePart(part: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"))
    return isJsonObject(value) && !Object.hasOwn(value, "__proto__") ? value : null
  } catch (error) {
    // Not JSON: no token.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

type Signed = { readonly algorithm: string; readonly signed: string; readonly signature: string }

function isGood(data: JsonObject, { algorithm, signed, signature }: Signed): boolean {
  const known = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined
  if (known === undefined) return false
  if (algorithm.startsWith("HS")) {
    const secret = textOf(data, "secret")
    return secret !== "" && isSame(signature, createHmac(known.hash, secret).update(signed).digest("base64url"))
  }
  try {
    const key = createPublicKey(textOf(data, "publicKey").replaceAll("\\n", "\n"))
    const options = known.isCurve === true ? ({ key, dsaEncoding: "ieee-p1363" } as const) : key
    return verify(known.hash, Buffer.from(signed), options, Buffer.from(signature, "base64url"))
  } catch {
    // A credential without a key that can be read lets nobody in.
    return false
  }
}
