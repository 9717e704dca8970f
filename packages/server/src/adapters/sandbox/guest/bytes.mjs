/** Bytes and their spellings: `Buffer` as far as code of workflows uses it, `TextEncoder`, `TextDecoder`, `btoa`, `atob`. */
import { defineGlobal } from "./host.mjs"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const places = new Map([...alphabet].map((letter, place) => [letter, place]))
places.set("-", 62).set("_", 63)

/** How many characters are joined at a time. */
const pieceLength = 8_192

function textOf(codes) {
  const pieces = []
  for (let start = 0; start < codes.length; start += pieceLength) {
    pieces.push(String.fromCharCode.apply(null, codes.slice(start, start + pieceLength)))
  }
  return pieces.join("")
}

function encodeUtf8(text) {
  const bytes = []
  for (let place = 0; place < text.length; place += 1) {
    const code = text.codePointAt(place)
    if (code > 0xffff) place += 1
    const isLone = code >= 0xd800 && code <= 0xdfff
    const point = isLone ? 0xfffd : code
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63))
      bytes.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    }
  }
  return bytes
}

/** Reads UTF-8; what is none becomes U+FFFD, as browsers do it. */
function decodeUtf8(bytes) {
  const codes = []
  let place = 0
  const next = () => {
    const byte = bytes[place]
    if (byte < 0x80) {
      place += 1
      return byte
    }
    const length =
      byte >= 0xf0 && byte < 0xf5 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 0
    let point = length === 4 ? byte & 7 : length === 3 ? byte & 15 : byte & 31
    place += 1
    for (let rest = 1; rest < length; rest += 1) {
      const following = bytes[place]
      const least = rest > 1 ? 0x80 : byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
      const most = rest > 1 ? 0xbf : byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
      if (following === undefined || following < least || following > most) return 0xfffd
      point = (point << 6) | (following & 63)
      place += 1
    }
    return length === 0 ? 0xfffd : point
  }
  while (place < bytes.length) {
    const point = next()
    if (point > 0xffff) codes.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff))
    else codes.push(point)
  }
  return textOf(codes)
}

function encodeBase64(bytes, { letters, padding }) {
  const parts = []
  for (let place = 0; place < bytes.length; place += 3) {
    const triple = (bytes[place] << 16) | ((bytes[place + 1] ?? 0) << 8) | (bytes[place + 2] ?? 0)
    const count = Math.min(3, bytes.length - place)
    const four = [18, 12, 6, 0].map((shift, digit) => (digit > count ? padding : letters[(triple >> shift) & 63]))
    parts.push(four.join(""))
  }
  return parts.join("")
}

function decodeBase64(text) {
  const bytes = []
  let bits = 0
  let held = 0
  for (const letter of text) {
    if (letter === "=") break
    const value = places.get(letter)
    if (value === undefined) continue
    held = ((held << 6) | value) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 255)
    }
  }
  return bytes
}

const oneByte = (mask) => ({
  encode: (text) => Array.from({ length: text.length }, (_, place) => text.charCodeAt(place) & 255),
  decode: (bytes) => textOf(Array.from(bytes, (byte) => byte & mask)),
})

const base64 = { encode: decodeBase64, decode: (bytes) => encodeBase64(bytes, { letters: alphabet, padding: "=" }) }
const urlLetters = `${alphabet.slice(0, 62)}-_`
const base64url = { encode: decodeBase64, decode: (bytes) => encodeBase64(bytes, { letters: urlLetters, padding: "" }) }
const utf8 = { encode: encodeUtf8, decode: decodeUtf8 }
const utf16le = {
  encode: (text) =>
    Array.from({ length: text.length * 2 }, (_, at) => (text.charCodeAt(at >> 1) >> (at % 2 ? 8 : 0)) & 255),
  decode: (bytes) =>
    textOf(Array.from({ length: bytes.length >> 1 }, (_, at) => bytes[at * 2] | (bytes[at * 2 + 1] << 8))),
}
const hex = {
  encode(text) {
    const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)[0].match(/../g) ?? []
    return pairs.map((pair) => Number.parseInt(pair, 16))
  },
  decode: (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
}

const spellings = new Map(
  Object.entries({ utf8, hex, base64, base64url, utf16le, ucs2: utf16le, latin1: oneByte(255), binary: oneByte(255) }),
)
spellings.set("ascii", { encode: oneByte(255).encode, decode: oneByte(127).decode })

