/** The answer page: what a browser gets, what it sends, and what is never told. */
import type { JsonObject } from "@brevet/core/json"
import { describe, expect, it } from "vitest"
import { node, useTalkServer, workflow } from "../../testing/talk.ts"

const grounds = useTalkServer()

async function pauseOf(parameters: JsonObject, type = "Ask") {
  const { client } = grounds
  const definition = workflow(
    [node("Start", "n8n-nodes-base.manualTrigger"), node("Q", type, parameters)],
    [["Start", "Q"]],
  )
  const made = await client.call("POST", "/v1/workflows", { body: { name: `W ${performance.now()}`, definition } })
  const run = await client.call("POST", `/v1/workflows/${made.body.id}/execute`)
  expect([run.status, run.body.status]).toEqual([202, "waiting"])
  const pauseId = String(run.body.pause.id)
  const pause = await client.get(`/v1/pauses/${pauseId}`)
  return { pauseId, runId: String(run.body.run_id), url: String(pause.answer_url ?? pause.webhook_url), pause }
}

const open = (url: string) => fetch(url)
const tokenOf = (url: string): string => url.slice(url.lastIndexOf("/") + 1)
const send = (url: string, fields: Record<string, string>) =>
  fetch(new URL("/answer", url), {
    method: "POST",
    body: new URLSearchParams({ _token: tokenOf(url), ...fields }),
    redirect: "manual",
  })
const outputOf = async (runId: string) => {
  const { nodes } = await grounds.client.get(`/v1/runs/${runId}/nodes`)
  return nodes.at(-1).executions[0].outputs
}
const ended = async (runId: string) => {
  for (;;) {
    const run = await grounds.client.get(`/v1/runs/${runId}`)
    if (["completed", "failed", "cancelled"].includes(run.status)) return run
  }
}

