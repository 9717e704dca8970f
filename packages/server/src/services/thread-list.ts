/**
 * Lists of threads: pinned ones first, the one pinned last at the top, then the others in the order of their making. Both
 * documents say that pinned threads come first; the order of making is what `after` and `before` are documented by.
 *
 *     pinned:  P9 P4            cursors are places in this one order, so that what follows or precedes
 *     others:  T12 T11 T10 …    a thread is the same however the page before was cut
 */
import { invalidFields } from "@brevet/core/errors"
import type { Id } from "@brevet/core/ids"
import type { Context } from "../ports/context.ts"
import type { ThreadFilter, ThreadPlace, ThreadRecord, ThreadStretch } from "../ports/thread-table.ts"
import { requireOrganization } from "./access.ts"

/** What a list may be narrowed to, and which part of it is wanted (documented). */
export type ThreadQuery = Omit<ThreadFilter, "organizationId"> & {
  readonly organizationId?: string
  readonly order: "asc" | "desc"
  readonly after?: Id<"thread">
  readonly before?: Id<"thread">
  readonly limit: number
  readonly includeTotal: boolean
}

/** A page of threads. `hasMore`: in the direction of reading. `total` is null unless it was asked for. */
export type ThreadPage = {
  readonly records: readonly ThreadRecord[]
  readonly hasMore: boolean
  readonly total: number | null
}

/** One part of the list, which the store can read in order. */
type Section = {
  readonly part: "whole" | "pinned" | "others"
  readonly filter: ThreadFilter
  readonly orderBy: "createdAt" | "pinnedAt"
  readonly order: "asc" | "desc"
}

/** The places between which is read. */
type Bounds = { readonly after: ThreadPlace | undefined; readonly before: ThreadPlace | undefined }

/** A page of threads. Throws ORGANIZATION_ACCESS_DENIED, and VALIDATION_ERROR for a cursor that names no thread. */
export async function listThreads(cx: Context, query: ThreadQuery): Promise<ThreadPage> {
  const { organizationId: given, order, after, before, limit, includeTotal, ...narrowed } = query
  const organizationId = given === undefined ? cx.principal.organizationId : requireOrganization(cx, given)
  const filter: ThreadFilter = { ...narrowed, organizationId }
  const bounds: Bounds = {
    after: await findPlace(cx, "after", after),
    before: await findPlace(cx, "before", before),
  }
  const isBackward = bounds.after === undefined && bounds.before !== undefined
  const sections = sectionsOf(filter, order)
  const found: ThreadRecord[] = []
  for (const section of isBackward ? sections.reverse() : sections) {
    const wanted = limit + 1 - found.length
    const stretch = wanted > 0 ? stretchOf(section, bounds, { isBackward, limit: wanted }) : null
    if (stretch !== null) found.push(...(await cx.store.threads.list(section.filter, stretch)))
  }
  const records = found.slice(0, limit)
  return {
    records: isBackward ? records.reverse() : records,
    hasMore: found.length > limit,
    total: includeTotal ? await cx.store.threads.count(filter) : null,
  }
}

async function findPlace(
  cx: Context,
  field: "after" | "before",
  id: Id<"thread"> | undefined,
): Promise<ThreadPlace | undefined> {
  if (id === undefined) return undefined
  const place = await cx.store.threads.findPlace(cx.principal.organizationId, id)
  if (place === null) throw invalidFields([{ field, message: "names no thread", code: "invalid" }])
  return place
}

/** A list of pinned threads alone, or of others alone, is one part in the order that was asked for. */
function sectionsOf(filter: ThreadFilter, order: "asc" | "desc"): Section[] {
  if (filter.isPinned !== undefined) return [{ part: "whole", filter, orderBy: "createdAt", order }]
  return [
    { part: "pinned", filter: { ...filter, isPinned: true }, orderBy: "pinnedAt", order: "desc" },
    { part: "others", filter: { ...filter, isPinned: false }, orderBy: "createdAt", order },
  ]
}

/** Where a place lies, seen from a section. */
function positionOf(place: ThreadPlace, { part }: Section): "earlier" | "inside" | "later" {
  if (part === "whole" || (part === "pinned") === (place.pinnedAt !== null)) return "inside"
  return part === "pinned" ? "later" : "earlier"
}

/** What of a section lies between the bounds; null where nothing does. */
function stretchOf(
  section: Section,
  { after, before }: Bounds,
  reading: { readonly isBackward: boolean; readonly limit: number },
): ThreadStretch | null {
  const { orderBy, order } = section
  const fromPosition = after === undefined ? "earlier" : positionOf(after, section)
  const toPosition = before === undefined ? "later" : positionOf(before, section)
  if (fromPosition === "later" || toPosition === "earlier") return null
  const from = fromPosition === "inside" ? after : undefined
  const to = toPosition === "inside" ? before : undefined
  const { isBackward, limit } = reading
  const direction = isBackward === (order === "desc") ? "asc" : "desc"
  return {
    orderBy,
    direction,
    limit,
    // Backward, what precedes a place is read from that place on.
    ...(isBackward ? bound("after", to) : { ...bound("after", from), ...bound("before", to) }),
  }
}

function bound(name: "after" | "before", place: ThreadPlace | undefined): Pick<ThreadStretch, "after" | "before"> {
  return place === undefined ? {} : { [name]: place }
}
