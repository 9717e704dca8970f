"""`client.api_keys`: all verbs, and what a key may do in each state."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from aitronos.errors import UnprocessableEntityError
from registry import check
from world import ONCE, World, has, identified, refused, unique

OBJECT = ("id organization_id key_name key_prefix is_active is_paused scopes usage_limit_chf metadata created_by "
          "created_at last_used_at expires_at").split()


def make(world: World, **fields: Any) -> Any:
    fields.setdefault("key_name", unique("Key"))
    made = world.client.api_keys.create_api_key(world.organization_id, **fields)
    world.afterwards.append(lambda: world.client.api_keys.delete_api_key(world.organization_id, made.id))
    return made


@check("api_keys.create")
def create(world: World) -> None:
    expires = datetime(2100, 1, 2, 3, 4, 5, 600000, tzinfo=timezone(timedelta(hours=2)))
    made = world.created(make(
        world, scopes=["workflows:read", "chat"], expires_at=expires, usage_limit_chf=12.5, metadata={"for": "tests"}
    ))
    identified(made.id, "ak")
    has(made, (*(name for name in OBJECT if name not in ("is_paused", "last_used_at")), "key"))
    assert made.key.startswith(made.key_prefix) and made.organization_id == world.organization_id
    assert sorted(made.scopes) == ["chat", "workflows:read"] and made.is_active is True
    assert (made.usage_limit_chf, made.metadata) == (12.5, {"for": "tests"})
    assert abs(made.expires_at - expires) < timedelta(seconds=1) and made.created_by
    assert world.client_of(made.key).workflows.list_workflows(limit=1).limit == 1
    assert world.strictly(make(world)).scopes == ["*"]


@check("api_keys.create refused")
def create_refused(world: World) -> None:
    for fields in ({"key_name": ""}, {"scopes": ["everything"]}):
        refused(422, "VALIDATION_ERROR", lambda: make(world, **fields), UnprocessableEntityError)
    limited = world.client_of(make(world, scopes=["keys:write", "chat"]).key)
    call = limited.api_keys.create_api_key
    refused(403, "INSUFFICIENT_PERMISSIONS", lambda: call(world.organization_id, key_name="x", scopes=["runs:read"]))


@check("api_keys.list")
def list_keys(world: World) -> None:
    made = make(world)
    page = world.strictly(world.client.api_keys.list_api_keys(world.organization_id, page=1, page_size=100))
    assert (page.page, page.page_size) == (1, 100)
    found = next(each for each in page.keys if each.id == made.id)
    has(found, OBJECT)
    assert made.key not in world.last.text, "a key is shown once"
    one = world.strictly(world.client.api_keys.list_api_keys(world.organization_id, skip=1, take=1))
    assert len(one.keys) == 1 and one.total == page.total
    world.strictly(world.client.api_keys.list_api_keys(world.organization_id))


@check("api_keys.get")
def get(world: World) -> None:
    made = make(world, scopes=["chat"])
    world.client_of(made.key).threads.list_threads(limit=1)
    got = world.strictly(world.client.api_keys.get_api_key(world.organization_id, made.id))
    has(got, OBJECT)
    assert (got.key_name, got.scopes, got.is_paused) == (made.key_name, ["chat"], False)
    call = world.client.api_keys.get_api_key
    refused(404, "API_KEY_NOT_FOUND", lambda: call(world.organization_id, f"ak_{'0' * 32}"))


@check("api_keys.update")
def update(world: World) -> None:
    made = make(world)
    call = world.client.api_keys.update_api_key
    changed = world.strictly(call(world.organization_id, made.id, key_name="Renamed", scopes=["chat"], usage_limit_chf=3))
    assert (changed.key_name, changed.scopes, changed.usage_limit_chf) == ("Renamed", ["chat"], 3)
    assert call(world.organization_id, made.id, usage_limit_chf=None).usage_limit_chf is None
    stranger = world.client_of(made.key)
    refused(403, "INSUFFICIENT_PERMISSIONS", stranger.workflows.list_workflows)


@check("api_keys.pause, api_keys.unpause")
def pause(world: World) -> None:
    made = make(world)
    holder = world.client_of(made.key)
    answer = world.strictly(world.client.api_keys.pause_api_key(world.organization_id, made.id))
    assert answer.success is True and answer.message and (answer.key.id, answer.key.is_paused) == (made.id, True)
    refused(401, "API_KEY_PAUSED", holder.workflows.list_workflows)
    answer = world.strictly(world.client.api_keys.unpause_api_key(world.organization_id, made.id))
    assert answer.key.is_paused is False
    holder.workflows.list_workflows()


@check("api_keys.deactivate, api_keys.activate")
def deactivate(world: World) -> None:
    made = make(world)
    holder = world.client_of(made.key)
    answer = world.strictly(world.client.api_keys.deactivate_api_key(world.organization_id, made.id))
    assert answer.success is True and answer.key.is_active is False
    refused(401, "API_KEY_DEACTIVATED", holder.workflows.list_workflows)
    answer = world.strictly(world.client.api_keys.activate_api_key(world.organization_id, made.id))
    assert answer.key.is_active is True
    holder.workflows.list_workflows()


@check("api_keys.create expires_at")
def expire(world: World) -> None:
    made = make(world, expires_at=datetime.now(timezone.utc) + timedelta(seconds=1.5))
    holder = world.client_of(made.key)
    holder.workflows.list_workflows()
    time.sleep(2)
    refused(401, "API_KEY_EXPIRED", holder.workflows.list_workflows)


@check("api_keys.rotate")
def rotate(world: World) -> None:
    made = make(world, scopes=["workflows:read"])
    answer = world.strictly(world.client.api_keys.rotate_api_key(world.organization_id, made.id))
    world.afterwards.append(lambda: world.client.api_keys.delete_api_key(world.organization_id, answer.new_key.id))
    assert answer.success is True and answer.message and answer.old_key_id == made.id
    assert answer.new_key.key != made.key and answer.new_key.scopes == ["workflows:read"]
    world.client_of(answer.new_key.key).workflows.list_workflows()
    try:
        world.client_of(made.key).workflows.list_workflows()
    except Exception as error:
        assert getattr(error, "status_code", None) == 401, error
    else:
        raise AssertionError("the old key still works")


@check("api_keys.delete")
def delete(world: World) -> None:
    made = make(world)
    answer = world.strictly(world.client.api_keys.delete_api_key(world.organization_id, made.id))
    assert world.last.status_code == 200 and answer.success is True and answer.message
    refused(401, "AUTHENTICATION_REQUIRED", world.client_of(made.key).workflows.list_workflows)
    refused(404, "API_KEY_NOT_FOUND", lambda: world.client.api_keys.get_api_key(world.organization_id, made.id))
    refused(404, "API_KEY_NOT_FOUND", lambda: world.client.api_keys.delete_api_key(world.organization_id, made.id))


@check("api_keys refused: LAST_KEY", own_server=True)
def last_key(world: World) -> None:
    calls = world.client.api_keys
    keys = calls.list_api_keys(world.organization_id, page_size=100).keys
    ours = next(each for each in keys if world.key.startswith(each.key_prefix))
    for other in keys:
        if other.id != ours.id:
            calls.delete_api_key(world.organization_id, other.id)
    for call in (calls.delete_api_key, calls.pause_api_key, calls.deactivate_api_key):
        error = refused(409, "LAST_KEY", lambda: call(world.organization_id, ours.id, request_options=ONCE))
        assert error["type"] == "conflict_error"
    past = datetime(2020, 1, 1, tzinfo=timezone.utc)
    for fields in ({"expires_at": past}, {"scopes": ["chat"]}):
        try:
            calls.update_api_key(world.organization_id, ours.id, request_options=ONCE, **fields)
        except Exception as error:
            assert getattr(error, "status_code", None) in (409, 422), error
        else:
            raise AssertionError(f"{fields} was taken for the last key")
    world.client.workflows.list_workflows(limit=1)
