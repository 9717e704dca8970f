/** What whoever called the address of a run is answered: data, so that it is the same wherever and whenever it is sent. */
import type { JsonValue } from "../../json.ts"
import type { HeaderPair } from "./settings.ts"

/** The body of an answer. A file is meant by its id among the files of the run. */
export type AnswerBody =
  | { readonly type: "none" }
  | { readonly type: "json"; readonly value: JsonValue }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "file"; readonly id: string; readonly mimeType: string; readonly fileName: string | null }

/** An answer. `headers` may name a content type; else the body's own is taken. */
export type TriggerAnswer = {
  readonly status: number
  readonly headers: readonly HeaderPair[]
  readonly body: AnswerBody
  /** In an answer that is streamed the body is one more piece of it. */
  readonly streamed?: boolean
}
