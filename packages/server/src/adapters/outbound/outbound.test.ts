import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { createServer as createRawServer } from "node:net"
import { Readable } from "node:stream"
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type OutboundAnswer, OutboundFailure, type OutboundRequest } from "../../ports/outbound.ts"
import { readBody } from "./body.ts"
import { type OpenOutbound, openOutbound } from "./outbound.ts"

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void
type Seen = { method: string; url: string; headers: IncomingMessage["headers"]; body: string }

const never = new AbortController().signal
const closers: (() => Promise<unknown>)[] = []
let outbound: OpenOutbound
/** `home` may be called, `other` is another origin that may be called, `inner` may not be called. */
let [home, other, inner] = ["", "", ""]
const seen: Record<"home" | "other" | "inner", Seen[]> = { home: [], other: [], inner: [] }
const routes = new Map<string, Handle>()

async function serve(name: keyof typeof seen): Promise<string> {
  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8").on("data", (piece: string) => {
      body += piece
    })
    request.on("end", () => {
      const { method = "", url = "", headers } = request
      seen[name].push({ method, url, headers, body })
      const handle = routes.get(url.split("?")[0] ?? "")
      if (handle === undefined) response.writeHead(200).end(`${name} ${method}`)
      else handle(request, response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  home = await serve("home")
  other = await serve("other")
  inner = await serve("inner")
  outbound = openOutbound({ allow: [home, other].map((url) => url.replace("http://", "")) })
})

afterAll(async () => {
  await outbound.close()
  for (const close of closers) await close()
})

const send = (url: string, fields: Partial<OutboundRequest> = {}, signal = never): Promise<OutboundAnswer> =>
  outbound.send(
    {
      method: "GET",
      url,
      headers: [],
      secretHeaders: [],
      body: null,
      redirectsMax: 5,
      timeoutMs: 30_000,
      responseBytesMax: 1024 * 1024,
      ...fields,
    },
    { signal },
  )

const textOf = ({ body }: OutboundAnswer): string => Buffer.from(body).toString()

const failureOf = async (work: Promise<unknown>): Promise<OutboundFailure> => {
  const failure = await work.then(
    () => null,
    (error: unknown) => error,
  )
  if (failure instanceof OutboundFailure) return failure
  throw new Error(`no failure of the way out: ${String(failure)}`)
}

const redirect = (path: string, status: number, location: string): void => {
  routes.set(path, (_request, response) => response.writeHead(status, { location }).end("moved"))
}

describe("an exchange", () => {
  it("gives the answer of any status, with its headers by their lower-case names", async () => {
    routes.set("/teapot", (_request, response) => {
      response.writeHead(418, "Short And Stout", { "X-One": "1", "Set-Cookie": ["a=1", "b=2"] }).end("no coffee")
    })
    const answer = await send(`${home}/teapot?a=1#part`)
    expect([answer.status, answer.statusText, textOf(answer)]).toEqual([418, "Short And Stout", "no coffee"])
    expect(answer.headers["x-one"]).toBe("1")
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"])
    expect(seen.home.at(-1)?.url).toBe("/teapot?a=1")
  })

  it("sends what it was given: method, headers, body", async () => {
    await send(`${home}/anything`, { method: "PATCH", headers: [["X-Custom", "yes"]], body: "été" })
    expect(seen.home.at(-1)).toMatchObject({ method: "PATCH", body: "été", headers: { "x-custom": "yes" } })
  })

  it.each([
    ["a header with a line break", { headers: [["x-a", "1\r\nx-injected: 2"]] as [string, string][] }],
    ["a name of a header that is none", { headers: [["x a", "1"]] as [string, string][] }],
    ["a method that is none", { method: "GET /\r\nHost: x" }],
  ])("refuses %s", async (_what, fields) => {
    const before = seen.home.length
    expect((await failureOf(send(`${home}/anything`, fields))).kind).toBe("invalid")
    expect(seen.home).toHaveLength(before)
  })

  it("says where nobody listens", async () => {
    const idle = await serve("inner")
    await closers.pop()?.()
    const closed = openOutbound({ allow: ["127.0.0.0/8"] })
    const request = { method: "GET", url: idle, headers: [], secretHeaders: [], body: null }
    const failure = await failureOf(
      closed.send({ ...request, redirectsMax: 0, timeoutMs: 30_000, responseBytesMax: 10 }, { signal: never }),
    )
    await closed.close()
    expect([failure.kind, failure.systemCode]).toEqual(["unreachable", "ECONNREFUSED"])
  })

  it("says where the other side hangs up, or speaks something else than HTTP", async () => {
    for (const says of ["", "SSH-2.0-OpenSSH_9.6\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"]) {
      const server = createRawServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(says))
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const { port } = server.address() as AddressInfo
      const any = openOutbound({ allow: ["127.0.0.0/8"] })
      const failure = await failureOf(
        any.send(
          {
            method: "GET",
            url: `http://127.0.0.1:${port}/`,
            headers: [],
            secretHeaders: [],
            body: null,
            redirectsMax: 0,
            timeoutMs: 30_000,
            responseBytesMax: 1_000,
          },
          { signal: never },
        ),
      )
      expect(failure.kind, JSON.stringify(says)).toBe("broken")
      await any.close()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})

describe("a redirect", () => {
  it.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [307, "POST", "POST"],
    [308, "POST", "POST"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [302, "HEAD", "HEAD"],
    [302, "GET", "GET"],
  ])("%i of %s goes on as %s", async (status, method, next) => {
    redirect("/moved", status, "/arrived?x=1")
    const hasBody = method === "POST" || method === "PUT"
    const headers: [string, string][] = hasBody ? [["Content-Type", "text/plain"]] : []
    const answer = await send(`${home}/moved`, { method, headers, body: hasBody ? "payload" : null })
    expect(answer.status).toBe(200)
    expect(answer.url).toBe(`${home}/arrived?x=1`)
    const keepsBody = hasBody && next === method
    const last = seen.home.at(-1)
    expect(last).toMatchObject({ method: next, url: "/arrived?x=1", body: keepsBody ? "payload" : "" })
    expect(last?.headers["content-type"]).toBe(keepsBody ? "text/plain" : undefined)
  })

  it("is an answer where none is followed, and where it names no address", async () => {
    redirect("/moved", 302, "/arrived")
    const answer = await send(`${home}/moved`, { redirectsMax: 0 })
    expect([answer.status, answer.headers.location, textOf(answer)]).toEqual([302, "/arrived", "moved"])
    redirect("/moved", 302, "http://[")
    expect((await send(`${home}/moved`)).status).toBe(302)
    routes.set("/moved", (_request, response) => response.writeHead(302).end())
    expect((await send(`${home}/moved`)).status).toBe(302)
    redirect("/moved", 304, "/arrived")
    expect((await send(`${home}/moved`)).status).toBe(304)
  })

  it("is followed so many times and no more", async () => {
    redirect("/one", 302, "/two")
    redirect("/two", 302, "/three")
    expect((await send(`${home}/one`, { redirectsMax: 2 })).url).toBe(`${home}/three`)
    expect((await failureOf(send(`${home}/one`, { redirectsMax: 1 }))).kind).toBe("redirects")
    redirect("/loop", 302, "/loop")
    expect((await failureOf(send(`${home}/loop`, { redirectsMax: 20 }))).kind).toBe("redirects")
  })

  it("keeps secrets on its own origin, and takes none of them to another", async () => {
    const headers: [string, string][] = [
      ["Authorization", "Bearer secret"],
      ["Cookie", "session=secret"],
      ["X-Key", "secret"],
      ["X-Plain", "open"],
    ]
    redirect("/moved", 307, "/arrived")
    await send(`${home}/moved`, { headers, secretHeaders: ["x-key"] })
    expect(seen.home.at(-1)?.headers).toMatchObject({ authorization: "Bearer secret", "x-key": "secret" })
    redirect("/moved", 307, `${other}/arrived`)
    await send(`${home}/moved`, { method: "POST", headers, secretHeaders: ["x-key"], body: "data" })
    const last = seen.other.at(-1)
    expect(last).toMatchObject({ method: "POST", body: "data", headers: { "x-plain": "open" } })
    expect(JSON.stringify(last)).not.toContain("secret")
    // Back home again they are not found anew: whoever sent them away may not have them back.
    routes.set("/arrived", (request, response) => {
      const isAway = request.headers.host === new URL(other).host
      response.writeHead(isAway ? 307 : 200, isAway ? { location: `${home}/back` } : {}).end()
    })
    await send(`${home}/moved`, { headers, secretHeaders: ["x-key"] })
    routes.delete("/arrived")
    expect(seen.home.at(-1)).toMatchObject({ url: "/back" })
    expect(JSON.stringify(seen.home.at(-1))).not.toContain("secret")
  })

  it("does not take over a name and password that the address brings", async () => {
    redirect("/moved", 302, `${other.replace("http://", "http://user:pass@")}/arrived`)
    await send(`${home}/moved`)
    expect(seen.other.at(-1)?.headers.authorization).toBeUndefined()
  })

  it("goes through the same gate: to nothing that may not be called, whatever its spelling", async () => {
    const port = new URL(inner).port
    const places = [
      inner,
      `http://localhost:${port}/`,
      `http://0x7f.1:${port}/`,
      `http://2130706433:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `//127.0.0.1:${port}/`,
      "http://169.254.169.254/latest/meta-data/",
      "file:///etc/passwd",
      "gopher://127.0.0.1:6379/_INFO",
    ]
    for (const place of places) {
      redirect("/moved", 302, place)
      const { kind } = await failureOf(send(`${home}/moved`))
      expect(["refused", "invalid"], place).toContain(kind)
    }
    expect(seen.inner).toEqual([])
  })
})

describe("a bound", () => {
  const bytes = async (body: Buffer, encoding: string | undefined, bytesMax = 100_000): Promise<string> =>
    Buffer.from(await readBody(Readable.from([body]), { encoding, bytesMax })).toString()

  it("of the body holds for what was sent, and for what it unpacks to", async () => {
    const text = "a".repeat(50_000)
    const packed: readonly (readonly [string, Buffer])[] = [
      ["identity", Buffer.from(text)],
      ["gzip", gzipSync(text)],
      ["x-gzip", gzipSync(text)],
      ["deflate", deflateSync(text)],
      ["deflate", deflateRawSync(text)],
      ["br", brotliCompressSync(text)],
      ["deflate, gzip", gzipSync(deflateSync(text))],
    ]
    for (const [encoding, body] of packed) {
      expect(await bytes(body, encoding), encoding).toBe(text)
      expect((await failureOf(bytes(body, encoding, 49_999))).kind, encoding).toBe("too-large")
    }
  })

  it("of the body stops a bomb long before it is unpacked", async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(200 * 1024 * 1024)))
    expect((await failureOf(bytes(bomb, "gzip, gzip", 1024 * 1024))).kind).toBe("too-large")
    expect((await failureOf(bytes(bomb, "gzip, gzip, gzip, gzip"))).kind).toBe("broken")
  })

  it("of the body is none of an empty one, whatever it says of itself", async () => {
    for (const encoding of ["gzip", "br", "deflate", undefined]) expect(await bytes(Buffer.alloc(0), encoding)).toBe("")
  })

  it("does not let broken and unknown encodings through", async () => {
    expect((await failureOf(bytes(Buffer.from("not packed"), "gzip"))).kind).toBe("broken")
    expect((await failureOf(bytes(gzipSync("cut off").subarray(0, 12), "gzip"))).kind).toBe("broken")
    expect((await failureOf(bytes(Buffer.from("x"), "br"))).kind).toBe("broken")
    expect((await failureOf(bytes(Buffer.from("x"), "compress"))).kind).toBe("broken")
  })

  it("of the body holds on the wire, for an answer without an end", async () => {
    routes.set("/endless", (_request, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more)
      }
      more()
    })
    expect((await failureOf(send(`${home}/endless`))).kind).toBe("too-large")
  })

  it("of time ends what does not answer, and says so", async () => {
    routes.set("/silent", () => {})
    const failure = await failureOf(send(`${home}/silent`, { timeoutMs: 50 }))
    expect([failure.kind, failure.systemCode]).toEqual(["timeout", "ECONNABORTED"])
    redirect("/moved", 302, "/silent")
    expect((await failureOf(send(`${home}/moved`, { timeoutMs: 50 }))).kind).toBe("timeout")
  })

  it("is not needed where the caller ends it: its reason is thrown", async () => {
    const reason = new Error("enough")
    for (const path of ["/silent", "/half"]) {
      const abort = new AbortController()
      routes.set("/half", (_request, response) => {
        response.writeHead(200).write("half")
        abort.abort(reason)
      })
      routes.set("/silent", () => abort.abort(reason))
      await expect(send(`${home}${path}`, {}, abort.signal)).rejects.toBe(reason)
    }
    await expect(send(`${home}/anything`, {}, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