function spellingOf(name = "utf8") {
  const found = spellings.get(String(name).toLowerCase().replace("utf-", "utf").replace("ucs-", "ucs"))
  if (found === undefined) throw new TypeError(`Unknown encoding: ${name}`)
  return found
}

/** Bytes as Node's Buffer has them, in its most used methods. */
class Buffer extends Uint8Array {
  static from(value, second, length) {
    if (typeof value === "string") return new Buffer(spellingOf(second).encode(value))
    if (value instanceof ArrayBuffer) return new Buffer(value, second, length)
    if (value?.type === "Buffer" && Array.isArray(value.data)) return new Buffer(value.data)
    if (value?.length === undefined) throw new TypeError("Buffer.from takes text, a list or bytes")
    return new Buffer(Array.from(value))
  }

  static alloc(size, fill = 0, encoding = "utf8") {
    const buffer = new Buffer(size)
    if (typeof fill === "number") return buffer.fill(fill)
    const bytes = typeof fill === "string" ? Buffer.from(fill, encoding) : fill
    return bytes.length === 0 ? buffer : buffer.map((_, place) => bytes[place % bytes.length])
  }

  static allocUnsafe(size) {
    return new Buffer(size)
  }

  static concat(list, total = list.reduce((sum, { length }) => sum + length, 0)) {
    const joined = new Buffer(total)
    let place = 0
    for (const bytes of list) {
      const part = bytes.subarray(0, Math.max(0, total - place))
      joined.set(part, place)
      place += part.length
    }
    return joined
  }

  static isBuffer(value) {
    return value instanceof Buffer
  }

  static isEncoding(name) {
    return spellings.has(String(name).toLowerCase().replace("utf-", "utf").replace("ucs-", "ucs"))
  }

  static byteLength(value, encoding) {
    return typeof value === "string" ? spellingOf(encoding).encode(value).length : value.byteLength
  }

  static compare(left, right) {
    for (let place = 0; place < Math.min(left.length, right.length); place += 1) {
      if (left[place] !== right[place]) return left[place] < right[place] ? -1 : 1
    }
    return Math.sign(left.length - right.length)
  }

  toString(encoding, start = 0, end = this.length) {
    return spellingOf(encoding).decode(this.subarray(start, end))
  }

  toJSON() {
    return { type: "Buffer", data: Array.from(this) }
  }

  equals(other) {
    return Buffer.compare(this, other) === 0
  }

  slice(start, end) {
    return this.subarray(start, end)
  }

  write(text, start = 0) {
    const bytes = Buffer.from(text).subarray(0, Math.max(0, this.length - start))
    this.set(bytes, start)
    return bytes.length
  }

  copy(target, targetStart = 0, start = 0) {
    const part = this.subarray(start).subarray(0, Math.max(0, target.length - targetStart))
    target.set(part, targetStart)
    return part.length
  }
}

class TextEncoder {
  encoding = "utf-8"

  encode(text = "") {
    return new Uint8Array(encodeUtf8(String(text)))
  }
}

class TextDecoder {
  constructor(label = "utf-8") {
    this.encoding = String(label).toLowerCase()
    if (!["utf-8", "utf8", "latin1", "utf-16le"].includes(this.encoding)) {
      throw new RangeError(`The encoding '${label}' is not there`)
    }
  }

  decode(bytes = new Uint8Array()) {
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes)
    const text = spellingOf(this.encoding).decode(view)
    return text.startsWith("\ufeff") ? text.slice(1) : text
  }
}

function btoa(text) {
  const given = String(text)
  if (/[^\0-\xff]/.test(given)) throw new TypeError("btoa takes characters up to U+00FF; encode the text first")
  return base64.decode(oneByte(255).encode(given))
}

function atob(text) {
  const given = String(text).replace(/[\t\n\f\r ]/g, "")
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(given) || given.replace(/=/g, "").length % 4 === 1) {
    throw new TypeError("atob takes base64, which this is not")
  }
  return oneByte(255).decode(decodeBase64(given))
}

for (const [name, value] of Object.entries({ Buffer, TextEncoder, TextDecoder, btoa, atob })) defineGlobal(name, value)
