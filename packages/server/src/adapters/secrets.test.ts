import { randomBytes } from "node:crypto"
import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { StartProblem } from "../start-problem.ts"
import { makeSecrets, openSecrets, parseSecretKey } from "./secrets.ts"

describe("sealing", () => {
  const key = randomBytes(32)
  const secrets = makeSecrets({ current: key })

  it("gives back what was sealed, also when it is empty or not ASCII", () => {
    for (const secret of ["sk-123", "", "clé 🔑"]) {
      expect(secrets.open(secrets.seal(secret, "org/openai"), "org/openai")).toBe(secret)
    }
  })

  it("never makes the same ciphertext twice, and none that holds the secret", () => {
    const sealed = secrets.seal("sk-123", "a")
    expect(Buffer.from(sealed).equals(Buffer.from(secrets.seal("sk-123", "a")))).toBe(false)
    expect(Buffer.from(sealed).includes("sk-123")).toBe(false)
  })

  it("opens for no other owner", () => {
    expect(secrets.open(secrets.seal("sk-123", "a"), "b")).toBeNull()
  })

  it("does not open what was altered anywhere", () => {
    const sealed = secrets.seal("sk-123", "a")
    for (let index = 0; index < sealed.length; index += 1) {
      const altered = Uint8Array.from(sealed)
      altered[index] = (altered[index] ?? 0) ^ 1
      expect(secrets.open(altered, "a")).toBeNull()
    }
    expect(secrets.open(sealed.subarray(0, 10), "a")).toBeNull()
    expect(secrets.open(new Uint8Array(), "a")).toBeNull()
  })

  it("opens what the previous key sealed, and seals with the current one", () => {
    const sealed = secrets.seal("sk-123", "a")
    const other = randomBytes(32)
    const changed = makeSecrets({ current: other, previous: key })
    expect(changed.open(sealed, "a")).toBe("sk-123")
    expect(makeSecrets({ current: other }).open(sealed, "a")).toBeNull()
    expect(secrets.open(changed.seal("new", "a"), "a")).toBeNull()
    expect([sealed, changed.seal("new", "a")].map((one) => changed.isCurrent(one))).toEqual([false, true])
  })
})

describe("the key", () => {
  it("is read as hex or base64", () => {
    const key = randomBytes(32)
    for (const encoding of ["hex", "base64", "base64url"] as const) {
      expect(parseSecretKey(` ${key.toString(encoding)}\n`, "KEY").equals(key)).toBe(true)
    }
  })

  it("is refused where it does not have 32 bytes, without being repeated in the message", () => {
    for (const text of ["", "secret", randomBytes(31).toString("hex"), randomBytes(33).toString("base64")]) {
      const refusal = (() => {
        try {
          return parseSecretKey(text, "BREVET_SECRET_KEY")
        } catch (error) {
          return error
        }
      })()
      expect(refusal).toBeInstanceOf(StartProblem)
      if (text !== "") expect(String(refusal)).not.toContain(text === "secret" ? " secret " : text)
    }
  })
})

describe("the key of the data folder", () => {
  let folder = ""
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "secrets-"))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it("is made once, also by two starts at the same moment, and only its owner can read it", async () => {
    const dataFolder = join(folder, "data")
    const all = await Promise.all(Array.from({ length: 8 }, () => openSecrets({ dataFolder })))
    const sealed = all[0]?.seal("sk-123", "a") ?? new Uint8Array()
    for (const secrets of all) expect(secrets.open(sealed, "a")).toBe("sk-123")
    expect((await stat(join(dataFolder, "secret.key"))).mode & 0o777).toBe(0o600)
    const later = await openSecrets({ dataFolder })
    expect(later.open(sealed, "a")).toBe("sk-123")
  })

  it("is not made where the settings give one", async () => {
    const secretKey = randomBytes(32).toString("base64")
    const secrets = await openSecrets({ dataFolder: folder, secretKey })
    expect(secrets.open(makeSecrets({ current: Buffer.from(secretKey, "base64") }).seal("x", "a"), "a")).toBe("x")
    await expect(readFile(join(folder, "secret.key"))).rejects.toThrow()
  })

  it("opens with the previous key what the data folder's key had sealed before a setting took its place", async () => {
    const before = (await openSecrets({ dataFolder: folder })).seal("sk-123", "a")
    const previousSecretKey = await readFile(join(folder, "secret.key"), "utf8")
    const secretKey = randomBytes(32).toString("hex")
    const secrets = await openSecrets({ dataFolder: folder, secretKey, previousSecretKey })
    expect(secrets.open(before, "a")).toBe("sk-123")
  })
})
