/** XML to JSON, of one field of each item; and JSON to XML, of the whole item. */
import { isJsonObject, type JsonObject } from "../../json.ts"
import { readXml, type XmlReading } from "../conversion/xml-reading.ts"
import { defaultRootName, writeXml, type XmlWriting } from "../conversion/xml-writing.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { asText } from "../value-types.ts"
import { treatEachItem } from "./each-item.ts"
import { fieldValue, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item becomes `{error}` where the run goes on by the regular output. */
export const xml: PureKind = {
  name: "xml",
  types: ["n8n-nodes-base.xml"],
  title: "XML",
  help: "Converts XML to JSON, and JSON to XML.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run: (context) => ({
    outputs: treatEachItem(context, {
      work: (item, itemIndex) => ({
        output: 0,
        items: [{ json: convert(context, item.json, itemIndex), pairedItem: { item: itemIndex } }],
      }),
      failed: (_item, itemIndex, error) => ({
        output: 0,
        items: [{ json: { error }, pairedItem: { item: itemIndex } }],
      }),
    }),
  }),
}

const toJson = "xmlToJson"
const toXml = "jsonToxml"

function convert(context: KindContext, json: JsonObject, itemIndex: number): JsonObject {
  const mode = context.parameter("mode", itemIndex) ?? toJson
  const given = context.parameter("options", itemIndex)
  const options: JsonObject = isJsonObject(given) ? given : {}
  const named = asText(context.parameter("dataPropertyName", itemIndex) ?? "data") ?? ""
  const name = named === "" ? "data" : named
  if (mode === toXml) {
    return { [toField(name, { dotNotation: false }).name]: writeXml(json, readWriting(options)) }
  }
  if (mode !== toJson) {
    throw new NodeFailure("NODE_SETTINGS_INVALID", `The mode of the node is not known; choose ${toJson} or ${toXml}.`)
  }
  const text = asText(fieldValue(json, toField(name, { dotNotation: true })))
  if (text !== undefined) return readXml(text, readReading(options))
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The item has no field ${quote(name)} with XML; correct its name.`)
}

/** Attributes are merged and single elements are no lists where nothing is said (documented). */
function readReading(options: JsonObject): XmlReading {
  return {
    ...readKeys(options),
    explicitArray: options.explicitArray === true,
    explicitRoot: options.explicitRoot !== false,
    ignoreAttributes: options.ignoreAttrs === true,
    mergeAttributes: options.mergeAttrs !== false,
    normalize: options.normalize === true,
    normalizeTags: options.normalizeTags === true,
    trim: options.trim === true,
  }
}

function readWriting(options: JsonObject): XmlWriting {
  const rootName = asText(options.rootName) ?? ""
  return {
    ...readKeys(options),
    rootName: rootName === "" ? defaultRootName : rootName,
    cdata: options.cdata === true,
    headless: options.headless === true,
  }
}

function readKeys({ attrkey, charkey }: JsonObject): { attributeKey: string; characterKey: string } {
  const key = (value: unknown, otherwise: string): string => {
    const text = asText(value) ?? ""
    return text === "" ? otherwise : toField(text, { dotNotation: false }).name
  }
  return { attributeKey: key(attrkey, "$"), characterKey: key(charkey, "_") }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const { mode = toJson } = parameters
  if (mode === toJson || mode === toXml || (typeof mode === "string" && mode.startsWith("="))) return []
  const message = `Choose for ${quote(name)} the mode ${toJson} or ${toXml}.`
  const place = pathTo(pathTo(path, "parameters"), "mode")
  return [{ severity: "error", code: "SETTING_INVALID", message, node: name, path: place }]
}
