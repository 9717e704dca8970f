/** What an answer of GraphQL says beside its data. Pure. */
import { isJsonObject } from "../../../json.ts"
import { asText } from "../../value-types.ts"
import { NodeFailure } from "../kind.ts"

/** Throws HTTP_ERROR where an answer tells of errors. */
export function checkGraphqlAnswer(value: unknown): void {
  const errors = isJsonObject(value) ? value.errors : undefined
  if (!Array.isArray(errors) || errors.length === 0) return
  const words = errors.slice(0, 10).map((error: unknown) => {
    const message = isJsonObject(error) ? asText(error.message) : asText(error)
    return (message ?? "an error without a message").slice(0, 500)
  })
  throw new NodeFailure("HTTP_ERROR", `The endpoint answered with errors: ${words.join("; ")}`)
}
