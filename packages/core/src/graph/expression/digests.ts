/**
 * Digests of bytes, in pure code: MD5, SHA-1, SHA-2 and SHA-3-512. They are for comparing and naming things; nothing here
 * is a secret, and nothing depends on how long it takes.
 */

/** A digest in lower-case hexadecimal digits. */
export type Digest = (bytes: Uint8Array) => string

const rotateLeft = (value: number, by: number) => (value << by) | (value >>> (32 - by))
const rotateRight = (value: number, by: number) => (value >>> by) | (value << (32 - by))

function hex32(words: readonly number[]): string {
  return words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
}

/** The bytes with a one, zeros and their length in bits behind them, a multiple of `blockBytes` long. */
export function padded(bytes: Uint8Array, block: { blockBytes: number; littleEndian: boolean }): DataView {
  const lengthBytes = block.blockBytes / 8
  const total = Math.ceil((bytes.length + 1 + lengthBytes) / block.blockBytes) * block.blockBytes
  const view = new DataView(new ArrayBuffer(total))
  new Uint8Array(view.buffer).set(bytes)
  view.setUint8(bytes.length, 0x80)
  const high = Math.floor(bytes.length / 0x20000000)
  const low = (bytes.length * 8) >>> 0
  view.setUint32(total - (block.littleEndian ? 8 : 4), low, block.littleEndian)
  view.setUint32(total - (block.littleEndian ? 4 : 8), high, block.littleEndian)
  return view
}

const MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const MD5_SINES = Array.from({ length: 64 }, (_none, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32) | 0)

/** MD5. */
export const md5: Digest = (bytes) => {
  const view = padded(bytes, { blockBytes: 64, littleEndian: true })
  let [a0, b0, c0, d0] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476]
  for (let block = 0; block < view.byteLength; block += 64) {
    let [a, b, c, d] = [a0, b0, c0, d0]
    for (let index = 0; index < 64; index++) {
      const round = index >> 4
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : md5Late({ round, b, c, d })
      const place = [index, 5 * index + 1, 3 * index + 5, 7 * index][round] ?? 0
      const word = view.getInt32(block + (place % 16) * 4, true)
      const sum = (a + mixed + (MD5_SINES[index] ?? 0) + word) | 0
      const shift = MD5_SHIFTS[round * 4 + (index % 4)] ?? 0
      ;[a, d, c, b] = [d, c, b, (b + rotateLeft(sum, shift)) | 0]
    }
    ;[a0, b0, c0, d0] = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0]
  }
  const result = new DataView(new ArrayBuffer(16))
  for (const [index, word] of [a0, b0, c0, d0].entries()) result.setInt32(index * 4, word, true)
  return hexBytes(new Uint8Array(result.buffer))
}

function md5Late({ round, b, c, d }: { round: number; b: number; c: number; d: number }): number {
  return round === 2 ? b ^ c ^ d : c ^ (b | ~d)
}

/** Bytes as two hexadecimal digits each. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

/** SHA-1. */
export const sha1: Digest = (bytes) => {
  const view = padded(bytes, { blockBytes: 64, littleEndian: false })
  let state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0]
  const words = new Int32Array(80)
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let index = 0; index < 16; index++) words[index] = view.getInt32(block + index * 4)
    for (let index = 16; index < 80; index++) {
      const early = (words[index - 14] ?? 0) ^ (words[index - 16] ?? 0)
      words[index] = rotateLeft((words[index - 3] ?? 0) ^ (words[index - 8] ?? 0) ^ early, 1)
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state
    for (let index = 0; index < 80; index++) {
      const { mixed, constant } = sha1Round(index, { b, c, d })
      const next = (rotateLeft(a, 5) + mixed + e + constant + (words[index] ?? 0)) | 0
      ;[e, d, c, b, a] = [d, c, rotateLeft(b, 30), a, next]
    }
    const added = [a, b, c, d, e]
    state = state.map((word, index) => (word + (added[index] ?? 0)) | 0)
  }
  return hex32(state)
}

function sha1Round(index: number, { b, c, d }: { b: number; c: number; d: number }) {
  if (index < 20) return { mixed: (b & c) | (~b & d), constant: 0x5a827999 }
  if (index < 40) return { mixed: b ^ c ^ d, constant: 0x6ed9eba1 }
  if (index < 60) return { mixed: (b & c) | (b & d) | (c & d), constant: 0x8f1bbcdc }
  return { mixed: b ^ c ^ d, constant: 0xca62c1d6 }
}

/** The first 80 primes, of whose roots the constants of SHA-2 are made. */
export const PRIMES: readonly number[] = firstPrimes(80)

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number)
  }
  return primes
}

/** The first `bits` bits behind the point of a root of a prime. `power` is 2 or 3. */
export function rootBits(prime: number, root: { power: bigint; bits: bigint }): bigint {
  const scaled = BigInt(prime) << (root.bits * root.power)
  let low = 0n
  let high = BigInt(prime) << root.bits
  while (low < high) {
    const middle = (low + high + 1n) >> 1n
    if (middle ** root.power <= scaled) low = middle
    else high = middle - 1n
  }
  return low & ((1n << root.bits) - 1n)
}

const SHA256_CONSTANTS = PRIMES.slice(0, 64).map((prime) => Number(rootBits(prime, { power: 3n, bits: 32n })) | 0)
const SHA256_START = PRIMES.slice(0, 8).map((prime) => Number(rootBits(prime, { power: 2n, bits: 32n })) | 0)
// The second halves of the 64 bits with which SHA-384 begins.
const SHA224_START = PRIMES.slice(8, 16).map(
  (prime) => Number(rootBits(prime, { power: 2n, bits: 64n }) & 0xffffffffn) | 0,
)

function sha256Words(bytes: Uint8Array, start: readonly number[]): number[] {
  const view = padded(bytes, { blockBytes: 64, littleEndian: false })
  let state = [...start]
  const words = new Int32Array(64)
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let index = 0; index < 64; index++) {
      const [a, b] = [words[index - 15] ?? 0, words[index - 2] ?? 0]
      const small = rotateRight(a, 7) ^ rotateRight(a, 18) ^ (a >>> 3)
      const large = rotateRight(b, 17) ^ rotateRight(b, 19) ^ (b >>> 10)
      words[index] =
        index < 16
          ? view.getInt32(block + index * 4)
          : ((words[index - 16] ?? 0) + small + (words[index - 7] ?? 0) + large) | 0
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
    for (let index = 0; index < 64; index++) {
      const choice = (e & f) ^ (~e & g)
      const large = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)
      const first = (h + large + choice + (SHA256_CONSTANTS[index] ?? 0) + (words[index] ?? 0)) | 0
      const second = ((rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0]
    }
    const added = [a, b, c, d, e, f, g, h]
    state = state.map((word, index) => (word + (added[index] ?? 0)) | 0)
  }
  return state
}

/** SHA-256. */
export const sha256: Digest = (bytes) => hex32(sha256Words(bytes, SHA256_START))

/** SHA-224. */
export const sha224: Digest = (bytes) => hex32(sha256Words(bytes, SHA224_START).slice(0, 7))
