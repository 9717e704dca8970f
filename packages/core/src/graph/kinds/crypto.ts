/**
 * Crypto: hashes texts, makes codes of texts with a secret, signs texts and generates random texts. Pure: what is to be
 * made for an item, and the item that it becomes. The making is the performer's, since what is generated has to be
 * unpredictable and keys belong in a library that is made for them; a run's own random source is neither.
 */
import type { JsonObject } from "../../json.ts"
import { cutText, pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import type { Item } from "../items.ts"
import { asNumber, asText } from "../value-types.ts"
import { toField } from "./fields.ts"
import { type EffectKind, type KindContext, NodeFailure } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. */
export const crypto: EffectKind = {
  name: "crypto",
  types: ["n8n-nodes-base.crypto"],
  title: "Crypto",
  help: "Hashes, signs and generates texts.",
  group: "data",
  effect: "crypto",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
}

/** Digests that hashes and codes are made with (documented). */
export const digests = ["MD5", "SHA256", "SHA3-256", "SHA3-384", "SHA3-512", "SHA384", "SHA512"] as const
/** One of them. */
export type Digest = (typeof digests)[number]

/** How bytes are written. */
export type ByteEncoding = "hex" | "base64"
/** What can be generated. */
export type GeneratedForm = "uuid" | "ascii" | "base64" | "hex"
const generatedForms: readonly GeneratedForm[] = ["uuid", "ascii", "base64", "hex"]

/** What is to be made for one item. */
export type CryptoPlan =
  | { readonly action: "hash"; readonly digest: Digest; readonly value: string; readonly encoding: ByteEncoding }
  | {
      readonly action: "hmac"
      readonly digest: Digest
      readonly value: string
      readonly secret: string
      readonly encoding: ByteEncoding
    }
  | {
      readonly action: "sign"
      readonly algorithm: string
      readonly value: string
      readonly privateKey: string
      readonly encoding: ByteEncoding
    }
  | { readonly action: "generate"; readonly form: GeneratedForm; readonly length: number }

/** Characters that can be generated at once (ours). */
const lengthMax = 65_536

/** What a node makes for one item, expressions resolved. Throws NODE_SETTINGS_INVALID and ExpressionError. */
export function prepareCrypto(context: KindContext, itemIndex: number): CryptoPlan {
  const says = (name: string): unknown => context.parameter(name, itemIndex)
  const action = says("action") ?? "hash"
  if (action === "generate") return prepareGenerate(says)
  if (says("binaryData") === true) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", "Files are not hashed or signed here; give the node a text.")
  }
  const value = asText(says("value"))
  if (value === undefined)
    throw new NodeFailure("NODE_SETTINGS_INVALID", "The node has no text to work on; give it a value.")
  const encoding = says("encoding") === "base64" ? "base64" : "hex"
  switch (action) {
    case "hash":
      return { action: "hash", digest: digestOf(says("type")), value, encoding }
    case "hmac":
      return {
        action: "hmac",
        digest: digestOf(says("type")),
        value,
        secret: required(says("secret"), "secret"),
        encoding,
      }
    case "sign": {
      const privateKey = required(says("privateKey"), "private key")
      return { action: "sign", algorithm: required(says("algorithm"), "algorithm"), value, privateKey, encoding }
    }
    default:
      throw new NodeFailure("NODE_SETTINGS_INVALID", "The action of the node is not known; choose another one.")
  }
}

function prepareGenerate(says: (name: string) => unknown): CryptoPlan {
  const form = generatedForms.find((known) => known === (says("encodingType") ?? "uuid"))
  const length = asNumber(says("stringLength") ?? 32)
  if (form === undefined || length === undefined || !Number.isInteger(length) || length < 1 || length > lengthMax) {
    const message = `The node does not say what it generates; choose a form, and a length from 1 to ${lengthMax}.`
    throw new NodeFailure("NODE_SETTINGS_INVALID", message)
  }
  return { action: "generate", form, length }
}

function digestOf(name: unknown): Digest {
  const found = digests.find((digest) => digest === (name ?? "MD5"))
  if (found !== undefined) return found
  const shown = cutText(asText(name) ?? "", 60)
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    `There is no type '${shown}' of hash here; choose one of ${digests.join(", ")}.`,
  )
}

function required(value: unknown, name: string): string {
  const text = asText(value)
  if (text !== undefined && text !== "") return text
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The node has no ${name}; give it one.`)
}

/** The item with what was made for it, under a plain name. Throws NODE_SETTINGS_INVALID for a name that no field can have. */
export function cryptoOutputItem(context: KindContext, itemIndex: number, made: string): Item {
  const name = asText(context.parameter("dataPropertyName", itemIndex) ?? "data") ?? ""
  const field = toField(name === "" ? "data" : name, { dotNotation: false })
  const item = context.inputs[0]?.[itemIndex] ?? { json: {} }
  return { ...item, json: { ...item.json, [field.name]: made }, pairedItem: { item: itemIndex } }
}

const isExpression = (value: unknown): boolean => typeof value === "string" && value.startsWith("=")

function check({ parameters, name, path }: GraphNode): Finding[] {
  const place = pathTo(path, "parameters")
  const about = (field: string, code: string, message: string): Finding[] => [
    { severity: "error", code, message, node: name, path: pathTo(place, field) },
  ]
  const { action = "hash" } = parameters
  if (isExpression(action)) return []
  if (typeof action !== "string" || !["hash", "hmac", "sign", "generate"].includes(action)) {
    return about("action", "SETTING_INVALID", `Choose a known action for ${quote(name)}.`)
  }
  if (action === "generate") return []
  if (parameters.binaryData === true) {
    return about(
      "binaryData",
      "SETTING_UNSUPPORTED",
      `Give ${quote(name)} a text: files are not hashed or signed here.`,
    )
  }
  const missing = neededBy(action).find((field) => (parameters[field] ?? "") === "")
  if (missing !== undefined) return about(missing, "SETTING_MISSING", `Give ${quote(name)} its ${missing}.`)
  return checkDigest(parameters, action)
    ? []
    : about("type", "SETTING_INVALID", `Choose one of ${digests.join(", ")} as type of ${quote(name)}.`)
}

function neededBy(action: string): readonly string[] {
  if (action === "hmac") return ["secret"]
  return action === "sign" ? ["privateKey", "algorithm"] : []
}

function checkDigest({ type = "MD5" }: JsonObject, action: string): boolean {
  return action === "sign" || isExpression(type) || digests.some((digest) => digest === type)
}
