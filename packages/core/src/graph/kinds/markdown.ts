/** Markdown to HTML and back. */
import { isJsonObject, type JsonObject, type JsonValue } from "../../json.ts"
import { type HtmlStyle, writeHtml } from "../conversion/html-of-markdown.ts"
import { readHtml } from "../conversion/html-tree.ts"
import { type MarkdownStyle, markdownStyle, writeMarkdown } from "../conversion/markdown-of-html.ts"
import { editFields } from "../field-path.ts"
import { pathTo, quote } from "../findings.ts"
import type { Finding, GraphNode } from "../graph.ts"
import { asNumber, asText } from "../value-types.ts"
import { treatEachItem } from "./each-item.ts"
import { listNames, toField } from "./fields.ts"
import { type KindContext, NodeFailure, type PureKind } from "./kind.ts"
import { onePort } from "./ports.ts"

/** The kind. A failing item becomes `{error}` where the run goes on by the regular output. */
export const markdown: PureKind = {
  name: "markdown",
  types: ["n8n-nodes-base.markdown"],
  title: "Markdown",
  help: "Converts Markdown to HTML, and HTML to Markdown.",
  group: "data",
  effect: "none",
  inputs: () => onePort,
  outputs: () => onePort,
  check,
  run: (context) => ({
    outputs: treatEachItem(context, {
      work: (item, itemIndex) => {
        const json = written(context, { json: item.json, itemIndex, text: convert(context, itemIndex) })
        return { output: 0, items: [{ ...item, json, pairedItem: { item: itemIndex } }] }
      },
      failed: (_item, itemIndex, error) => ({
        output: 0,
        items: [{ json: { error }, pairedItem: { item: itemIndex } }],
      }),
    }),
  }),
}

function written(
  context: KindContext,
  { json, itemIndex, text }: { readonly json: JsonObject; readonly itemIndex: number; readonly text: string },
): JsonObject {
  const key = asText(context.parameter("destinationKey", itemIndex) ?? "data") ?? ""
  const editor = editFields(json)
  editor.set(toField(key === "" ? "data" : key, { dotNotation: true }).steps, text)
  return editor.done()
}

const toMarkdown = "htmlToMarkdown"
const toHtml = "markdownToHtml"

function convert(context: KindContext, itemIndex: number): string {
  const mode = context.parameter("mode", itemIndex) ?? toMarkdown
  const given = context.parameter("options", itemIndex)
  const options: JsonObject = isJsonObject(given) ? given : {}
  const text = (name: string): string => {
    const value = asText(context.parameter(name, itemIndex))
    if (value !== undefined) return value
    throw new NodeFailure("NODE_SETTINGS_INVALID", `The node has no ${name} to convert; give it some.`)
  }
  if (mode === toMarkdown) return writeMarkdown(readHtml(text("html")), readMarkdownStyle(options))
  if (mode === toHtml) return writeHtml(text("markdown"), readHtmlStyle(options))
  throw new NodeFailure(
    "NODE_SETTINGS_INVALID",
    `The mode of the node is not known; choose ${toMarkdown} or ${toHtml}.`,
  )
}

/** Characters of a mark (ours): a longer one is not taken. */
const markCharsMax = 20

function readMarkdownStyle(options: JsonObject): MarkdownStyle {
  const mark = (value: JsonValue | undefined, otherwise: string): string => {
    return typeof value === "string" && value !== "" && value.length <= markCharsMax ? value : otherwise
  }
  const names = (value: JsonValue | undefined): ReadonlySet<string> =>
    new Set(listNames(value).map((name) => name.toLowerCase()))
  return {
    bullet: mark(options.bulletMarker, markdownStyle.bullet),
    fence: mark(options.codeFence, markdownStyle.fence),
    isFenced: options.codeBlockStyle !== "indented",
    emphasis: mark(options.emDelimiter, markdownStyle.emphasis),
    strong: mark(options.strongDelimiter, markdownStyle.strong),
    ignored: names(options.ignore),
    blocks: names(options.blockElements),
    newLinesMax: Math.max(1, Math.trunc(asNumber(options.maxConsecutiveNewlines) ?? markdownStyle.newLinesMax)),
    keepsDataImages: options.keepDataImages === true,
    linksAtEnd: options.useLinkReferenceDefinitions === true,
  }
}

function readHtmlStyle(options: JsonObject): HtmlStyle {
  const isOn = (name: string): boolean => options[name] === true
  return {
    tables: isOn("tables"),
    strikethrough: isOn("strikethrough"),
    taskLists: isOn("tasklists"),
    lineBreaks: isOn("simpleLineBreaks"),
    autoLinks: isOn("simplifiedAutoLink"),
    linksInNewWindow: isOn("openLinksInNewWindow"),
    headingIds: isOn("noHeaderId") ? "none" : isOn("ghCompatibleHeaderId") ? "hyphens" : "words",
    idPrefix: asText(options.prefixHeaderId) ?? "",
    headingStart: Math.min(6, Math.max(1, Math.trunc(asNumber(options.headerLevelStart) ?? 1))),
    fencedCode: options.ghCodeBlocks !== false,
    wholeDocument: isOn("completeHTMLDocument"),
  }
}

function check({ parameters, name, path }: GraphNode): Finding[] {
  const { mode = toMarkdown } = parameters
  const place = pathTo(path, "parameters")
  if (typeof mode === "string" && mode.startsWith("=")) return []
  if (mode !== toMarkdown && mode !== toHtml) {
    const message = `Choose for ${quote(name)} the mode ${toMarkdown} or ${toHtml}.`
    return [{ severity: "error", code: "SETTING_INVALID", message, node: name, path: pathTo(place, "mode") }]
  }
  const field = mode === toMarkdown ? "html" : "markdown"
  if ((parameters[field] ?? "") !== "") return []
  const message = `Give ${quote(name)} what it converts, in ${field}.`
  return [{ severity: "warning", code: "SETTING_MISSING", message, node: name, path: pathTo(place, field) }]
}
