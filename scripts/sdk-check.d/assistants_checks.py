"""`client.assistants`: everything but promotion."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from aitronos.errors import UnprocessableEntityError
from aitronos.types.assistant_response import AssistantResponse
from aitronos.types.assistant_standard_response import AssistantStandardResponse
from aitronos.types.assistant_summary_response import AssistantSummaryResponse
from aitronos.types.reasoning_config_schema import ReasoningConfigSchema
from aitronos.types.tool_configuration_schema import ToolConfigurationSchema
from registry import check
from world import ONCE, World, has, identified, one_node, refused, two_nodes, unique

PLAIN: dict[str, Any] = {
    "description": "d", "default_model_key": "gpt-4o", "allowed_model_providers": ["openai"], "instructions": "Be brief.",
    "context_strategy": "auto", "context_window": 8000, "max_tool_calls": 5, "parallel_tool_calls": True,
    "temperature": 0.3, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.2, "seed": 7,
    "stop_sequences": ["END"], "max_completion_tokens": 256, "output_mode": "text", "response_format": "text",
    "access_mode": "organization", "api_enabled": True, "public_enabled": False, "is_active": True, "is_default": False,
    "streaming": True, "memory_enabled": True, "truncation": True, "preset_prompts": ["Hello"], "icon_type": "emoji",
    "icon_data": "🤖", "store_responses": True,
}
EMPTY_LISTS = ("access_departments", "access_users", "editable_by_users", "editable_by_roles", "visible_to_roles",
               "visible_in_chat_to_users", "vector_store_ids", "rule_ids")
OBJECT = ("id organization_id created_by created_at updated_at deleted_at icon_url user_access_level workflow_id "
          "workflow_version workflow_based workflow_latest_version workflow_findings inherited concurrency_policy").split()
WORKFLOW_ROW = ("id name description icon_id icon_url icon_type icon_data is_default created_at updated_at access_mode "
                "api_enabled is_active temperature user_access_level workflow_id workflow_version workflow_based").split()


@check("assistants.create")
def create(world: World) -> None:
    name = unique("Create")
    made = world.created(
        world.client.assistants.create_assistant(name=f" {name} ", organization_id=world.organization_id)
    )
    world.afterwards.append(lambda: world.client.assistants.delete_assistant(made.id))
    identified(made.id, "asst")
    has(made, OBJECT)
    assert made.name == name and made.organization_id == world.organization_id and made.created_by
    assert abs(made.created_at - time.time()) < 120 and made.deleted_at is None
    assert made.user_access_level == "owner"
    assert (made.workflow_id, made.workflow_version, made.workflow_based) == (None, None, False)


@check("assistants.create every field")
def create_full(world: World) -> None:
    made = world.strictly(world.assistant(
        **PLAIN, **{name: [] for name in EMPTY_LISTS}, metadata={"team": "a"}, logit_bias={"50256": -100},
        reasoning=ReasoningConfigSchema(effort="low", summary="auto"),
        tool_configurations=ToolConfigurationSchema(system_tools={}, mcp_tools=[], streamline_tools=[]),
    ))
    for name, value in PLAIN.items():
        assert getattr(made, name) == value, f"{name} is {getattr(made, name)!r}, not {value!r}"
    assert made.metadata == {"team": "a"} and made.logit_bias == {"50256": -100}
    assert made.reasoning.effort == "low" and made.reasoning.summary == "auto"
    assert world.strictly(world.client.assistants.get_assistant(made.id)) == made


@check("assistants.create json_schemas")
def create_schema(world: World) -> None:
    schema = {"name": "city", "schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
    made = world.strictly(world.assistant(response_format="json_schema", json_schemas=[schema]))
    assert made.response_format == "json_schema" and made.json_schemas == [schema]


@check("assistants.create refused")
def create_refused(world: World) -> None:
    taken = world.assistant()
    error = refused(409, "ASSISTANT_NAME_CONFLICT", lambda: world.assistant(name=taken.name, request_options=ONCE))
    assert error["details"]["assistant_id"] == taken.id
    for fields in ({"name": " "}, {"temperature": 2.1}, {"response_format": "xml"}, {"access_mode": "nobody"}):
        refused(422, "VALIDATION_ERROR", lambda: world.assistant(**fields), UnprocessableEntityError)
    for name in ("access_users", "vector_store_ids", "rule_ids"):
        error = refused(422, "UNSUPPORTED_PARAMETER", lambda: world.assistant(**{name: ["x"]}), UnprocessableEntityError)
        assert error["details"]["field"] == name
    call = world.client.assistants.create_assistant
    other = f"org_{'0' * 32}"
    refused(403, "ORGANIZATION_ACCESS_DENIED", lambda: call(name=unique("x"), organization_id=other))


@check("assistants.list fields=summary|standard|full")
def list_fields(world: World) -> None:
    plain = world.assistant()
    _, promoted = world.promoted()
    forms = (("summary", AssistantSummaryResponse), ("standard", AssistantStandardResponse), ("full", AssistantResponse))
    for fields, model in forms:
        for assistant_id in (plain.id, promoted):
            found = row(world, assistant_id, fields)
            assert type(found) is model, f"{fields} was read as {type(found).__name__}"
            has(found, WORKFLOW_ROW)
            if fields != "full":
                assert isinstance(found.temperature, float)
                assert (found.workflow_based, found.workflow_id is None) == (assistant_id == promoted, assistant_id == plain.id)
    assert row(world, plain.id, "summary").temperature == 0.7 and row(world, promoted, "summary").temperature == 0.2
    assert row(world, plain.id, "standard").default_model_key and row(world, plain.id, "standard").context_strategy == "auto"
    full = row(world, plain.id, "full")
    assert full == world.client.assistants.get_assistant(plain.id)


def row(world: World, assistant_id: str, fields: str) -> Any:
    name = world.client.assistants.get_assistant(assistant_id).name
    page = world.strictly(
        world.client.assistants.list_assistants(organization_id=world.organization_id, search=name, fields=fields)
    )
    return next(each for each in page.assistants if each.id == assistant_id)


@check("assistants.list")
def list_page(world: World) -> None:
    world.assistant()
    page = world.strictly(world.client.assistants.list_assistants(organization_id=world.organization_id))
    assert page.organization_id == world.organization_id
    assert (page.pagination.total, page.pagination.limit, page.pagination.offset) == (page.total, 50, 0)
    assert page.pagination.has_more is (page.total > 50)
    has(page.filters_applied, ("search", "access_mode", "include_inactive", "sort_by", "sort_order"))
    identified(page.user_context.user_id, "usr")
    assert page.user_context.organization_count == 1
    call = world.client.assistants.list_assistants
    refused(403, "ORGANIZATION_ACCESS_DENIED", lambda: call(organization_id=f"org_{'0' * 32}"))


@check("assistants.list search, sort, limit, offset, access_mode, include_inactive")
def list_filtered(world: World) -> None:
    word = unique("Filter")
    first = world.assistant(name=f"{word} a", access_mode="organization")
    second = world.assistant(name=f"{word} b")
    off = world.assistant(name=f"{word} c", is_active=False)

    def ids(**options: Any) -> list[str]:
        page = world.client.assistants.list_assistants(
            organization_id=world.organization_id, search=word.lower(), **{"sort_by": "name", "sort_order": "asc", **options}
        )
        return [each.id for each in page.assistants]

    assert ids() == [first.id, second.id]
    assert ids(include_inactive=True) == [first.id, second.id, off.id]
    assert ids(sort_order="desc") == [second.id, first.id]
    assert ids(limit=1, offset=1) == [second.id]
    assert ids(access_mode="organization") == [first.id]
    assert set(ids(sort_by="created_at")) == set(ids(sort_by="updated_at")) == {first.id, second.id}
    assert ids(vector_store_id="vs_none") == []
    ids(for_chat=True)
    ids(visible_in_chat=True)


@check("assistants.get")
def get(world: World) -> None:
    made = world.assistant(**PLAIN)
    assert world.strictly(world.client.assistants.get_assistant(made.id)) == made
    refused(404, "ASSISTANT_NOT_FOUND", lambda: world.client.assistants.get_assistant(f"asst_{'0' * 32}"))


@check("assistants.update")
def update(world: World) -> None:
    made = world.assistant(**PLAIN)
    call = world.client.assistants.update_assistant
    changed = world.strictly(call(made.id, description="new", assistant_metadata={"a": 1}))
    assert (changed.description, changed.instructions) == ("new", "Be brief."), "PUT changes only what it names"
    assert changed.metadata == {"a": 1}
    cleared = call(made.id, description=None, temperature=None)
    assert cleared.description is None and cleared.temperature is None
    taken = world.assistant()
    refused(409, "ASSISTANT_NAME_CONFLICT", lambda: call(made.id, name=taken.name, request_options=ONCE))
    refused(422, "VALIDATION_ERROR", lambda: call(made.id, temperature=-1), UnprocessableEntityError)


@check("assistants.update overrides what is inherited, null returns it")
def override(world: World) -> None:
    _, assistant_id = world.promoted()
    call = world.client.assistants.update_assistant
    over = call(assistant_id, temperature=0.9)
    assert over.temperature == 0.9 and "temperature" not in over.inherited
    back = call(assistant_id, temperature=None)
    assert back.temperature == 0.2 and "temperature" in back.inherited


@check("assistants.delete")
def delete(world: World) -> None:
    workflow, assistant_id = world.promoted()
    assert world.client.assistants.delete_assistant(assistant_id) is None
    assert world.last.status_code == 204
    refused(404, "ASSISTANT_NOT_FOUND", lambda: world.client.assistants.get_assistant(assistant_id))
    refused(404, "ASSISTANT_NOT_FOUND", lambda: world.client.assistants.delete_assistant(assistant_id))
    assert world.client.workflows.get_workflow(workflow.id).assistant_id is None
    world.assistant(name=workflow.name)


@check("assistants.warm")
def warm(world: World) -> None:
    answer = world.client.assistants.warm_assistant_cache(world.assistant().id)
    assert isinstance(answer["status"], str)


@check("assistants.history")
def history(world: World) -> None:
    made = world.assistant(temperature=0.1)
    world.client.assistants.update_assistant(made.id, temperature=0.4)
    call = world.client.assistants.get_assistant_history
    page = world.strictly(call(made.id))
    assert page.pagination.total == len(page.audit_logs) == 2 and page.pagination.has_more is False
    entry = next(each for each in page.audit_logs if any(change.field == "temperature" and change.old_value for change in each.changes or []))
    change = next(each for each in entry.changes if each.field == "temperature")
    assert (change.old_value, change.new_value) == (0.1, 0.4)
    identified(entry.id, "log")
    assert (entry.resource_type, entry.resource_id, entry.resource_name) == ("assistant", made.id, made.name)
    assert abs(entry.timestamp - time.time()) < 120 and entry.action and entry.user_name and entry.user_email
    assert [each.id for each in call(made.id, action=entry.action, user_id=entry.user_id).audit_logs] == [entry.id]
    assert len(call(made.id, limit=1, offset=1).audit_logs) == 1
    now = datetime.now(timezone.utc)
    assert call(made.id, start_date=(now + timedelta(days=1)).isoformat()).audit_logs == []
    assert len(call(made.id, start_date=(now - timedelta(days=1)).isoformat(), end_date=(now + timedelta(days=1)).isoformat()).audit_logs) == 2


@check("assistants.convert_to_workflow")
def convert(world: World) -> None:
    made = world.assistant(instructions="Rhyme.", temperature=0.5)
    answer = world.created(world.client.assistants.convert_assistant_to_workflow(made.id))
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(answer.workflow_id))
    assert answer.assistant_id == made.id and answer.workflow.id == answer.workflow_id
    assert answer.workflow.name == f"{made.name} Workflow" and answer.workflow.assistant_id == made.id
    after = world.client.assistants.get_assistant(made.id)
    assert (after.workflow_id, after.workflow_based) == (answer.workflow_id, True)
    assert (after.instructions, after.temperature) == ("Rhyme.", 0.5) and "instructions" in after.inherited
    call = world.client.assistants.convert_assistant_to_workflow
    refused(409, "ASSISTANT_HAS_WORKFLOW", lambda: call(made.id, request_options=ONCE))
    refused(404, "ASSISTANT_NOT_FOUND", lambda: call(f"asst_{'0' * 32}"))


@check("assistants.convert_to_workflow workflow_name, description")
def convert_named(world: World) -> None:
    answer = world.client.assistants.convert_assistant_to_workflow(
        world.assistant().id, workflow_name="Mine", description="d"
    )
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(answer.workflow_id))
    assert (answer.workflow.name, answer.workflow.description) == ("Mine", "d")


@check("assistants.get_workflow")
def get_workflow(world: World) -> None:
    workflow, assistant_id = world.promoted()
    got = world.strictly(world.client.assistants.get_assistant_workflow(assistant_id))
    assert got == world.client.workflows.get_workflow(workflow.id)
    plain = world.assistant().id
    refused(404, "RESOURCE_NOT_FOUND", lambda: world.client.assistants.get_assistant_workflow(plain))


@check("assistants.update_workflow")
def update_workflow(world: World) -> None:
    workflow, assistant_id = world.promoted()
    call = world.client.assistants.update_assistant_workflow
    changed = world.strictly(call(assistant_id, definition=one_node(temperature=0.6), name="Changed"))
    assert (changed.id, changed.version, changed.name) == (workflow.id, 2, "Changed")
    assistant = world.client.assistants.get_assistant(assistant_id)
    assert (assistant.workflow_version, assistant.workflow_latest_version) == (2, 2)
    assert call(assistant_id, definition={}).version == 3
    assistant = world.client.assistants.get_assistant(assistant_id)
    assert (assistant.workflow_version, assistant.workflow_latest_version) == (2, 3), "an unpromotable version is not taken"
    plain = world.assistant().id
    refused(404, "RESOURCE_NOT_FOUND", lambda: call(plain, name="x"))


@check("assistants.detach_workflow, then attach")
def detach(world: World) -> None:
    workflow, assistant_id = world.promoted(two_nodes_after_promotion())
    answer = world.strictly(world.client.assistants.detach_assistant_workflow(assistant_id))
    assert world.last.status_code == 200 and answer.message
    assert (answer.assistant_id, answer.workflow_id) == (assistant_id, workflow.id)
    refused(404, "RESOURCE_NOT_FOUND", lambda: world.client.assistants.detach_assistant_workflow(assistant_id))
    assert world.client.workflows.get_workflow(workflow.id).assistant_id is None
    assert world.client.assistants.get_assistant(assistant_id).workflow_based is False
    world.raw("POST", f"v1/assistants/{assistant_id}/workflow", {"workflow_id": workflow.id})
    assert world.client.assistants.get_assistant_workflow(assistant_id).id == workflow.id
    assert world.client.workflows.get_workflow(workflow.id).assistant_id == assistant_id


def two_nodes_after_promotion() -> dict[str, Any]:
    """Two candidates, one of them disabled: promotable without naming a node."""
    definition = two_nodes()
    definition["nodes"][2]["disabled"] = True
    return definition
