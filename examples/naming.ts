/** Names for what is different each time: ids, times and the server's address. The same id has the same name all through. */

/** Replaces ids by their prefix and a count, times and addresses by words. */
export type Naming = { apply(text: string): string }

/** A naming that has seen nothing yet. */
export function makeNaming(): Naming {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  const nameOf = (id: string, prefix: string): string => {
    const known = names.get(id)
    if (known !== undefined) return known
    const count = (counts.get(prefix) ?? 0) + 1
    counts.set(prefix, count)
    const name = `${prefix}_${count}`
    names.set(id, name)
    return name
  }
  return {
    apply: (text) =>
      text
        .replaceAll(/\b([a-z]+)_[0-9a-f]{32}\b/g, nameOf)
        // What a client adds by itself differs from one version of it to the next.
        .replaceAll(/"headers":\{"host":[^}]*\}/g, '"headers":"<headers>"')
        .replaceAll(/\b127\.0\.0\.1:\d+\b/g, "<server>")
        .replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g, '"<time>"')
        .replaceAll(/"(created_at|updated_at)": \d{10}/g, '"$1": <time>')
        .replaceAll(/"duration_ms": \d+/g, '"duration_ms": <time>'),
  }
}
