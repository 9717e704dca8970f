/** Who may call a webhook: addresses, programs that only look, and pages of other origins (documented options). */
import { BlockList, isIP } from "node:net"
import { Refusal } from "@brevet/core/errors"
import type { WebhookSettings } from "@brevet/core/graph/triggers/webhook-settings"
import type { FastifyReply, FastifyRequest } from "fastify"

/** Programs that fetch addresses to look at them: previews of links, crawlers, monitors of search engines. */
const bots =
  /bot\b|crawl|spider|slurp|facebookexternalhit|whatsapp|telegram|slack-img|slackbot|discord|embedly|preview|headlesschrome|lighthouse|pingdom|uptimerobot/i

/** Throws INSUFFICIENT_PERMISSIONS for whoever may not call. */
export function requireCaller(
  { allowedAddresses, ignoreBots }: Pick<WebhookSettings, "allowedAddresses" | "ignoreBots">,
  request: FastifyRequest,
): void {
  if (allowedAddresses.length > 0 && !isListed(allowedAddresses, request.ip)) {
    throw new Refusal("INSUFFICIENT_PERMISSIONS", { systemMessage: "This client address may not call the webhook" })
  }
  if (ignoreBots && bots.test(request.headers["user-agent"] ?? "")) {
    throw new Refusal("INSUFFICIENT_PERMISSIONS", { systemMessage: "The webhook answers no bots" })
  }
}

const lists = new WeakMap<readonly string[], BlockList>()

/** True for an address that is listed, by itself or within a range. What is no address in the list lets nobody in. */
function isListed(listed: readonly string[], client: string): boolean {
  const list = lists.get(listed) ?? makeList(listed)
  lists.set(listed, list)
  // An IPv4 caller on a socket that takes both.
  const address = client.replace(/^::ffff:(?=\d+\.)/i, "")
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4")
}

function makeList(listed: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of listed) {
    const [address = "", bits] = text.split("/")
    const version = isIP(address)
    if (version === 0) continue
    const family = version === 6 ? "ipv6" : "ipv4"
    if (bits === undefined) list.addAddress(address, family)
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32)) {
      list.addSubnet(address, Number(bits), family)
    }
  }
  return list
}

/** How long a browser may remember what a webhook allows (seconds). */
const corsMaxAgeSeconds = 300

/** Says which pages may read the answer. Keys and cookies of ours play no part at these addresses, so none are allowed. */
export function allowOrigin(
  { allowedOrigins }: Pick<WebhookSettings, "allowedOrigins">,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { origin } = request.headers
  if (origin === undefined) return
  if (allowedOrigins.includes("*")) reply.header("access-control-allow-origin", "*")
  else {
    reply.header("vary", "origin")
    if (allowedOrigins.includes(origin)) reply.header("access-control-allow-origin", origin)
  }
}

/** Answers a browser that asks before it calls. */
export function answerPreflight(methods: readonly string[], request: FastifyRequest, reply: FastifyReply): void {
  const asked = request.headers["access-control-request-headers"]
  reply.header("access-control-allow-methods", ["OPTIONS", ...methods].join(", "))
  reply.header("access-control-max-age", String(corsMaxAgeSeconds))
  if (typeof asked === "string" && asked.length < 2_000) reply.header("access-control-allow-headers", asked)
  reply.code(204).send()
}
