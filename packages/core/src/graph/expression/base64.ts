/** Texts as UTF-8 and as base64, without the platform: the core has neither buffers nor encoders. */

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** The replacement for what is no character, as encoders and decoders write it. */
const REPLACEMENT = 0xfffd

/** The bytes of a text in UTF-8. A lone surrogate becomes the replacement character. */
export function utf8Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    let code = text.codePointAt(at) ?? REPLACEMENT
    if (code > 0xffff) at++
    else if (code >= 0xd800 && code <= 0xdfff) code = REPLACEMENT
    if (code < 0x80) bytes[length++] = code
    else if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6)
      bytes[length++] = 0x80 | (code & 63)
    } else if (code < 0x10000) {
      bytes[length++] = 0xe0 | (code >> 12)
      bytes[length++] = 0x80 | ((code >> 6) & 63)
      bytes[length++] = 0x80 | (code & 63)
    } else {
      bytes[length++] = 0xf0 | (code >> 18)
      bytes[length++] = 0x80 | ((code >> 12) & 63)
      bytes[length++] = 0x80 | ((code >> 6) & 63)
      bytes[length++] = 0x80 | (code & 63)
    }
  }
  return bytes.subarray(0, length)
}

/** The text of bytes in UTF-8; what is no character becomes the replacement character. */
export function utf8Text(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const { code, length } = decodeAt(bytes, at)
    parts.push(String.fromCodePoint(code))
    at += length
  }
  return parts.join("")
}

function decodeAt(bytes: Uint8Array, at: number): { code: number; length: number } {
  const first = bytes[at] ?? 0
  if (first < 0x80) return { code: first, length: 1 }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4) return { code: REPLACEMENT, length: 1 }
  let code = first & (0xff >> (length + 1))
  for (let index = 1; index < length; index++) {
    const next = bytes[at + index] ?? 0
    const isWrong = (next & 0xc0) !== 0x80 || (index === 1 && !mayFollow(first, next))
    if (isWrong) return { code: REPLACEMENT, length: index }
    code = (code << 6) | (next & 63)
  }
  return { code, length }
}

/** Whether a second byte keeps the character from being too long a form, a surrogate or beyond the last one. */
function mayFollow(first: number, second: number): boolean {
  if (first === 0xe0) return second >= 0xa0
  if (first === 0xed) return second < 0xa0
  if (first === 0xf0) return second >= 0x90
  return first !== 0xf4 || second < 0x90
}

/** Bytes in base64, filled up with `=`. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 3) {
    const rest = bytes.length - at
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    parts.push(LETTERS.charAt(bits >> 18), LETTERS.charAt((bits >> 12) & 63))
    parts.push(rest > 1 ? LETTERS.charAt((bits >> 6) & 63) : "=", rest > 2 ? LETTERS.charAt(bits & 63) : "=")
  }
  return parts.join("")
}

/** The bytes of a base64 text, in either alphabet. What is no letter of it is passed over. */
export function fromBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4))
  let length = 0
  let bits = 0
  let count = 0
  for (const char of text) {
    if (char === "=") break
    const value = LETTERS.indexOf(char === "-" ? "+" : char === "_" ? "/" : char)
    if (value < 0) continue
    bits = (bits << 6) | value
    count += 6
    if (count < 8) continue
    count -= 8
    bytes[length++] = (bits >> count) & 255
    bits &= (1 << count) - 1
  }
  return bytes.subarray(0, length)
}
