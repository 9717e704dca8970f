"""`client.workflows`: create, upsert, list, get, update, delete."""

from __future__ import annotations

import time

from aitronos.errors import UnprocessableEntityError
from registry import check
from world import ONCE, World, has, identified, one_node, refused, two_nodes, unique

OURS = ("promotable", "findings_count", "triggers_armed")


@check("workflows.create")
def create(world: World) -> None:
    name = unique("Create")
    definition = one_node()
    made = world.created(
        world.client.workflows.create_workflow(name=f"  {name} ", definition=definition, description="What it does")
    )
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(made.id))
    identified(made.id, "flow")
    assert made.organization_id == world.organization_id
    assert (made.name, made.description) == (name, "What it does")
    assert made.definition == definition and list(made.definition) == list(definition)
    assert (made.version, made.is_active, made.has_assistant) == (1, True, False)
    assert abs(made.created_at - time.time()) < 120 and made.updated_at >= made.created_at, "not Unix seconds"
    assert made.external_id is None and made.assistant_id is None
    assert made.created_by is None or identified(made.created_by, "usr")
    has(made, OURS)
    assert made.promotable is True


@check("workflows.create keeps any definition")
def create_any(world: World) -> None:
    odd = {"nodes": [], "zeta": 1, "alpha": [None, True, 1.5, "ü\u2028\u0000"], "connections": {}, "": {"": ""}}
    for definition in ({}, odd):
        made = world.strictly(world.workflow(definition))
        assert made.definition == definition and list(made.definition) == list(definition)
        assert world.client.workflows.get_workflow(made.id).definition == definition


@check("workflows.create has_assistant")
def create_with_assistant_node(world: World) -> None:
    definition = one_node()
    definition["nodes"].append({"id": "a", "name": "Other", "type": "Assistant", "parameters": {}, "position": [0, 90]})
    made = world.workflow(definition)
    assert made.has_assistant is True and made.assistant_id is None


@check("workflows.create refused")
def create_refused(world: World) -> None:
    call = world.client.workflows.create_workflow
    for name in ("", "   ", "x" * 256):
        error = refused(422, "VALIDATION_ERROR", lambda: call(name=name, definition={}), UnprocessableEntityError)
        assert error["type"] == "validation_error"
        assert [field["field"] for field in error["details"]["fields"]] == ["name"], error["details"]
    misspelt = {"additional_body_parameters": {"descripton": "x"}}
    error = refused(422, "VALIDATION_ERROR", lambda: call(name="x", definition={}, request_options=misspelt))
    assert "descripton" in str(error["details"]["fields"])


@check("workflows.create upsert by external_id")
def upsert(world: World) -> None:
    external_id = unique("ext")
    first, assistant_id = world.promoted(external_id=external_id, description="kept")
    world.client.workflows.update_workflow(first.id, is_active=False)
    again = world.created(
        world.client.workflows.create_workflow(name=unique("Again"), definition=two_nodes(), external_id=external_id)
    )
    assert again.id == first.id and again.version == 2
    assert again.description == "kept" and again.is_active is False and again.assistant_id == assistant_id
    assert world.client.workflows.list_workflows(external_id=external_id).total == 1


@check("workflows.list")
def list_all(world: World) -> None:
    made = world.workflow()
    page = world.strictly(world.client.workflows.list_workflows())
    assert (page.limit, page.offset) == (50, 0) and page.total >= 1
    assert len(page.workflows) == min(page.total, 50)
    everything = {each.id for each in walk(world)}
    assert made.id in everything and len(everything) == world.client.workflows.list_workflows().total


def walk(world: World):
    offset = 0
    while True:
        page = world.client.workflows.list_workflows(limit=100, offset=offset)
        yield from page.workflows
        offset += 100
        if offset >= page.total:
            return


@check("workflows.list external_id, active_only, limit, offset")
def list_filtered(world: World) -> None:
    external_id = unique("ext & co?")
    made = world.workflow(external_id=external_id)
    found = world.strictly(world.client.workflows.list_workflows(external_id=external_id, limit=1, offset=0))
    assert [each.id for each in found.workflows] == [made.id] and (found.total, found.limit) == (1, 1)
    assert world.client.workflows.list_workflows(external_id=external_id, offset=1).workflows == []
    world.client.workflows.update_workflow(made.id, is_active=False)
    assert world.client.workflows.list_workflows(external_id=external_id, active_only=True).total == 0
    assert world.client.workflows.list_workflows(external_id=external_id, active_only=False).total == 1
    for options in ({"limit": 0}, {"limit": 101}, {"offset": -1}):
        refused(422, "VALIDATION_ERROR", lambda: world.client.workflows.list_workflows(**options))


@check("workflows.get")
def get(world: World) -> None:
    made = world.workflow(description="d")
    got = world.strictly(world.client.workflows.get_workflow(made.id))
    assert got == made
    assert world.last.headers.get("etag"), "no ETag"
    for unknown in (f"flow_{'0' * 32}", "flow_x", "nonsense"):
        error = refused(404, "WORKFLOW_NOT_FOUND", lambda: world.client.workflows.get_workflow(unknown))
        assert error["type"] == "not_found_error"


@check("workflows.update")
def update(world: World) -> None:
    made = world.workflow(description="old")
    call = world.client.workflows.update_workflow
    same = world.strictly(call(made.id, definition=one_node()))
    assert same.version == 1, "the same definition is no new version"
    changed = world.strictly(call(made.id, definition=two_nodes(), name="  New name "))
    assert (changed.version, changed.name, changed.description) == (2, "New name", "old")
    assert changed.updated_at >= made.updated_at and changed.created_at == made.created_at
    assert call(made.id, description=None).description is None
    assert call(made.id, is_active=False).is_active is False
    assert call(made.id).is_active is False, "a change of nothing changes nothing"


@check("workflows.update external_id")
def update_external_id(world: World) -> None:
    taken, made = unique("ext"), world.workflow()
    other = world.workflow(external_id=taken)
    call = world.client.workflows.update_workflow
    error = refused(409, "EXTERNAL_ID_CONFLICT", lambda: call(made.id, external_id=taken, request_options=ONCE))
    assert error["type"] == "conflict_error"
    assert call(other.id, external_id="").external_id is None
    assert call(made.id, external_id=taken).external_id == taken
    assert call(made.id, external_id=None).external_id is None


@check("workflows.update If-Match")
def update_if_match(world: World) -> None:
    made = world.workflow()
    world.client.workflows.get_workflow(made.id)
    stale = {"additional_headers": {"If-Match": world.last.headers["etag"]}, "max_retries": 0}
    world.client.workflows.update_workflow(made.id, name=unique("One"), request_options=stale)
    call = world.client.workflows.update_workflow
    refused(409, "VERSION_CONFLICT", lambda: call(made.id, name=unique("Two"), request_options=stale))


@check("workflows.delete")
def delete(world: World) -> None:
    external_id = unique("ext")
    made, assistant_id = world.promoted(external_id=external_id)
    assert world.client.workflows.delete_workflow(made.id) is None
    assert world.last.status_code == 204 and world.last.content == b""
    refused(404, "WORKFLOW_NOT_FOUND", lambda: world.client.workflows.get_workflow(made.id))
    refused(404, "WORKFLOW_NOT_FOUND", lambda: world.client.workflows.delete_workflow(made.id))
    left = world.client.assistants.get_assistant(assistant_id)
    assert left.workflow_id is None and not left.workflow_based, "the assistant stays, without the link"
    assert world.workflow(external_id=external_id).id != made.id, "its external_id is free again"
