/**
 * Cuts a `text/event-stream` body into the data of its events.
 *
 * Knows the whole of the format that matters to a reader of data: LF, CRLF and CR line ends, comments, several data
 * lines in one event, a byte order mark, characters and lines split anywhere. Names, ids and retry times are passed over.
 */
import { StringDecoder } from "node:string_decoder"

/** An event longer than this many characters is no event of a model (ours). */
export const frameLengthMax = 4 * 1024 * 1024

/** Thrown by `feed` when a line or an event grows past `frameLengthMax`. */
export class FrameTooLong extends Error {
  constructor() {
    super("an event of the stream is too long")
    this.name = "FrameTooLong"
  }
}

/** Reads one body. `onData` gets the data of each event, in order. */
export class SseScanner {
  readonly #onData: (data: string) => void
  readonly #decoder = new StringDecoder("utf8")
  #rest = ""
  #data: string | null = null
  #begun = false
  #afterCarriageReturn = false

  constructor(onData: (data: string) => void) {
    this.#onData = onData
  }

  /** Takes the next bytes. */
  feed(bytes: Buffer): void {
    this.#take(this.#decoder.write(bytes))
  }

  /** The body has ended: an event whose blank line is missing counts all the same. */
  end(): void {
    this.#take(this.#decoder.end())
    if (this.#rest !== "") this.#line(this.#rest)
    this.#rest = ""
    this.#dispatch()
  }

  #take(decoded: string): void {
    const text = this.#withPlainLineEnds(decoded)
    if (text === "") return
    const all = this.#rest === "" ? text : this.#rest + text
    let start = 0
    for (let end = all.indexOf("\n"); end !== -1; end = all.indexOf("\n", start)) {
      if (end === start) this.#dispatch()
      else this.#line(all.slice(start, end))
      start = end + 1
    }
    this.#rest = start === 0 ? all : all.slice(start)
    if (this.#rest.length > frameLengthMax) throw new FrameTooLong()
  }

  /** Every line end becomes LF. A CR at the end of a piece ends its line; an LF that follows in the next is its second half. */
  #withPlainLineEnds(decoded: string): string {
    if (decoded === "") return ""
    let text = decoded
    if (!this.#begun) {
      this.#begun = true
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    if (this.#afterCarriageReturn && text.charCodeAt(0) === 10) text = text.slice(1)
    this.#afterCarriageReturn = decoded.charCodeAt(decoded.length - 1) === 13
    return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text
  }

  #line(line: string): void {
    if (!line.startsWith("data")) return
    const mark = line.charCodeAt(4)
    let value: string
    if (mark === 58) value = line.slice(line.charCodeAt(5) === 32 ? 6 : 5)
    else if (line.length === 4) value = ""
    else return
    this.#data = this.#data === null ? value : `${this.#data}\n${value}`
    if (this.#data.length > frameLengthMax) throw new FrameTooLong()
  }

  #dispatch(): void {
    const data = this.#data
    if (data === null) return
    this.#data = null
    this.#onData(data)
  }
}
