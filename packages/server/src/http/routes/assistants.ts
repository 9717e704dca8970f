/** The calls of assistants and their history: parsed input to service, view to wire. */
import {
  createAssistantRoute,
  deleteAssistantRoute,
  getAssistantHistoryRoute,
  getAssistantRoute,
  listAssistantsRoute,
  patchAssistantRoute,
  putAssistantRoute,
  warmAssistantRoute,
} from "@brevet/core/contract/assistant-routes"
import { presentAssistant, presentAssistantStandard, presentAssistantSummary } from "@brevet/core/contract/assistants"
import { presentAuditRow } from "@brevet/core/contract/audit"
import type { RouteInput } from "@brevet/core/contract/route"
import type { JsonObject } from "@brevet/core/json"
import type { Context } from "../../ports/context.ts"
import { listHistory } from "../../services/assistant-history.ts"
import {
  type AssistantQuery,
  createAssistant,
  deleteAssistant,
  getAssistant,
  getAssistantRecord,
  listAssistants,
  listWholeAssistants,
  type ShownAssistant,
  updateAssistant,
} from "../../services/assistants.ts"
import { bind } from "../route.ts"

const answer = (status: 200 | 201, { view, revision }: ShownAssistant) => ({
  status,
  body: presentAssistant(view),
  headers: {
    etag: `"${revision}"`,
    ...(status === 201 ? { location: `/v1/assistants/${view.id}` } : {}),
  },
})

/** The documented page of a list. */
const paginationOf = (total: number, { limit, offset }: { readonly limit: number; readonly offset: number }) => ({
  total,
  limit,
  offset,
  has_more: offset + limit < total,
})

type ListQuery = RouteInput<typeof listAssistantsRoute>["query"]

/** `visible_in_chat` and `for_chat` narrow nothing: lists of who may see an assistant in chat are not there yet. */
function toAssistantQuery(query: ListQuery): AssistantQuery {
  return {
    organizationId: query.organization_id,
    includeInactive: query.include_inactive,
    sortBy: query.sort_by,
    sortOrder: query.sort_order,
    limit: query.limit,
    offset: query.offset,
    ...(query.search ? { search: query.search } : {}),
    ...(query.access_mode === undefined ? {} : { accessMode: query.access_mode }),
    ...(query.vector_store_id ? { vectorStoreId: query.vector_store_id } : {}),
  }
}

async function presentList(cx: Context, query: ListQuery): Promise<{ items: JsonObject[]; total: number }> {
  const narrowed = toAssistantQuery(query)
  if (query.fields === "full") {
    const { views, total } = await listWholeAssistants(cx, narrowed)
    return { items: views.map(presentAssistant), total }
  }
  const { views, total } = await listAssistants(cx, narrowed)
  if (query.fields === "summary") return { items: views.map(presentAssistantSummary), total }
  const defaultModel = cx.models.defaultModel()
  return { items: views.map((view) => presentAssistantStandard(view, defaultModel)), total }
}

/** Every call of the documented group "assistants" but for the link to a workflow. */
export const assistantRoutes = [
  bind(createAssistantRoute, async (cx, { body }) => answer(201, await createAssistant(cx, body))),
  bind(listAssistantsRoute, async (cx, { query }) => {
    const { items, total } = await presentList(cx, query)
    const { search, access_mode, include_inactive, sort_by, sort_order } = query
    return {
      status: 200,
      body: {
        assistants: items,
        total,
        organization_id: cx.principal.organizationId,
        pagination: paginationOf(total, query),
        filters_applied: {
          search: search ?? null,
          access_mode: access_mode ?? null,
          include_inactive,
          sort_by,
          sort_order,
        },
        user_context: { user_id: cx.principal.userId, organization_count: 1 },
      },
    }
  }),
  bind(getAssistantRoute, async (cx, { params }) => answer(200, await getAssistant(cx, params.assistant_id))),
  bind(putAssistantRoute, async (cx, { params, body, ifRevision }) =>
    answer(200, await updateAssistant(cx, { assistantId: params.assistant_id, ifRevision }, body)),
  ),
  bind(patchAssistantRoute, async (cx, { params, body, ifRevision }) =>
    answer(200, await updateAssistant(cx, { assistantId: params.assistant_id, ifRevision }, body)),
  ),
  bind(deleteAssistantRoute, async (cx, { params, ifRevision }) => {
    await deleteAssistant(cx, { assistantId: params.assistant_id, ifRevision })
    return { status: 204, body: null }
  }),
  bind(warmAssistantRoute, async (cx, { params }) => {
    const { id } = await getAssistantRecord(cx, params.assistant_id)
    return { status: 200, body: { assistant_id: id, status: "warm" } }
  }),
  bind(getAssistantHistoryRoute, async (cx, { params, query }) => {
    const { action, user_id: userId, start_date: fromMs, end_date: toMs, limit, offset } = query
    const narrowed = {
      ...(action === undefined ? {} : { action }),
      ...(userId === undefined ? {} : { userId }),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
    }
    const { records, total } = await listHistory(cx, params.assistant_id, { ...narrowed, limit, offset })
    return {
      status: 200,
      body: { audit_logs: records.map(presentAuditRow), pagination: paginationOf(total, query) },
    }
  }),
]
