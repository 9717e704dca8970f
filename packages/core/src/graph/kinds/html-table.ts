/** All items as one table of HTML: a row each, a column for every field that any of them has. */
import type { JsonValue } from "../../json.ts"
import type { Item } from "../items.ts"
import { asText } from "../value-types.ts"
import { boundItems } from "./item-bound.ts"
import { type KindContext, NodeFailure } from "./kind.ts"

/** The item, with the lineage of all. Throws RUN_ITEMS_EXCEEDED for more cells than a run can bear. */
export function htmlTable(context: KindContext): Item {
  const says = (name: string): unknown => context.parameter(`options.${name}`, 0)
  const items = context.inputs[0] ?? []
  const names = [...new Set(items.flatMap(({ json }) => Object.keys(json)))]
  boundItems(names.length * items.length)
  const caption = asText(says("caption")) ?? ""
  const headings = names.map((name) => `<th>${escapeHtml(says("capitalize") === true ? capitalized(name) : name)}</th>`)
  const [ofCell, ofRow] = [attributes(says("cellAttributes")), attributes(says("rowAttributes"))]
  const rows = items.map(({ json }) => {
    const cells = names.map((name) => `<td${ofCell}>${cellText(json[name])}</td>`)
    return `<tr${ofRow}>${cells.join("")}</tr>`
  })
  const table = [
    `<table${attributes(says("tableAttributes"))}>`,
    caption === "" ? "" : `<caption>${escapeHtml(caption)}</caption>`,
    `<thead${attributes(says("headerAttributes"))}><tr>${headings.join("")}</tr></thead>`,
    `<tbody>${rows.join("")}</tbody>`,
    "</table>",
  ]
  return { json: { table: table.join("") }, pairedItem: items.map((_, item) => ({ item })) }
}

/** Characters of attributes (ours): they stand in every cell. */
const attributeCharsMax = 1_000

/** Attributes stand as the author of the workflow wrote them. */
function attributes(said: unknown): string {
  const text = asText(said) ?? ""
  if (text.length > attributeCharsMax) {
    throw new NodeFailure(
      "NODE_SETTINGS_INVALID",
      `Attributes may have at most ${attributeCharsMax} characters; shorten them.`,
    )
  }
  return text === "" ? "" : ` ${text}`
}

function cellText(value: JsonValue | undefined): string {
  if (typeof value === "boolean") return `<input type="checkbox" disabled${value ? " checked" : ""}>`
  return escapeHtml(asText(value) ?? "")
}

function capitalized(name: string): string {
  return name
    .split("_")
    .filter((word) => word !== "")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ")
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
