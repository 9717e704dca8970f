/** Examples of the document, by the id of the call. They are what the server really takes and gives. */
import type { JsonObject } from "../json.ts"

/** What one call shows: bodies that may be sent, and answers by status; each with its name. */
export type CallExamples = {
  readonly request?: Readonly<Record<string, { readonly summary: string; readonly value: JsonObject }>>
  readonly answers?: Readonly<
    Record<number, Readonly<Record<string, { readonly summary: string; readonly value: JsonObject }>>>
  >
}

const workflowId = "flow_0190f6c2a4b87c1e9d3f5a6b7c8d9e0f"
const assistantId = "asst_0190f6c2b1d27f3a8e4c5d6f7a8b9c0d"

const definition = {
  nodes: [
    {
      id: "writer",
      name: "Writer",
      type: "FreddyLLM",
      parameters: { model: "gpt-4o", system_message: "You answer in one sentence." },
    },
  ],
  connections: {},
}

/** Examples by operation id. */
export const callExamples: Readonly<Record<string, CallExamples>> = {
  createWorkflow: {
    request: { oneNode: { summary: "One language-model node", value: { name: "Greeter", definition } } },
  },
  promoteWorkflowToAssistant: {
    request: {
      nothing: { summary: "The only candidate, under the workflow's name", value: {} },
      named: {
        summary: "One of several candidates, under a name of its own",
        value: { name: "Greeter", description: "Says hello", primary_node_id: "writer" },
      },
    },
    answers: {
      200: {
        dryRun: {
          summary: "What a dry run says",
          value: {
            promotable: true,
            primary_node: { id: "writer", name: "Writer", type: "FreddyLLM" },
            candidates: [{ id: "writer", name: "Writer", type: "FreddyLLM", suggested: true }],
            settings: [
              {
                field: "default_model_key",
                value: "gpt-4o",
                from: { node: "Writer", path: "nodes[0].parameters.model" },
              },
              {
                field: "instructions",
                value: "You answer in one sentence.",
                from: { node: "Writer", path: "nodes[0].parameters.system_message" },
              },
            ],
            input: { message: { node: "Writer", field: "chatInput" }, per_turn: [], per_thread: [] },
            output: { node: "Writer", field: "text", ends: [{ node: "Writer", field: "text" }] },
            pauses: [],
            streams: ["Writer"],
            unknown_kinds: [],
            findings: [],
          },
        },
      },
      201: {
        promoted: {
          summary: "The assistant was made",
          value: {
            assistant_id: assistantId,
            workflow_id: workflowId,
            message: "Operation completed successfully",
          },
        },
      },
      409: {
        alreadyPromoted: {
          summary: "It has an assistant, which is named",
          value: refusal("WORKFLOW_ALREADY_PROMOTED", "This workflow has already been promoted to an assistant.", {
            status: 409,
            type: "conflict_error",
            details: { workflow_id: workflowId, assistant_id: assistantId },
          }),
        },
      },
      422: {
        severalNodes: {
          summary: "Several nodes could lead, so one has to be named",
          value: refusal(
            "PRIMARY_NODE_REQUIRED",
            "The workflow has several FreddyLLM nodes. Please name the primary one.",
            {
              status: 422,
              type: "validation_error",
              details: {
                field: "primary_node_id",
                candidates: [
                  { id: "writer", name: "Writer", type: "FreddyLLM", suggested: true },
                  { id: "critic", name: "Critic", type: "FreddyLLM", suggested: false },
                ],
              },
            },
          ),
        },
      },
    },
  },
  createModelResponse: {
    request: {
      hello: {
        summary: "A first message to an assistant",
        value: { assistant_id: assistantId, inputs: [{ role: "user", content: "Hello" }] },
      },
      stream: {
        summary: "The same as a stream",
        value: { assistant_id: assistantId, inputs: [{ role: "user", content: "Hello" }], stream: true },
      },
    },
  },
}

function refusal(
  code: string,
  message: string,
  rest: { readonly status: number; readonly type: string; readonly details: JsonObject },
): JsonObject {
  return {
    success: false,
    error: {
      code,
      message,
      system_message: "For developers",
      type: rest.type,
      status: rest.status,
      trace_id: "req_0190f6c2c3e47a5b9f6d7e8a9b0c1d2e",
      timestamp: "2026-01-31T12:00:00.000Z",
      details: rest.details,
    },
  }
}
