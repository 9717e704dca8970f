/**
 * Secrets sealed with AES-256-GCM.
 *
 *   version (1 byte: 1) | key id (4 bytes) | nonce (12 bytes) | tag (16 bytes) | ciphertext
 *
 * The key id is the beginning of a hash of the key: it tells which key opens, so that the key can be changed: the former
 * one is given as the previous key and goes on opening, while everything new is sealed with the current one. The owner
 * of a secret is authenticated with it, so that a row that was copied over another does not open.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Secrets } from "../ports/secrets.ts"
import { StartProblem } from "../start-problem.ts"

const formatVersion = 1
const keyBytes = 32
const keyIdBytes = 4
const nonceBytes = 12
const tagBytes = 16
const headerBytes = 1 + keyIdBytes + nonceBytes + tagBytes
/** Where the key lies that was made at the first start. */
const keyFileName = "secret.key"

type Key = { readonly id: Buffer; readonly bytes: Buffer }

function makeKey(bytes: Buffer): Key {
  const id = createHash("sha256").update("brevet key id\0").update(bytes).digest().subarray(0, keyIdBytes)
  return { id, bytes }
}

function sealWith(key: Key, secret: string, owner: string): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(owner))
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()])
  return Buffer.concat([Buffer.of(formatVersion), key.id, nonce, cipher.getAuthTag(), text])
}

/** The purpose is said first, so that a signature is never something else that the key makes. */
function signWith(key: Key, text: string): Buffer {
  return createHmac("sha256", key.bytes).update("brevet signature\0").update(text).digest()
}

function isSame(left: Buffer, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

function openWith(keys: readonly Key[], sealed: Uint8Array, owner: string): string | null {
  const bytes = Buffer.from(sealed)
  if (bytes.length < headerBytes || bytes[0] !== formatVersion) return null
  const id = bytes.subarray(1, 1 + keyIdBytes)
  const nonce = bytes.subarray(1 + keyIdBytes, headerBytes - tagBytes)
  const key = keys.find((candidate) => candidate.id.equals(id))
  if (key === undefined) return null
  const decipher = createDecipheriv("aes-256-gcm", key.bytes, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(owner))
  decipher.setAuthTag(bytes.subarray(headerBytes - tagBytes, headerBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headerBytes)), decipher.final()]).toString("utf8")
  } catch {
    return null // The tag does not fit: the row was altered or belongs to another owner.
  }
}

/** Keys of 32 bytes: the one that seals, and the one before it; and whether other processes can have them too. */
export type SecretKeys = { readonly current: Buffer; readonly previous?: Buffer; readonly isShared?: boolean }

/** Secrets sealed with the current key and opened with it or the previous one. */
export function makeSecrets({ current, previous, isShared = false }: SecretKeys): Secrets {
  const key = makeKey(current)
  const keys = previous === undefined ? [key] : [key, makeKey(previous)]
  return {
    seal: (secret, owner) => sealWith(key, secret, owner),
    open: (sealed, owner) => openWith(keys, sealed, owner),
    sign: (text) => signWith(key, text),
    isSignature: (bytes, text) => keys.some((candidate) => isSame(signWith(candidate, text), bytes)),
    isCurrent: (sealed) => Buffer.from(sealed.subarray(1, 1 + keyIdBytes)).equals(key.id),
    isShared,
  }
}

/** The 32 bytes that a setting gives in hex or base64. Throws StartProblem, without the text, where it gives others. */
export function parseSecretKey(text: string, settingName: string): Buffer {
  const trimmed = text.trim()
  const isHex = /^[0-9a-f]{64}$/i.test(trimmed)
  const isBase64 = /^[\w+/-]{43}=?$/.test(trimmed)
  const bytes = isHex ? Buffer.from(trimmed, "hex") : Buffer.from(isBase64 ? trimmed : "", "base64")
  if (bytes.length === keyBytes) return bytes
  throw new StartProblem(
    `${settingName} must hold 32 bytes as base64 or hex; make one with: openssl rand -base64 ${keyBytes}`,
    { exitCode: 78 },
  )
}

/** The key of the data folder; made at the first start, readable by its owner only. */
async function readOrMakeKey(dataFolder: string): Promise<Buffer> {
  const path = join(dataFolder, keyFileName)
  await mkdir(dataFolder, { recursive: true })
  const draft = `${path}.${randomBytes(8).toString("hex")}`
  await writeFile(draft, `${randomBytes(keyBytes).toString("base64")}\n`, { mode: 0o600, flag: "wx" })
  try {
    // A link is made whole or not at all, and never over a file: of two first starts one wins, and both read its key.
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
  } finally {
    await unlink(draft)
  }
  return parseSecretKey(await readFile(path, "utf8"), path)
}

/**
 * The secrets of this process: with the key of the settings, or else with that of the data folder. Several processes on
 * one database need the setting, since each data folder has a key of its own. Throws StartProblem for a faulty key.
 */
export async function openSecrets(options: {
  readonly dataFolder: string
  /** BREVET_SECRET_KEY: 32 bytes as base64 or hex. */
  readonly secretKey?: string | undefined
  /** BREVET_SECRET_KEY_PREVIOUS: opens what an earlier key sealed. */
  readonly previousSecretKey?: string | undefined
}): Promise<Secrets> {
  const { dataFolder, secretKey, previousSecretKey } = options
  const current =
    secretKey === undefined ? await readOrMakeKey(dataFolder) : parseSecretKey(secretKey, "BREVET_SECRET_KEY")
  const previous =
    previousSecretKey === undefined ? {} : { previous: parseSecretKey(previousSecretKey, "BREVET_SECRET_KEY_PREVIOUS") }
  return makeSecrets({ current, ...previous, isShared: secretKey !== undefined })
}
