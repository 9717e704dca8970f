import { createServer, type Server } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { request as requestOver } from "undici"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { OutboundFailure, type OutboundRequest } from "../../ports/outbound.ts"
import type { Dial, Resolve, ResolvedAddress } from "./guard.ts"
import { type OpenOutbound, openOutbound } from "./outbound.ts"
import { isPublicAddress } from "./public-addresses.ts"

const never = new AbortController().signal
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close()
})

const asked = (url: string, fields: Partial<OutboundRequest> = {}): OutboundRequest => ({
  method: "GET",
  url,
  headers: [],
  secretHeaders: [],
  body: null,
  redirectsMax: 5,
  timeoutMs: 30_000,
  responseBytesMax: 1024 * 1024,
  ...fields,
})

const open = (options: Parameters<typeof openOutbound>[0]): OpenOutbound => {
  const outbound = openOutbound(options)
  closers.push(() => outbound.close())
  return outbound
}

const failureOf = async (work: Promise<unknown>): Promise<OutboundFailure> => {
  const failure = await work.then(
    () => null,
    (error: unknown) => error,
  )
  if (failure instanceof OutboundFailure) return failure
  throw new Error(`no failure of the way out: ${String(failure)}`)
}

/** Names that an attacker's own name server, or the host file of a container, answers for. */
const names: Readonly<Record<string, readonly string[]>> = {
  "metadata.google.internal": ["169.254.169.254"],
  "kubernetes.default.svc": ["10.96.0.1"],
  "127.0.0.1.nip.io": ["127.0.0.1"],
  postgres: ["172.18.0.2"],
  "host.docker.internal": ["192.168.65.254"],
  "ip6-localhost": ["::1"],
  "half.example.com": ["93.184.215.14", "10.0.0.7"],
  "mapped.example.com": ["::ffff:10.0.0.7"],
  "nat64.example.com": ["64:ff9b::a00:7"],
  "local.example.com": ["fe80::1%eth0"],
  "ula.example.com": ["2606:4700::1111", "fd00::7"],
  "nothing.example.com": [],
  "good.example.com": ["93.184.215.14"],
}

