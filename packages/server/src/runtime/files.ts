/**
 * Files of a run under way: kept apart from its events, which hold references to them. What a node puts into an item as
 * base64 is kept before its outcome is taken, so that no event ever holds the bytes of a file.
 */
import { type BinaryReference, binaryReference, readInlineBinary } from "@brevet/core/graph/binary"
import type { Item, Outputs } from "@brevet/core/graph/items"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { NewBinary } from "../ports/binary-table.ts"
import type { Segment } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** Whose files they are, and where they are kept. */
export type FileWork = { readonly segment: Segment; readonly workshop: Pick<Workshop, "binaries" | "bounds" | "clock"> }

/** Keeps a file for the run and gives the reference to it. Throws NodeFailure RUN_FILES_EXCEEDED. */
async function keepFile({ segment, workshop }: FileWork, file: NewBinary): Promise<BinaryReference> {
  const { organizationId, runId } = segment
  const { fileBytesMax } = workshop.bounds
  const options = { runBytesMax: fileBytesMax, atMs: workshop.clock.nowMs() }
  const record = await workshop.binaries.keep({ organizationId, runId }, file, options)
  if (record !== null) return binaryReference(record.id, record.bytes, file)
  throw new NodeFailure("RUN_FILES_EXCEEDED", `The files of a run may have at most ${fileBytesMax} bytes together.`)
}

/** The outputs with a reference in the place of every file whose bytes stand in an item. Throws what `keepFile` throws. */
export async function keepInlineFiles(work: FileWork, outputs: Outputs): Promise<Outputs> {
  if (!outputs.some((items) => items.some(hasInlineFile))) return outputs
  const kept: Item[][] = []
  for (const items of outputs) {
    const list: Item[] = []
    for (const item of items) list.push(hasInlineFile(item) ? await keepOfItem(work, item) : item)
    kept.push(list)
  }
  return kept
}

function hasInlineFile({ binary }: Item): boolean {
  return binary !== undefined && Object.values(binary).some((value) => readInlineBinary(value) !== null)
}

async function keepOfItem(work: FileWork, item: Item): Promise<Item> {
  const binary: [string, JsonValue][] = []
  for (const [name, value] of Object.entries((item.binary ?? {}) as JsonObject)) {
    const inline = readInlineBinary(value)
    if (inline === null) {
      binary.push([name, value ?? null])
      continue
    }
    const { base64, mimeType, fileName } = inline
    binary.push([name, await keepFile(work, { content: Buffer.from(base64, "base64"), mimeType, fileName })])
  }
  return { ...item, binary: Object.fromEntries(binary) }
}