describe("the answer page", () => {
  it("shows the form without a key, however often it is opened, and changes nothing", async () => {
    const { url, pauseId } = await pauseOf({ message: "Which colour?" })
    for (let count = 0; count < 3; count += 1) {
      const answer = await open(url)
      expect(answer.status).toBe(200)
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer")
      expect(answer.headers.get("x-frame-options")).toBe("DENY")
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'")
      const text = await answer.text()
      expect(text).toContain("Which colour?")
      expect(text).not.toContain("<script")
    }
    expect((await fetch(url, { method: "HEAD" })).status).toBe(200)
    expect((await grounds.client.get(`/v1/pauses/${pauseId}`)).status).toBe("open")
  })

  it("takes the answer once, thanks, and tells whoever comes later who was first", async () => {
    const { url, pauseId, runId } = await pauseOf({ message: "Which colour?" })
    const first = await send(url, { answer: " Red " })
    expect([first.status, await first.text()]).toEqual([200, expect.stringContaining("Thank you")])
    expect(await grounds.client.get(`/v1/pauses/${pauseId}`)).toMatchObject({
      status: "answered",
      answer: "Red",
      answered_by: "somebody with the link",
      answered_at: expect.any(String),
    })
    const late = await send(url, { answer: "Blue" })
    expect([late.status, await late.text()]).toEqual([409, expect.stringContaining("somebody with the link")])
    const seen = await open(url)
    expect([seen.status, await seen.text()]).toEqual([410, expect.stringContaining("answered already")])
    expect((await ended(runId)).status).toBe("completed")
    expect(await outputOf(runId)).toEqual([[expect.objectContaining({ answer: "Red" })], []])
    // The link is shown for as long as there is something to answer.
    expect((await grounds.client.get(`/v1/pauses/${pauseId}`)).answer_url).toBeUndefined()
  })

  it("reads a form's fields as their types, and shows what does not fit beside what was typed", async () => {
    const { url, runId } = await pauseOf({
      title: "Order",
      fields: [
        { name: "count", label: "How many?", type: "number", required: true },
        { name: "when", type: "date" },
        { name: "gift", type: "boolean" },
        { name: "size", type: "choice", options: ["S", "M"], required: true },
        { name: "note" },
      ],
    })
    const page = await (await open(url)).text()
    for (const part of ["How many?", 'type="date"', 'type="checkbox"', 'type="radio"', "<textarea", "<legend>size"]) {
      expect(page).toContain(part)
    }
    const wrong = await send(url, { count: "many", when: "tomorrow", size: "XL", note: '"><b>' })
    expect(wrong.status).toBe(422)
    const again = await wrong.text()
    expect(again).toContain('role="alert"')
    expect(again).toContain('aria-invalid="true"')
    expect(again).toContain("&#34;&#62;&#60;b&#62;")
    expect(again).not.toContain("<b>")
    const fit = await send(url, { count: "2", when: "2030-05-06", gift: "true", size: "m", note: "" })
    expect(fit.status).toBe(200)
    expect((await ended(runId)).status).toBe("completed")
    const [[item]] = await outputOf(runId)
    expect(item.answer).toEqual({ count: 2, when: "2030-05-06", gift: true, size: "M" })
  })

  it("takes an approval by its two buttons", async () => {
    const { url, runId, pause } = await pauseOf({ kind: "approval", title: "Refund?", message: "20 EUR" })
    expect(pause).toMatchObject({ audience: "others", kind: "approval" })
    const page = await (await open(url)).text()
    expect(page.match(/<button/g)).toHaveLength(2)
    expect((await send(url, { reason: "no" })).status).toBe(422)
    expect((await send(url, { decision: "deny", reason: "Too late" })).status).toBe(200)
    expect((await ended(runId)).status).toBe("completed")
    const [[item]] = await outputOf(runId)
    expect(item.answer).toEqual({ decision: "deny", reason: "Too late" })
  })

  it("escapes everything that comes from a workflow", async () => {
    const evil = `<script>alert(1)</script>"'&{{ 1 }}`
    const { url } = await pauseOf({
      title: evil,
      message: evil,
      fields: [
        { name: evil, label: evil },
        { name: "pick", type: "choice", options: [evil] },
      ],
    })
    const page = await (await open(url)).text()
    expect(page).not.toContain("<script")
    expect(page).not.toContain(`"'&`)
    expect(page.match(/alert\(1\)/g)?.length).toBeGreaterThanOrEqual(5)
  })

  it("tells nothing to whoever has no good link: cut off, altered, of another pause or purpose", async () => {
    const { url, pauseId } = await pauseOf({ message: "Secret question" })
    const other = await pauseOf({ message: "Other" })
    const token = tokenOf(url)
    const bytes = Buffer.from(token, "base64url")
    const swapped = Buffer.concat([Buffer.from(tokenOf(other.url), "base64url").subarray(0, 22), bytes.subarray(22)])
    const later = Buffer.from(bytes)
    later.writeUIntBE(later.readUIntBE(16, 6) + 86_400, 16, 6)
    const tokens = [
      token.slice(0, -1),
      `${token}A`,
      swapped.toString("base64url"),
      later.toString("base64url"),
      "x".repeat(token.length),
      pauseId,
      "%00",
      "..%2f",
    ]
    for (const wrong of tokens) {
      const answer = await open(new URL(`/answer/${wrong}`, url).href)
      expect([wrong, answer.status]).toEqual([wrong, 404])
      expect(await answer.text()).not.toContain("Secret question")
      const sent = await fetch(new URL("/answer", url), {
        method: "POST",
        body: new URLSearchParams({ _token: wrong, answer: "x" }),
      })
      expect([wrong, sent.status]).toEqual([wrong, 404])
    }
    expect((await fetch(new URL(`/webhook-waiting/${token}`, url))).status).toBe(404)
    expect((await grounds.client.get(`/v1/pauses/${pauseId}`)).status).toBe("open")
  })

  it("says that a question was cancelled, and takes no answer to it", async () => {
    const { url, runId } = await pauseOf({ message: "Which colour?" })
    expect((await grounds.client.call("POST", `/v1/runs/${runId}/cancel`)).status).toBe(200)
    const sent = await send(url, { answer: "Red" })
    expect([sent.status, await sent.text()]).toEqual([409, expect.stringContaining("cancelled")])
    expect((await open(url)).status).toBe(410)
  })

  it("is shown to keys that may answer any pause, and to no others", async () => {
    const { client } = grounds
    const { pauseId } = await pauseOf({ message: "Which colour?" })
    const organization = (await client.get("/v1/organizations")).organizations[0].id
    const made = await client.call("POST", `/v1/organizations/${organization}/api-keys`, {
      body: { key_name: "Reader", scopes: ["runs:read"] },
    })
    const { body } = await client.call("GET", `/v1/pauses/${pauseId}`, { key: String(made.body.key) })
    expect(body).toMatchObject({ id: pauseId, status: "open" })
    expect(body.answer_url).toBeUndefined()
  })
})

describe("the address of a wait node", () => {
  it("takes a request with the node's method for the answer, and none after it", async () => {
    const { url, runId, pause } = await pauseOf({ resume: "webhook", httpMethod: "POST" }, "n8n-nodes-base.wait")
    expect(pause.kind).toBe("webhook")
    expect((await fetch(url)).status).toBe(405)
    const answer = await fetch(`${url}?a=1`, {
      method: "POST",
      body: JSON.stringify({ hello: "world" }),
      headers: { "content-type": "application/json", authorization: "Bearer secret", "x-own": "yes" },
    })
    expect(answer.status).toBe(200)
    expect((await fetch(url, { method: "POST" })).status).toBe(409)
    expect((await ended(runId)).status).toBe("completed")
    const [[item]] = await outputOf(runId)
    expect(item).toMatchObject({ query: { a: "1" }, body: { hello: "world" }, headers: { "x-own": "yes" } })
    expect(JSON.stringify(item)).not.toContain("secret")
  })

  it("is opened by a GET where the node says so", async () => {
    const { url, runId } = await pauseOf({ resume: "webhook" }, "n8n-nodes-base.wait")
    expect((await fetch(`${url}?ok=yes`)).status).toBe(200)
    expect((await ended(runId)).status).toBe("completed")
  })
})
