/**
 * Files of a run under way: kept apart from its events, which hold references to them. What a node puts into an item as
 * base64 is kept before its outcome is taken, so that no event ever holds the bytes of a file.
 */
import {
  type BinaryFacts,
  type BinaryReference,
  binaryReference,
  findBinary,
  readInlineBinary,
} from "@brevet/core/graph/binary"
import { quote } from "@brevet/core/graph/findings"
import type { Item, Outputs } from "@brevet/core/graph/items"
import { NodeFailure } from "@brevet/core/graph/kinds/kind"
import type { JsonObject, JsonValue } from "@brevet/core/json"
import type { NewBinary } from "../ports/binary-table.ts"
import type { Segment } from "./segment.ts"
import type { Workshop } from "./workshop.ts"

/** Whose files they are, and where they are kept. */
export type FileWork = { readonly segment: Segment; readonly workshop: Pick<Workshop, "binaries" | "bounds" | "clock"> }

/** A file with its bytes. */
export type OpenFile = BinaryFacts & { readonly content: Uint8Array }

/** The file in a field of an item's `binary`. Throws NodeFailure NODE_SETTINGS_INVALID where there is none. */
export async function readFile(
  { segment, workshop }: Pick<FileWork, "segment" | "workshop">,
  item: Item,
  field: string,
): Promise<OpenFile> {
  const kept = findBinary(item.binary, field)
  const inline = kept === null ? readInlineBinary(item.binary?.[field]) : null
  if (inline !== null) return { ...inline, content: Buffer.from(inline.base64, "base64") }
  const { organizationId, runId } = segment
  const content = kept === null ? null : await workshop.binaries.read({ organizationId, runId }, kept.id)
  if (kept !== null && content !== null) return { ...kept, content }
  const known = Object.keys(item.binary ?? {}).slice(0, 10)
  const has = known.length === 0 ? "it has no files" : `it has ${known.map(quote).join(", ")}`
  throw new NodeFailure("NODE_SETTINGS_INVALID", `The item has no file in the field ${quote(field)}: ${has}.`)
}

/** The last file of each run that is on its way: they are kept one after the other, so that their bound holds. */
const turns = new WeakMap<Segment, Promise<unknown>>()

/** Keeps a file for the run and gives the reference to it. Throws NodeFailure RUN_FILES_EXCEEDED. */
export function keepFile(work: FileWork, file: NewBinary): Promise<BinaryReference> {
  const before = turns.get(work.segment) ?? Promise.resolve()
  const kept = before.then(() => keepNow(work, file))
  // What fails is said to whoever asked for it; the next one has its turn all the same.
  turns.set(
    work.segment,
    kept.catch(() => {}),
  )
  return kept
}

async function keepNow({ segment, workshop }: FileWork, file: NewBinary): Promise<BinaryReference> {
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
