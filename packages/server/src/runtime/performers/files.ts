/**
 * The performers of files: Convert to File and Extract from File. Neither has an effect outside of the run; keeping the same
 * bytes again is harmless, so that no intent is stated.
 */
import type { Item, Outputs } from "@brevet/core/graph/items"
import { type PlannedFile, planFiles } from "@brevet/core/graph/kinds/convert-to-file"
import { extractedItems, type PlannedReading, planReading } from "@brevet/core/graph/kinds/extract-from-file"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import { keepFile, type OpenFile, readFile } from "../files.ts"
import type { Performer, Work } from "../perform.ts"

/** Makes files of items. */
export const performToFile: Performer = async (work): Promise<Outputs> => {
  const items: Item[] = []
  for (const file of planFiles(work.context)) items.push(await keptItem(work, file))
  return [items]
}

async function keptItem(work: Work, planned: PlannedFile): Promise<Item> {
  const { field, text, encoding, mimeType, fileName, items } = planned
  const reference = await keepFile(work, { content: Buffer.from(text, encoding), mimeType, fileName })
  const paired = items.map((item) => ({ item }))
  const [only] = paired
  return {
    json: {},
    binary: { [field]: reference },
    pairedItem: paired.length === 1 && only !== undefined ? only : paired,
  }
}

/** Reads the files of items. */
export const performFromFile: Performer = async (work): Promise<Outputs> => {
  const { context } = work
  const items: Item[] = []
  for (const [index, item] of (context.inputs[0] ?? []).entries()) {
    const reading = planReading(context, index)
    const file = await readFile(work, item, reading.field)
    const { mimeType, fileName } = file
    items.push(
      ...extractedItems(context, reading, { file: { text: textOf(file, reading), mimeType, fileName }, index }),
    )
  }
  return [items]
}

function textOf({ content }: OpenFile, { encoding }: PlannedReading): string {
  if (encoding === null) return Buffer.from(content).toString("base64")
  const label = encoding
    .toLowerCase()
    .replace(/^utf8$/, "utf-8")
    .replace(/^(latin1|binary)$/, "iso-8859-1")
  try {
    return new TextDecoder(label === "utf16le" || label === "ucs2" ? "utf-16le" : label).decode(content)
  } catch (error) {
    if (error instanceof RangeError)
      throw new NodeFailure("NODE_SETTINGS_INVALID", "The encoding of the file is not known.")
    throw error
  }
}