const resolveNames: Resolve = async (hostname) => {
  const found = names[hostname]
  if (found === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" })
  return found.map((address): ResolvedAddress => ({ address, family: address.includes(":") ? 6 : 4 }))
}

/** Every way to write an address that may not be called, as far as we know them. */
const forbidden: readonly string[] = [
  // This machine.
  "http://127.0.0.1/",
  "http://127.0.0.1:8787/v1/workflows",
  "http://127.0.0.2/",
  "http://127.255.255.254/",
  "http://localhost/",
  "http://LOCALHOST/",
  "http://localhost./",
  "http://localhost.../",
  "http://api.localhost/",
  "http://api.localhost.:8080/",
  "https://localhost:443/",
  "http://0/",
  "http://0.0.0.0/",
  "http://0.0.0.1/",
  "http://[::]/",
  "http://[::1]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://[0000:0000:0000:0000:0000:0000:0000:0001]:80/",
  // The same in other spellings.
  "http://127.1/",
  "http://127.0.1/",
  "http://2130706433/",
  "http://0x7f000001/",
  "http://0x7f.0x0.0x0.0x1/",
  "http://0x7f.1/",
  "http://017700000001/",
  "http://0177.0.0.1/",
  "http://0177.0x0.0.01/",
  "http://127.000.000.001/",
  "http://0x0.0x0/",
  "http://127.0.0.1./",
  "http://%31%32%37.0.0.1/",
  "http://①②⑦.⓪.⓪.①/",
  "http://１２７.０.０.１/",
  "http://127。0。0。1/",
  "http://127．0．0．1/",
  "http://127｡0｡0｡1/",
  "http://ｌｏｃａｌｈｏｓｔ/",
  "http://loca\u00adlhost/",
  "http://ⓛocalhost/",
  "\thttp://12\n7.0.0.1/",
  " http://127.0.0.1 ",
  "http:127.0.0.1/",
  "http:/127.0.0.1/",
  "http:\\\\127.0.0.1\\",
  "http:///127.0.0.1/",
  // IPv4 inside IPv6.
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[0:0:0:0:0:ffff:7f00:1]/",
  "http://[::FFFF:0x7f00:1]/",
  "http://[::127.0.0.1]/",
  "http://[::ffff:0:127.0.0.1]/",
  "http://[64:ff9b::127.0.0.1]/",
  "http://[64:ff9b::a9fe:a9fe]/",
  "http://[64:ff9b:1::10.0.0.1]/",
  "http://[2002:7f00:1::]/",
  "http://[2002:a00:1::1]/",
  "http://[2001:0:7f00:1::1]/",
  "http://[::1%25eth0]/",
  "http://[fe80::1%25lo]/",
  "http://[fe80::1%lo]/",
  // Something harmless in front of, or behind it.
  "http://example.com@127.0.0.1/",
  "http://example.com:80@127.0.0.1:80/",
  "http://example.com%40127.0.0.1@127.0.0.1/",
  "http://1.1.1.1 &@127.0.0.1/",
  "http://127.0.0.1#@example.com/",
  "http://127.0.0.1?@example.com/",
  "http://127.0.0.1\\@example.com/",
  "http://127.0.0.1%00.example.com/",
  // Private networks, links, platforms.
  "http://10.0.0.1/",
  "http://10.255.255.255/",
  "http://0x0a000001/",
  "http://012.0.0.1/",
  "http://172.16.0.1/",
  "http://172.31.255.255/",
  "http://192.168.1.1/",
  "http://0300.0250.1.1/",
  "http://3232235777/",
  "http://100.64.0.1/",
  "http://100.100.100.200/",
  "http://169.254.169.254/latest/meta-data/",
  "http://2852039166/",
  "http://0xa9.0xfe.0xa9.0xfe/",
  "http://0251.0376.0251.0376/",
  "http://[::ffff:a9fe:a9fe]/",
  "http://[fd00:ec2::254]/",
  "http://168.63.129.16/",
  "http://192.0.0.192/",
  "http://192.0.2.1/",
  "http://198.18.0.1/",
  "http://198.51.100.1/",
  "http://203.0.113.1/",
  "http://192.88.99.1/",
  "http://224.0.0.1/",
  "http://239.255.255.250/",
  "http://240.0.0.1/",
  "http://255.255.255.255/",
  "http://[fc00::1]/",
  "http://[fdff:ffff::1]/",
  "http://[fe80::1]/",
  "http://[febf::1]/",
  "http://[fec0::1]/",
  "http://[ff02::1]/",
  "http://[ff0e::1]/",
  "http://[100::1]/",
  "http://[2001:db8::1]/",
  "http://[3fff::1]/",
  "http://[5f00::1]/",
  "http://[1::1]/",
  "http://[4000::1]/",
  // Ports of other protocols at public addresses.
  "http://93.184.215.14:22/",
  "http://93.184.215.14:25/",
  "https://[2606:4700::1111]:6667/",
  "http://good.example.com:11/",
  // Names.
  "http://metadata.google.internal/computeMetadata/v1/",
  "http://METADATA.google.internal./",
  "http://kubernetes.default.svc/",
  "http://127.0.0.1.nip.io/",
  "http://postgres:5432/",
  "http://host.docker.internal/",
  "http://ip6-localhost/",
  "http://half.example.com/",
  "http://mapped.example.com/",
  "http://nat64.example.com/",
  "http://local.example.com/",
  "http://ula.example.com/",
  "http://nothing.example.com/",
  // Other protocols, and texts that are no address.
  "file:///etc/passwd",
  "ftp://93.184.215.14/",
  "gopher://127.0.0.1:6379/_INFO",
  "dict://127.0.0.1:11211/stat",
  "ws://93.184.215.14/",
  "data:text/plain,hello",
  "javascript:alert(1)",
  "unix:/var/run/docker.sock:/info",
  "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
  "blob:http://127.0.0.1/7",
  "//127.0.0.1/",
  "127.0.0.1",
  "http://",
  "http://:80/",
  "http://256.256.256.256/",
  "http://4294967296/",
  "http://::1/",
  "http://[::1/",
  "http://example.com:99999/",
  "",
]

describe("an address that may not be called", () => {
  it("is tried in far more than sixty spellings", () => {
    expect(new Set(forbidden).size).toBe(forbidden.length)
    expect(forbidden.length).toBeGreaterThan(120)
  })

  it.each(forbidden)("is refused before anything is dialled: %j", async (url) => {
    const dialled: string[] = []
    const dial: Dial = async (target) => {
      dialled.push(target.hostname)
      throw new Error("dialled")
    }
    const outbound = open({ allow: [], resolve: resolveNames, dial })
    const failure = await failureOf(outbound.send(asked(url), { signal: never }))
    expect(["refused", "invalid"]).toContain(failure.kind)
    expect(dialled).toEqual([])
  })

  it.each(forbidden.filter((url) => /^https?:\/\/[^/]/.test(url) && URL.canParse(url)))(
    "is refused by the connections themselves, for those who speak over them: %j",
    async (url) => {
      const dialled: string[] = []
      const dial: Dial = async (target) => {
        dialled.push(target.hostname)
        throw new Error("dialled")
      }
      const outbound = open({ allow: [], resolve: resolveNames, dial })
      const dispatcher = await outbound.dispatcher()
      const failure = await failureOf(requestOver(new URL(url).href, { dispatcher }))
      expect(failure.kind).toBe("refused")
      expect(dialled).toEqual([])
    },
  )

  it("is not named by what the refusal says beside what was asked for", async () => {
    const outbound = open({ allow: [], resolve: resolveNames })
    const failure = await failureOf(outbound.send(asked("http://half.example.com/?key=s3cret"), { signal: never }))
    expect(failure.message).toContain("half.example.com")
    expect(failure.message).not.toMatch(/10\.0\.0\.7|s3cret/)
  })
})

describe("a public address", () => {
  it.each(["8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
    "may be called: %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  it("is dialled under its name, by the addresses that were judged", async () => {
    const dialled: unknown[] = []
    const dial: Dial = async ({ hostname }, addresses) => {
      dialled.push([hostname, addresses])
      throw Object.assign(new Error("nobody there"), { code: "ECONNREFUSED" })
    }
    const outbound = open({ allow: [], resolve: resolveNames, dial })
    const failure = await failureOf(outbound.send(asked("http://good.example.com/"), { signal: never }))
    expect([failure.kind, failure.systemCode]).toEqual(["unreachable", "ECONNREFUSED"])
    expect(dialled).toEqual([["good.example.com", [{ address: "93.184.215.14", family: 4 }]]])
  })
})

/** A server on an address of this machine that says who it is. Every answer closes its connection. */
async function listen(address: string, name: string): Promise<{ port: number; hits: string[] }> {
  const hits: string[] = []
  const server: Server = createServer((request, response) => {
    hits.push(`${request.method} ${request.headers.host}${request.url}`)
    response.writeHead(200, { connection: "close" }).end(name)
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  return { port: (server.address() as AddressInfo).port, hits }
}

const textOf = (body: Uint8Array): string => Buffer.from(body).toString()

describe("what the operator allows", () => {
  let port = 0
  let hits: string[] = []
  beforeEach(async () => {
    const server = await listen("127.0.0.1", "inner")
    port = server.port
    hits = server.hits
  })

  const resolveToLoopback: Resolve = async () => [{ address: "127.0.0.1", family: 4 }]
  const reach = async (allow: readonly string[], host: string): Promise<string> => {
    const outbound = open({ allow, resolve: resolveToLoopback })
    try {
      const { body } = await outbound.send(asked(`http://${host}:${port}/`), { signal: never })
      return textOf(body)
    } catch (error) {
      if (error instanceof OutboundFailure) return error.kind
      throw error
    }
  }

  it("is a range, whatever the port and the spelling", async () => {
    for (const allow of ["127.0.0.0/8", "127.0.0.1", "127.0.0.1/32", "::/0"]) {
      const expected = allow === "::/0" ? "refused" : "inner"
      expect(await reach([allow], "127.0.0.1"), allow).toBe(expected)
      expect(await reach([allow], "0x7f.1"), allow).toBe(expected)
      expect(await reach([allow], "[::ffff:127.0.0.1]"), allow).toBe(expected)
      expect(await reach([allow], "inner.example.com"), allow).toBe(expected)
    }
    expect(await reach(["10.0.0.0/8", "127.0.0.2/32"], "127.0.0.1")).toBe("refused")
  })

  it("is an address with one port", async () => {
    expect(await reach([`127.0.0.1:${port}`], "127.0.0.1")).toBe("inner")
    expect(await reach([`127.0.0.1:${port + 1}`], "127.0.0.1")).toBe("refused")
    expect(await reach([`[::ffff:127.0.0.1]:${port}`], "127.0.0.1")).toBe("inner")
  })

  it("is a name with one port, which lets no other name and no address through", async () => {
    expect(await reach([`inner.example.com:${port}`], "inner.example.com")).toBe("inner")
    expect(await reach([`inner.example.com:${port}`], "INNER.example.com.")).toBe("inner")
    expect(await reach([`localhost:${port}`], "localhost")).toBe("inner")
    expect(hits).toHaveLength(3)
    expect(await reach([`inner.example.com:${port}`], "other.example.com")).toBe("refused")
    expect(await reach([`inner.example.com:${port}`], "127.0.0.1")).toBe("refused")
    expect(await reach([`inner.example.com:${port + 1}`], "inner.example.com")).toBe("refused")
    expect(await reach([`localhost:${port}`], "api.localhost")).toBe("refused")
    expect(hits).toHaveLength(3)
  })
})

describe("a name that answers differently every time", () => {
  it("is judged for each connection, and leads nowhere but to what was judged", async () => {
    const allowed = await listen("127.0.0.2", "allowed")
    const answers = ["127.0.0.2", "127.0.0.1"]
    const asks: string[] = []
    const resolve: Resolve = async (hostname) => {
      asks.push(hostname)
      return [{ address: answers.shift() ?? "127.0.0.1", family: 4 }]
    }
    const outbound = open({ allow: ["127.0.0.2/32"], resolve })
    const url = `http://rebind.example.com:${allowed.port}/`
    const first = await outbound.send(asked(url), { signal: never })
    expect(textOf(first.body)).toBe("allowed")
    // One look-up for one connection: there is no second one that could answer something else.
    expect(asks).toHaveLength(1)
    const second = await failureOf(outbound.send(asked(url), { signal: never }))
    expect(second.kind).toBe("refused")
    expect(asks).toHaveLength(2)
    expect(allowed.hits).toHaveLength(1)
  })

  it("is cut off where the connection leads to another address than the one that was judged", async () => {
    const inner = await listen("127.0.0.1", "inner")
    const sockets: Socket[] = []
    const dial: Dial = async () => {
      const { connect } = await import("node:net")
      const socket = connect({ host: "127.0.0.1", port: inner.port })
      sockets.push(socket)
      await new Promise((resolve) => socket.once("connect", resolve))
      return socket
    }
    const outbound = open({ allow: [], resolve: resolveNames, dial })
    const failure = await failureOf(outbound.send(asked("http://good.example.com/"), { signal: never }))
    expect(failure.kind).toBe("refused")
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true])
    expect(inner.hits).toEqual([])
  })
})
