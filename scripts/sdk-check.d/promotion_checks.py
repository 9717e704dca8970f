"""`client.workflows.promote_workflow_to_assistant`: what it gives, and every way in which it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aitronos.core.api_error import ApiError
from aitronos.errors import UnprocessableEntityError
from registry import check
from world import ONCE, World, identified, language_node, one_node, refused, two_nodes, unique


def promote(world: World, workflow_id: str, **fields: Any) -> Any:
    answer = world.client.workflows.promote_workflow_to_assistant(workflow_id, request_options=ONCE, **fields)
    world.afterwards.append(lambda: world.client.assistants.delete_assistant(answer.assistant_id))
    return answer


def unprocessable(world: World, code: str, workflow_id: str, **fields: Any) -> dict[str, Any]:
    error = refused(422, code, lambda: promote(world, workflow_id, **fields), UnprocessableEntityError)
    assert error["type"] == "validation_error"
    return error.get("details") or {}


@check("promote with nothing given")
def plain(world: World) -> None:
    workflow = world.workflow(description="Says things")
    answer = world.created(promote(world, workflow.id))
    identified(answer.assistant_id, "asst")
    assert answer.workflow_id == workflow.id and answer.message == "Operation completed successfully"
    assert world.last.headers["location"].endswith(f"/v1/assistants/{answer.assistant_id}")
    assistant = world.strictly(world.client.assistants.get_assistant(answer.assistant_id))
    assert (assistant.name, assistant.description) == (workflow.name, "Says things")
    assert (assistant.default_model_key, assistant.instructions) == ("gpt-4o", "Answer in one sentence.")
    assert (assistant.temperature, assistant.max_completion_tokens) == (0.2, 200)
    assert (assistant.workflow_id, assistant.workflow_version, assistant.workflow_based) == (workflow.id, 1, True)
    assert (assistant.access_mode, assistant.is_active, assistant.api_enabled) == ("private", True, True)
    assert {"default_model_key", "instructions", "temperature", "max_completion_tokens"} <= set(assistant.inherited)
    after = world.client.workflows.get_workflow(workflow.id)
    assert (after.assistant_id, after.version) == (answer.assistant_id, 1)


@check("promote with name, description, primary_node_id")
def given(world: World) -> None:
    name = unique("Named")
    answer = promote(world, world.workflow(two_nodes()).id, name=f" {name} ", description="", primary_node_id="second")
    assistant = world.client.assistants.get_assistant(answer.assistant_id)
    assert (assistant.name, assistant.description, assistant.instructions) == (name, "", "Say it shorter.")


@check("promote with everything null")
def nulls(world: World) -> None:
    workflow = world.workflow()
    answer = promote(world, workflow.id, name=None, description=None, primary_node_id=None)
    assert world.client.assistants.get_assistant(answer.assistant_id).name == workflow.name


@check("promote refused: PRIMARY_NODE_REQUIRED")
def several(world: World) -> None:
    details = unprocessable(world, "PRIMARY_NODE_REQUIRED", world.workflow(two_nodes()).id)
    assert details["field"] == "primary_node_id"
    assert {each["id"] for each in details["candidates"]} == {"writer", "second"}
    for candidate in details["candidates"]:
        assert {"id", "name", "type", "suggested"} <= set(candidate)
    twins = one_node()
    twins["nodes"].append({**language_node("writer"), "name": "Twin"})
    unprocessable(world, "PRIMARY_NODE_REQUIRED", world.workflow(twins).id, primary_node_id="writer")


@check("promote refused: FREDDY_LLM_NODE_REQUIRED")
def none(world: World) -> None:
    disabled = one_node()
    disabled["nodes"][1]["disabled"] = True
    for definition in ({}, {"nodes": "broken"}, {"nodes": one_node()["nodes"][:1], "connections": {}}, disabled):
        assert "findings" in unprocessable(world, "FREDDY_LLM_NODE_REQUIRED", world.workflow(definition).id)


@check("promote refused: PRIMARY_NODE_NOT_FOUND")
def not_found(world: World) -> None:
    details = unprocessable(world, "PRIMARY_NODE_NOT_FOUND", world.workflow().id, primary_node_id="nobody")
    assert [each["id"] for each in details["candidates"]] == ["writer"]


@check("promote refused: PRIMARY_NODE_INVALID_TYPE")
def invalid_type(world: World) -> None:
    details = unprocessable(world, "PRIMARY_NODE_INVALID_TYPE", world.workflow().id, primary_node_id="chat")
    assert details["disabled"] is False and details["type"]
    disabled = two_nodes()
    disabled["nodes"][2]["disabled"] = True
    workflow_id = world.workflow(disabled).id
    assert unprocessable(world, "PRIMARY_NODE_INVALID_TYPE", workflow_id, primary_node_id="second")["disabled"] is True


@check("promote refused: VALIDATION_ERROR")
def invalid(world: World) -> None:
    workflow_id = world.workflow().id
    for name in ("", "  ", "x" * 256):
        details = unprocessable(world, "VALIDATION_ERROR", workflow_id, name=name)
        assert details["fields"][0]["field"] == "name"
    misspelt: Any = {"additional_body_parameters": {"primary_node": "writer"}}
    call = world.client.workflows.promote_workflow_to_assistant
    refused(422, "VALIDATION_ERROR", lambda: call(workflow_id, request_options=misspelt), UnprocessableEntityError)


@check("promote refused: WORKFLOW_ALREADY_PROMOTED")
def already(world: World) -> None:
    workflow, assistant_id = world.promoted()
    error = refused(409, "WORKFLOW_ALREADY_PROMOTED", lambda: promote(world, workflow.id, name=unique("Other")))
    assert error["type"] == "conflict_error"
    assert error["details"] == {"workflow_id": workflow.id, "assistant_id": assistant_id}


@check("promote refused: ASSISTANT_NAME_CONFLICT")
def name_conflict(world: World) -> None:
    taken = world.assistant()
    for workflow_id, fields in (
        (world.workflow().id, {"name": f" {taken.name.upper()} "}),
        (world.workflow(name=taken.name).id, {}),
    ):
        error = refused(409, "ASSISTANT_NAME_CONFLICT", lambda: promote(world, workflow_id, **fields))
        assert error["details"]["assistant_id"] == taken.id
        promote(world, workflow_id, name=error["details"]["suggested_name"])


@check("promote refused: WORKFLOW_INACTIVE")
def inactive(world: World) -> None:
    workflow = world.workflow()
    world.client.workflows.update_workflow(workflow.id, is_active=False)
    refused(409, "WORKFLOW_INACTIVE", lambda: promote(world, workflow.id))
    world.client.workflows.update_workflow(workflow.id, is_active=True)
    promote(world, workflow.id)


@check("promote refused: WORKFLOW_NOT_FOUND")
def unknown(world: World) -> None:
    refused(404, "WORKFLOW_NOT_FOUND", lambda: promote(world, f"flow_{'0' * 32}"))


@check("promote again after delete and detach")
def again(world: World) -> None:
    workflow, first = world.promoted()
    world.client.assistants.delete_assistant(first)
    second = promote(world, workflow.id).assistant_id
    world.client.assistants.detach_assistant_workflow(second)
    refused(409, "ASSISTANT_NAME_CONFLICT", lambda: promote(world, workflow.id))
    third = promote(world, workflow.id, name=unique("Third")).assistant_id
    assert len({first, second, third}) == 3
    assert world.client.workflows.get_workflow(workflow.id).assistant_id == third


@check("promote many at the same moment")
def race(world: World) -> str:
    workflow = world.workflow()

    def one(_: int) -> str:
        try:
            return world.client_of(world.key).workflows.promote_workflow_to_assistant(
                workflow.id, request_options=ONCE
            ).assistant_id
        except ApiError as error:
            assert error.body["error"]["code"] == "WORKFLOW_ALREADY_PROMOTED", error.body
            return f"refused:{error.body['error']['details']['assistant_id']}"

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(one, range(6)))
    made = [each for each in results if not each.startswith("refused:")]
    assert len(made) == 1 and set(results) == {made[0], f"refused:{made[0]}"}, results
    world.afterwards.append(lambda: world.client.assistants.delete_assistant(made[0]))
    return "one 201, five 409"
