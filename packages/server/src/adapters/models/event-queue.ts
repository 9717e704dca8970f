/**
 * A queue from something that pushes (a socket) to one reader that pulls. What was pushed before an end or a failure is
 * read before it. Not bounded: the pusher asks for `length` and pauses its source.
 */
export class EventQueue<Item> {
  #items: Item[] = []
  #next = 0
  #closed: { readonly error: unknown } | "ended" | null = null
  #waiting: { resolve: (result: IteratorResult<Item, undefined>) => void; reject: (error: unknown) => void } | null =
    null

  /** How many items wait to be read. */
  get length(): number {
    return this.#items.length - this.#next
  }

  /** True once `end` or `fail` was called. */
  get isClosed(): boolean {
    return this.#closed !== null
  }

  /** True while the reader waits for an item. */
  get isAwaited(): boolean {
    return this.#waiting !== null
  }

  push(item: Item): void {
    if (this.#closed !== null) return
    const reader = this.#takeReader()
    if (reader === null) this.#items.push(item)
    else reader.resolve({ value: item, done: false })
  }

  end(): void {
    if (this.#closed !== null) return
    this.#closed = "ended"
    this.#takeReader()?.resolve({ value: undefined, done: true })
  }

  fail(error: unknown): void {
    if (this.#closed !== null) return
    this.#closed = { error }
    this.#takeReader()?.reject(error)
  }

  /** Drops what was not read. */
  clear(): void {
    this.#items = []
    this.#next = 0
  }

  /** The next item. A failure is thrown once, then the queue has ended. */
  pull(): Promise<IteratorResult<Item, undefined>> {
    if (this.#next < this.#items.length) {
      const value = this.#items[this.#next] as Item
      this.#next += 1
      if (this.#next === this.#items.length) this.clear()
      return Promise.resolve({ value, done: false })
    }
    const closed = this.#closed
    if (closed === null) {
      return new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject }
      })
    }
    if (closed === "ended") return Promise.resolve({ value: undefined, done: true })
    this.#closed = "ended"
    return Promise.reject(closed.error)
  }

  #takeReader() {
    const reader = this.#waiting
    this.#waiting = null
    return reader
  }
}
