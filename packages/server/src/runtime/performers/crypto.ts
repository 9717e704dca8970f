/**
 * The performer of Crypto, by node's own library. It changes nothing outside of the run, so that it states no intent: its
 * outcome is saved with what comes next. What it generated and a crash lost was seen by nobody.
 */
import { createHash, createHmac, createSign, getHashes, randomBytes, randomUUID } from "node:crypto"
import type { Outputs } from "@brevet/core/graph/items"
import {
  type ByteEncoding,
  type CryptoPlan,
  cryptoOutputItem,
  type GeneratedForm,
  prepareCrypto,
} from "@brevet/core/graph/kinds/crypto"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { collectItems } from "../each-item.ts"
import type { Work } from "../perform.ts"

/** Performs Crypto. */
export function performCrypto({ context }: Pick<Work, "context">): Promise<Outputs> {
  return collectItems(context, async (index) => cryptoOutputItem(context, index, make(prepareCrypto(context, index))))
}

function make(plan: CryptoPlan): string {
  switch (plan.action) {
    case "hash":
      return createHash(plan.digest.toLowerCase()).update(plan.value, "utf8").digest(plan.encoding)
    case "hmac":
      return createHmac(plan.digest.toLowerCase(), plan.secret).update(plan.value, "utf8").digest(plan.encoding)
    case "sign":
      return sign(plan, plan.encoding)
    case "generate":
      return generate(plan.form, plan.length)
  }
}

/** Throws NODE_SETTINGS_INVALID for an algorithm that is none and a key that can not be used. */
function sign(plan: Extract<CryptoPlan, { action: "sign" }>, encoding: ByteEncoding): string {
  const algorithm = getHashes().find((name) => name.toLowerCase() === plan.algorithm.toLowerCase())
  if (algorithm === undefined) {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      "The algorithm of the node is not known; choose another one, as RSA-SHA256.",
    )
  }
  try {
    // Keys often come through forms that write their line ends as two characters.
    return createSign(algorithm).update(plan.value, "utf8").sign(plan.privateKey.replaceAll("\\n", "\n"), encoding)
  } catch (error) {
    const message = "The private key of the node can not be used with its algorithm; give it a key in PEM form."
    throw new NodeFailure("NODE_SETTINGS_INVALID", message, { cause: error })
  }
}

/** A random text of a length; a UUID has its own. */
function generate(form: GeneratedForm, length: number): string {
  switch (form) {
    case "uuid":
      return randomUUID()
    case "hex":
      return randomBytes(length).toString("hex").slice(0, length)
    case "ascii":
      return randomBytes(length).toString("ascii")
    case "base64":
      return lettersAndDigits(length)
  }
}

/** Letters and digits of base64 alone, so that the text can stand anywhere. */
function lettersAndDigits(length: number): string {
  let text = ""
  while (text.length < length)
    text += randomBytes(length)
      .toString("base64")
      .replace(/[^A-Za-z0-9]/g, "")
  return text.slice(0, length)
}
