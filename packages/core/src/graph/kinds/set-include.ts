/** Which fields of the input item a Set node keeps, before it writes its own. */
import type { JsonObject } from "../../json.ts"
import { editFields, parseFieldPath, plainFieldPath, readField } from "../field-path.ts"
import { listNames } from "./fields.ts"
import type { KindContext } from "./kind.ts"

/** What is kept of the input item. */
export type Included = "all" | "none" | "selected" | "except"

/** What a node keeps. Before 3.3: all where nothing is said; since: nothing unless `includeOtherFields` (documented). */
export function includedFields(context: KindContext, itemIndex: number): Included {
  const { typeVersion, parameters } = context.node
  const says = (path: string): unknown => context.parameter(path, itemIndex)
  if (typeVersion < 3) return says("keepOnlySet") === true ? "none" : "all"
  const isOlder = typeVersion < 3.3 && parameters.includeOtherFields === undefined
  if (!isOlder && says("includeOtherFields") !== true) return "none"
  const include = says("include")
  return include === "none" || include === "selected" || include === "except" ? include : "all"
}

/** The fields of the item that are kept. A selected `address.city` becomes `city` (recorded outcome). */
export function keptFields(
  context: KindContext,
  json: JsonObject,
  options: { included: Included; dotNotation: boolean; itemIndex: number },
): JsonObject {
  const { included, dotNotation, itemIndex } = options
  if (included === "none") return {}
  if (included === "all") return json
  const listed = context.parameter(included === "selected" ? "includeFields" : "excludeFields", itemIndex)
  const paths = listNames(listed).flatMap((name) => {
    const steps = dotNotation ? parseFieldPath(name) : plainFieldPath(name)
    return steps === null ? [] : [steps]
  })
  const editor = editFields(included === "selected" ? {} : json)
  for (const steps of paths) {
    if (included === "except") editor.remove(steps)
    const value = included === "selected" ? readField(json, steps) : undefined
    if (value !== undefined) editor.set(steps.slice(-1), value)
  }
  return editor.done()
}
