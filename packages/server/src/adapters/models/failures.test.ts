import { describe, expect, it } from "vitest"
import { cleanWords, failureOfAnswer, failureOfConnection, retryAfterOf } from "./failures.ts"

const answer = (status: number, body: unknown) =>
  failureOfAnswer({
    status,
    headers: {},
    body: typeof body === "string" ? body : JSON.stringify(body),
    secrets: ["key-1"],
  })

describe("an error answer", () => {
  it("is told apart by its code, not by its words", () => {
    expect(answer(400, { error: { code: "context_length_exceeded", message: "x" } }).kind).toBe("context-too-long")
    expect(answer(400, { error: { message: "context_length_exceeded" } }).kind).toBe("refused")
    expect(answer(404, { error: { code: "model_not_found" } }).kind).toBe("not-found")
    expect(answer(404, "Not Found").kind).toBe("error")
  })

  it("passes on what the provider says only where the request was at fault", () => {
    expect(answer(422, { error: "temperature is too high" }).message).toContain("temperature is too high")
    expect(answer(401, { error: { message: "Incorrect API key provided: key-1" } }).message).not.toContain("Incorrect")
    expect(answer(500, { error: { message: "at line 7" } }).message).not.toContain("line 7")
  })
})

describe("a provider's words", () => {
  it("lose keys, addresses, control characters and their end", () => {
    expect(cleanWords("a key-1\nb sk-proj-abcdefgh123 c https://x.test/?k=v d", ["key-1", ""])).toBe(
      "a *** b *** c (address) d",
    )
    expect(cleanWords("x".repeat(2_000), [])).toHaveLength(500)
  })
})

describe("the time to wait", () => {
  it.each([
    [{ "retry-after": "7" }, 7],
    [{ "retry-after": "0.2" }, 1],
    [{ "retry-after-ms": "1500", "retry-after": "9" }, 2],
    [{ "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 30],
    [{ "retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", date: "Wed, 21 Oct 2015 07:28:00 GMT" }, 0],
    [{ "retry-after": "999999999" }, 86_400],
    [{ "retry-after": "soon" }, null],
    [{}, null],
  ])("in %j is %s", (headers, seconds) => {
    expect(retryAfterOf(headers)).toBe(seconds)
  })
})

describe("a broken connection", () => {
  it("means unavailable only where none was made", () => {
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" })
    expect(failureOfConnection(refused).kind).toBe("unavailable")
    expect(failureOfConnection(new TypeError("fetch failed", { cause: refused })).kind).toBe("unavailable")
    expect(
      failureOfConnection(Object.assign(new Error("self-signed"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" })).kind,
    ).toBe("unavailable")
    expect(failureOfConnection(Object.assign(new Error("reset"), { code: "ECONNRESET" })).kind).toBe("error")
  })
})
