/** The digests that count in words of 64 bits: SHA-384, SHA-512 and SHA-3. */

import { type Digest, hexBytes, PRIMES, padded, rootBits } from "./digests.ts"

const MASK = (1n << 64n) - 1n
const rotateRight = (value: bigint, by: bigint) => ((value >> by) | (value << (64n - by))) & MASK
const rotateLeft = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & MASK

const CONSTANTS = PRIMES.map((prime) => rootBits(prime, { power: 3n, bits: 64n }))
const SHA512_START = PRIMES.slice(0, 8).map((prime) => rootBits(prime, { power: 2n, bits: 64n }))
const SHA384_START = PRIMES.slice(8, 16).map((prime) => rootBits(prime, { power: 2n, bits: 64n }))

function sha512Words(bytes: Uint8Array, start: readonly bigint[]): bigint[] {
  const view = padded(bytes, { blockBytes: 128, littleEndian: false })
  let state = [...start]
  const words: bigint[] = new Array<bigint>(80).fill(0n)
  for (let block = 0; block < view.byteLength; block += 128) {
    for (let index = 0; index < 80; index++)
      words[index] = scheduled(words, index, view.getBigUint64(block + (index % 16) * 8))
    let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = state
    for (let index = 0; index < 80; index++) {
      const large = rotateRight(e, 14n) ^ rotateRight(e, 18n) ^ rotateRight(e, 41n)
      const choice = (e & f) ^ (~e & MASK & g)
      const first = h + large + choice + (CONSTANTS[index] ?? 0n) + (words[index] ?? 0n)
      const small = rotateRight(a, 28n) ^ rotateRight(a, 34n) ^ rotateRight(a, 39n)
      const second = small + ((a & b) ^ (a & c) ^ (b & c))
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) & MASK, c, b, a, (first + second) & MASK]
    }
    const added = [a, b, c, d, e, f, g, h]
    state = state.map((word, index) => (word + (added[index] ?? 0n)) & MASK)
  }
  return state
}

/** The word of a block at an index: one of the block's own sixteen, or one made of earlier ones. */
function scheduled(words: readonly bigint[], index: number, own: bigint): bigint {
  if (index < 16) return own
  const [a = 0n, b = 0n] = [words[index - 15], words[index - 2]]
  const small = rotateRight(a, 1n) ^ rotateRight(a, 8n) ^ (a >> 7n)
  const large = rotateRight(b, 19n) ^ rotateRight(b, 61n) ^ (b >> 6n)
  return ((words[index - 16] ?? 0n) + small + (words[index - 7] ?? 0n) + large) & MASK
}

const hex64 = (words: readonly bigint[]) => words.map((word) => word.toString(16).padStart(16, "0")).join("")

/** SHA-512. */
export const sha512: Digest = (bytes) => hex64(sha512Words(bytes, SHA512_START))

/** SHA-384. */
export const sha384: Digest = (bytes) => hex64(sha512Words(bytes, SHA384_START).slice(0, 6))

/** Bytes that SHA-3 with 512 bits takes in at once. */
const SHA3_RATE = 72

/** SHA-3 with 512 bits. */
export const sha3: Digest = (bytes) => {
  const blocks = Math.floor(bytes.length / SHA3_RATE) + 1
  const input = new Uint8Array(blocks * SHA3_RATE)
  input.set(bytes)
  input[bytes.length] = 0x06
  input[input.length - 1] = (input[input.length - 1] ?? 0) | 0x80
  const view = new DataView(input.buffer)
  let lanes = new Array<bigint>(25).fill(0n)
  for (let block = 0; block < input.length; block += SHA3_RATE) {
    for (let lane = 0; lane < SHA3_RATE / 8; lane++) {
      lanes[lane] = (lanes[lane] ?? 0n) ^ view.getBigUint64(block + lane * 8, true)
    }
    for (const constant of KECCAK_CONSTANTS) lanes = keccakRound(lanes, constant)
  }
  const result = new DataView(new ArrayBuffer(64))
  for (let lane = 0; lane < 8; lane++) result.setBigUint64(lane * 8, lanes[lane] ?? 0n, true)
  return hexBytes(new Uint8Array(result.buffer))
}

const KECCAK_CONSTANTS = keccakConstants()

/** The constants come out of a shift register of eight bits: bit 2^j - 1 of each is its next output. */
function keccakConstants(): bigint[] {
  let register = 1
  const next = () => {
    const bit = register & 1
    register = (register << 1) ^ (register & 0x80 ? 0x171 : 0)
    return bit
  }
  return Array.from({ length: 24 }, () => {
    let constant = 0n
    for (let power = 0; power < 7; power++) if (next() === 1) constant |= 1n << ((1n << BigInt(power)) - 1n)
    return constant
  })
}

/** Where each lane goes and how far it turns on the way, from the walk that the standard describes. */
const KECCAK_MOVES = keccakMoves()

function keccakMoves(): { from: number; to: number; turn: bigint }[] {
  const moves = [{ from: 0, to: 0, turn: 0n }]
  let [x, y] = [1, 0]
  for (let step = 0; step < 24; step++) {
    const turn = BigInt((((step + 1) * (step + 2)) / 2) % 64)
    moves.push({ from: x + 5 * y, to: y + 5 * ((2 * x + 3 * y) % 5), turn })
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  return moves
}

function keccakRound(lanes: readonly bigint[], constant: bigint): bigint[] {
  const lane = (index: number) => lanes[index] ?? 0n
  const columns = [0, 1, 2, 3, 4].map((x) => lane(x) ^ lane(x + 5) ^ lane(x + 10) ^ lane(x + 15) ^ lane(x + 20))
  const mixed = columns.map((_column, x) => (columns[(x + 4) % 5] ?? 0n) ^ rotateLeft(columns[(x + 1) % 5] ?? 0n, 1n))
  const moved = new Array<bigint>(25).fill(0n)
  for (const { from, to, turn } of KECCAK_MOVES) moved[to] = rotateLeft(lane(from) ^ (mixed[from % 5] ?? 0n), turn)
  return moved.map((value, index) => {
    const row = index - (index % 5)
    const [next = 0n, after = 0n] = [moved[row + ((index + 1) % 5)], moved[row + ((index + 2) % 5)]]
    const chosen = value ^ (~next & MASK & after)
    return index === 0 ? chosen ^ constant : chosen
  })
}
