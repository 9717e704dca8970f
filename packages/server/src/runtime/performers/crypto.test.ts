import { createHmac, createVerify, generateKeyPairSync } from "node:crypto"
import { ExpressionError } from "@brevet/core/graph/expression/errors"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import { contextOf } from "@brevet/core/testing/kind-context"
import { describe, expect, it } from "vitest"
import { performCrypto } from "./crypto.ts"

const node = (parameters: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "n8n-nodes-base.crypto",
  typeVersion: 1,
  parameters,
  ...more,
})
const perform = (parameters: JsonObject, ...items: JsonObject[]) =>
  performCrypto({ context: contextOf(node(parameters), ...items) })
async function madeOf(parameters: JsonObject, json: JsonObject = { t: "hello" }): Promise<JsonValue | undefined> {
  const outputs = await perform(parameters, json)
  return outputs[0]?.[0]?.json.data
}
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 })
const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString()

describe("crypto", () => {
  it.each<[JsonObject, string]>([
    [{ type: "SHA256", value: "={{ $json.t }}" }, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"],
    [{ value: "héllo", encoding: "base64" }, "vlDoR4zyT/NZW8cwf7kbUA=="],
    [{ value: "" }, "d41d8cd98f00b204e9800998ecf8427e"],
    [{ value: "={{ 5 }}" }, "e4da3b7fbbce2345d7772b0674a318d5"],
    [{ type: "SHA3-256", value: "" }, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"],
    [
      { action: "hmac", type: "SHA256", value: "hello", secret: "key" },
      "9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b",
    ],
  ])("%j gives %s", async (parameters, expected) => {
    expect(await madeOf(parameters)).toBe(expected)
  })

  it("knows every digest that it names, for hashes and for codes", async () => {
    for (const type of ["MD5", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-384", "SHA3-512"]) {
      expect(await madeOf({ type, value: "a" })).toMatch(/^[0-9a-f]{32,128}$/)
      const code = createHmac(type.toLowerCase(), "k").update("a").digest("base64")
      expect(await madeOf({ action: "hmac", type, value: "a", secret: "k", encoding: "base64" })).toBe(code)
    }
  })

  it("signs with a private key, also one whose line ends are written out", async () => {
    for (const key of [privateKey, privateKey.replaceAll("\n", "\\n")]) {
      const signature = await madeOf({
        action: "sign",
        algorithm: "RSA-SHA256",
        value: "text",
        privateKey: key,
        encoding: "base64",
      })
      expect(createVerify("RSA-SHA256").update("text").verify(keys.publicKey, String(signature), "base64")).toBe(true)
    }
  })

  it.each<[JsonObject, RegExp]>([
    [{}, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
    [{ encodingType: "hex" }, /^[0-9a-f]{32}$/],
    [{ encodingType: "hex", stringLength: 7 }, /^[0-9a-f]{7}$/],
    [{ encodingType: "base64", stringLength: 50 }, /^[A-Za-z0-9]{50}$/],
    [{ encodingType: "ascii", stringLength: "9" }, /^[\0-\x7f]{9}$/],
  ])("generates %j, another one each time", async (parameters, form) => {
    const [one, other] = [
      await madeOf({ action: "generate", ...parameters }),
      await madeOf({ action: "generate", ...parameters }),
    ]
    expect(one).toMatch(form)
    expect(one).not.toBe(other)
  })

  it("writes into the item, under a plain name", async () => {
    const outputs = await perform({ value: "a", dataPropertyName: "md5.sum" }, { n: 1 }, { n: 2 })
    expect(outputs).toEqual([
      [
        { json: { n: 1, "md5.sum": "0cc175b9c0f1b6a831c399e269772661" }, pairedItem: { item: 0 } },
        { json: { n: 2, "md5.sum": "0cc175b9c0f1b6a831c399e269772661" }, pairedItem: { item: 1 } },
      ],
    ])
  })

  it.each<JsonObject>([
    { action: "other" },
    { action: 5 },
    { value: "={{ $json.missing }}" },
    { value: "a", type: "CRC32" },
    { value: "a", type: {} },
    { value: "a", binaryData: true },
    { value: "a", dataPropertyName: "__proto__" },
    { action: "hmac", value: "a" },
    { action: "hmac", value: "a", secret: "" },
    { action: "sign", value: "a", algorithm: "RSA-SHA256" },
    { action: "sign", value: "a", algorithm: "RSA-SHA256", privateKey: "no key" },
    { action: "sign", value: "a", algorithm: "none", privateKey },
    { action: "generate", encodingType: "emoji" },
    { action: "generate", encodingType: "hex", stringLength: 0 },
    { action: "generate", encodingType: "hex", stringLength: 1e9 },
    { action: "generate", encodingType: "hex", stringLength: "x" },
  ])("refuses %j", async (parameters) => {
    await expect(perform(parameters, {})).rejects.toBeInstanceOf(NodeFailure)
  })

  it("never shows a key or a secret in what it says of a failure", async () => {
    const failure = await perform(
      { action: "sign", value: "a", algorithm: "RSA-SHA256", privateKey: "my secret words" },
      {},
    ).catch((error: unknown) => error)
    expect(JSON.stringify([(failure as NodeFailure).message, (failure as NodeFailure).details])).not.toContain(
      "secret words",
    )
  })

  it("treats items one by one: what fails goes where the node sends it", async () => {
    const parameters = { value: "={{ $json.v ?? $('Nope').first() }}" }
    const run = (onError: string) =>
      performCrypto({ context: contextOf(node(parameters, { onError }), { v: "a" }, {}) })
    const data = "0cc175b9c0f1b6a831c399e269772661"
    const error = expect.stringContaining("Nope")
    await expect(run("stopWorkflow")).rejects.toBeInstanceOf(ExpressionError)
    expect((await run("continueRegularOutput")).map((items) => items.map(({ json }) => json))).toEqual([
      [{ v: "a", data }, { error }],
    ])
    expect((await run("continueErrorOutput")).map((items) => items.map(({ json }) => json))).toEqual([
      [{ v: "a", data }],
      [{ error }],
    ])
  })
})
