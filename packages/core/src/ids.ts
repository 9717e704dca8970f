/**
 * Ids on the wire: a prefix, an underscore, and the 32 lower-case hex digits of a UUIDv7 (documented form). Stores hold
 * the bare UUID. Ids are made only by an injected source, so that tests can count them.
 */

/** What an id names, by its prefix on the wire. */
export const idPrefixes = {
  organization: "org",
  user: "usr",
  apiKey: "ak",
  workflow: "flow",
  assistant: "asst",
  thread: "thread",
  message: "msg",
  response: "resp",
  run: "run",
  pause: "pause",
  request: "req",
  credential: "cred",
  auditLog: "log",
} as const

/** A noun that has ids. */
export type IdNoun = keyof typeof idPrefixes

/** A branded id: `Id<"run">` is `run_` and 32 lower-case hex digits. */
export type Id<Noun extends IdNoun> = string & { readonly __noun: Noun }

/** Makes ids; injected. UUIDv7, so that ids made later sort later. */
export type IdSource = { next<Noun extends IdNoun>(noun: Noun): Id<Noun> }

const pattern = /^[0-9a-f]{32}$/

/** True if the text is a well-formed id of that noun. */
export function isId<Noun extends IdNoun>(noun: Noun, text: string): text is Id<Noun> {
  const prefix = idPrefixes[noun]
  return (
    text.length === prefix.length + 33 && text.startsWith(`${prefix}_`) && pattern.test(text.slice(prefix.length + 1))
  )
}

/** The UUID (with dashes, as the store takes it) of an id. */
export function uuidOf(id: string): string {
  const hex = id.slice(-32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The id of a noun from a UUID with or without dashes. */
export function idFrom<Noun extends IdNoun>(noun: Noun, uuid: string): Id<Noun> {
  return `${idPrefixes[noun]}_${uuid.replaceAll("-", "")}` as Id<Noun>
}
