"""The client's own repeats: on 408, 409, 429 and 5xx it sends the same request twice more, without an idempotency key.

Two things can go wrong. The server refuses (409, 503): a repeat must find nothing half done. Or the server did it and
the answer was lost: then the repeat is a second order, and whether two things come of it depends on the call. The
checks below show for each call which it is; calls that nothing tells apart from a second order may make two, unless the
caller sends an `Idempotency-Key`.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import httpx
from aitronos import Aitronos
from aitronos.core.api_error import ApiError
from aitronos.errors import NotFoundError
from proxy import LosingProxy
from registry import check
from stream import Live
from world import ONCE, World, one_node, refused, said, unique


@contextmanager
def losing(world: World) -> Iterator[tuple[LosingProxy, Aitronos]]:
    """A client behind a proxy that hides the next answer."""
    proxy = LosingProxy(world.url)
    try:
        yield proxy, world.client_of(world.key, proxy.url)
    finally:
        proxy.stop()


def with_key() -> Any:
    return {"additional_headers": {"Idempotency-Key": unique("key").replace(" ", "-")}}


def requests_of(world: World, call: Callable[[], object]) -> int:
    """How many requests a call made."""
    before = len(world.answers)
    call()
    return len(world.answers) - before


def assistants_named(world: World, name: str) -> list[str]:
    page = world.client.assistants.list_assistants(
        organization_id=world.organization_id, search=name, include_inactive=True
    )
    return [each.id for each in page.assistants]


# Refused, and repeated by the client.


@check("repeats of a promote that is refused with 409")
def promote_conflict(world: World) -> str:
    workflow, assistant_id = world.promoted()
    call = world.client.workflows.promote_workflow_to_assistant
    asked = requests_of(world, lambda: refused(409, "WORKFLOW_ALREADY_PROMOTED", lambda: call(workflow.id)))
    assert asked == 3, f"{asked} requests"
    assert assistants_named(world, workflow.name) == [assistant_id]
    assert world.client.workflows.get_workflow(workflow.id).version == 1
    return "3 requests, still one assistant"


@check("repeats of a promote whose name is taken")
def promote_name(world: World) -> str:
    taken = world.assistant()
    workflow = world.workflow(name=taken.name)
    call = world.client.workflows.promote_workflow_to_assistant
    refused(409, "ASSISTANT_NAME_CONFLICT", lambda: call(workflow.id))
    assert assistants_named(world, taken.name) == [taken.id]
    assert world.client.workflows.get_workflow(workflow.id).assistant_id is None
    return "no second assistant, no link"


@check("repeats of a convert that is refused with 409")
def convert_conflict(world: World) -> str:
    workflow, assistant_id = world.promoted()
    before = world.client.workflows.list_workflows().total
    call = world.client.assistants.convert_assistant_to_workflow
    refused(409, "ASSISTANT_HAS_WORKFLOW", lambda: call(assistant_id))
    assert world.client.workflows.list_workflows().total == before
    assert world.client.assistants.get_assistant(assistant_id).workflow_id == workflow.id
    return "no second workflow"


@check("repeats of a turn while the model is busy", own_server=True)
def model_busy(world: World) -> str:
    mark = unique("m").split()[1]
    before = world.client.threads.list_threads(include_total=True).total
    answer = world.ask(f"[busy 2 {mark}] Hello")
    messages = world.messages(answer["thread_id"])
    assert [message.role for message in messages] == ["user", "assistant"], "the failed tries left messages behind"
    assert messages[1].content == answer["response"][0]["text"]
    assert world.client.threads.list_threads(include_total=True).total == before + 1
    return f"{len(world.model.asked_with(mark))} calls of the model, one thread, one turn"


@check("repeats of a turn while the model stays busy", own_server=True)
def model_stays_busy(world: World) -> str:
    mark = unique("m").split()[1]
    thread_id = world.ask("Hello")["thread_id"]
    call = world.client.responses.create_response
    hello = [said(f"[busy 99 {mark}] Hello")]
    asked = requests_of(world, lambda: refused(503, "MODEL_UNAVAILABLE", lambda: call(inputs=hello, thread_id=thread_id)))
    assert asked == 3, f"{asked} requests"
    messages = world.messages(thread_id)
    assert [message.role for message in messages] == ["user", "assistant"] * 2, "one failed turn, not three"
    assert messages[3].content == "" and messages[3].metadata["error_code"] == "MODEL_UNAVAILABLE"
    assert world.ask("Again", thread_id=thread_id)["success"] is True
    return "3 requests, one failed turn"


# Done, and the answer lost.


@check("repeats after a lost answer: create a workflow")
def lost_workflow(world: World) -> str:
    name = unique("Lost")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        client.workflows.create_workflow(name=name, definition=one_node())
        assert proxy.statuses == [201, 201], proxy.statuses
    made = [each for each in every_workflow(world) if each.name == name]
    for each in made:
        world.afterwards.append(lambda each=each: world.client.workflows.delete_workflow(each.id))
    assert len(made) in (1, 2)
    return f"{len(made)} made: without external_id and Idempotency-Key a repeat is a new order"


def every_workflow(world: World) -> list[Any]:
    found: list[Any] = []
    while True:
        page = world.client.workflows.list_workflows(limit=100, offset=len(found))
        found += page.workflows
        if not page.workflows or len(found) >= page.total:
            return found


@check("repeats after a lost answer: create a workflow with external_id")
def lost_upsert(world: World) -> str:
    external_id = unique("ext")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        made = client.workflows.create_workflow(name=unique("Lost"), definition=one_node(), external_id=external_id)
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(made.id))
    page = world.client.workflows.list_workflows(external_id=external_id)
    assert page.total == 1 and page.workflows[0].version == 1
    return "1 made, still version 1"


@check("repeats after a lost answer: create a workflow with an Idempotency-Key")
def lost_workflow_keyed(world: World) -> str:
    name = unique("Lost")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        made = client.workflows.create_workflow(name=name, definition=one_node(), request_options=with_key())
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(made.id))
    assert world.last.headers.get("idempotent-replayed") == "true"
    assert [each.id for each in every_workflow(world) if each.name == name] == [made.id]
    return "1 made, the first answer again"


@check("repeats after a lost answer: promote")
def lost_promote(world: World) -> str:
    workflow = world.workflow()
    with losing(world) as (proxy, client):
        proxy.lose_next()
        call = client.workflows.promote_workflow_to_assistant
        error = refused(409, "WORKFLOW_ALREADY_PROMOTED", lambda: call(workflow.id))
        assert proxy.statuses == [201, 409, 409], proxy.statuses
    assert assistants_named(world, workflow.name) == [error["details"]["assistant_id"]]
    return "one assistant; the 409 names it"


@check("repeats after a lost answer: promote with an Idempotency-Key")
def lost_promote_keyed(world: World) -> str:
    workflow = world.workflow()
    with losing(world) as (proxy, client):
        proxy.lose_next()
        answer = client.workflows.promote_workflow_to_assistant(workflow.id, request_options=with_key())
        assert proxy.statuses == [201, 201], proxy.statuses
    assert assistants_named(world, workflow.name) == [answer.assistant_id]
    return "one assistant, the first answer again"


@check("repeats after a lost answer: create an assistant")
def lost_assistant(world: World) -> str:
    name = unique("Lost")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        call = client.assistants.create_assistant
        error = refused(
            409, "ASSISTANT_NAME_CONFLICT", lambda: call(name=name, organization_id=world.organization_id)
        )
    assert assistants_named(world, name) == [error["details"]["assistant_id"]]
    return "one made; the 409 names it"


@check("repeats after a lost answer: convert")
def lost_convert(world: World) -> str:
    made = world.assistant()
    before = world.client.workflows.list_workflows().total
    with losing(world) as (proxy, client):
        proxy.lose_next()
        refused(409, "ASSISTANT_HAS_WORKFLOW", lambda: client.assistants.convert_assistant_to_workflow(made.id))
    assert world.client.workflows.list_workflows().total == before + 1
    return "one workflow"


@check("repeats after a lost answer: update, delete, pin")
def lost_idempotent(world: World) -> str:
    workflow, thread = world.workflow(), world.thread()
    with losing(world) as (proxy, client):
        proxy.lose_next(2)
        changed = client.workflows.update_workflow(workflow.id, definition={"nodes": []}, name="Changed")
        assert (changed.version, changed.name) == (2, "Changed"), "the repeat is no third version"
        proxy.lose_next()
        assert client.threads.pin_thread(thread.id).is_pinned is True
        proxy.lose_next()
        refused(404, "WORKFLOW_NOT_FOUND", lambda: client.workflows.delete_workflow(workflow.id))
        assert proxy.statuses == [204, 404], proxy.statuses
    return "done once; a repeated delete is 404"


@check("repeats after a lost answer: delete a message")
def lost_message(world: World) -> str:
    answer = world.ask("Hello")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        call = client.messages.delete_message
        refused(404, "MESSAGE_NOT_FOUND", lambda: call(answer["thread_id"], answer["message_id"]), NotFoundError)
    assert len(world.messages(answer["thread_id"])) == 1
    return "one deleted; the repeat is 404"


@check("repeats after a lost answer: a turn")
def lost_turn(world: World) -> str:
    thread_id = world.ask("Hello")["thread_id"]
    with losing(world) as (proxy, client):
        proxy.lose_next()
        client.responses.create_response(inputs=[said("Again")], thread_id=thread_id)
        assert proxy.statuses == [200, 200], proxy.statuses
    turns = len(world.messages(thread_id)) // 2 - 1
    assert turns in (1, 2)
    return f"{turns} turns: without an Idempotency-Key a repeat is a new message"


@check("repeats after a lost answer: a turn with an Idempotency-Key")
def lost_turn_keyed(world: World) -> str:
    thread_id = world.ask("Hello")["thread_id"]
    with losing(world) as (proxy, client):
        proxy.lose_next(2)
        answer = client.responses.create_response(inputs=[said("Again")], thread_id=thread_id, request_options=with_key())
        assert proxy.statuses == [200, 200, 200], proxy.statuses
    messages = world.messages(thread_id)
    assert len(messages) == 4 and messages[3].id == answer["message_id"]
    return "one turn, the first answer again"


@check("repeats after a lost answer: create a key with an Idempotency-Key")
def lost_key(world: World) -> str:
    name = unique("Lost")
    with losing(world) as (proxy, client):
        proxy.lose_next()
        call = client.api_keys.create_api_key
        options = with_key()
        try:
            call(world.organization_id, key_name=name, request_options=options)
        except ApiError as error:
            assert error.status_code == 409 and "ak_" in str(error.body), "a secret is shown once; the replay names its id"
        else:
            raise AssertionError("the replay showed the secret again")
    keys = [each for each in world.client.api_keys.list_api_keys(world.organization_id, page_size=100).keys
            if each.key_name == name]
    assert len(keys) == 1
    world.afterwards.append(lambda: world.client.api_keys.delete_api_key(world.organization_id, keys[0].id))
    return "one key; the replay is 409 with its id, without the secret"


@check("repeats of one Idempotency-Key with another body")
def reused_key(world: World) -> None:
    options: Any = {**with_key(), **ONCE}
    call = world.client.workflows.create_workflow
    made = call(name=unique("Keyed"), definition={}, request_options=options)
    world.afterwards.append(lambda: world.client.workflows.delete_workflow(made.id))
    refused(422, "IDEMPOTENCY_KEY_REUSED", lambda: call(name=unique("Keyed"), definition={}, request_options=options))


@check("repeats of calls that a stopping server refuses", own_server=True)
def draining(world: World) -> str:
    """A turn keeps the server from stopping at once; what it refuses meanwhile must have had no effect."""
    gate, external_id = unique("h").split()[1], unique("ext")
    live = Live(world, [{"role": "user", "content": f"[hold {gate}] Hello"}])
    live.until("response.content_delta")
    before = world.client.threads.list_threads(include_total=True).total
    # `Live` ends as soon as the model goes on; let it, once the refused calls are through.
    timer = threading.Timer(8, world.model.release, (gate,))
    timer.start()
    outcomes: list[str] = []
    world.server.ask_to_stop()
    while (outcome := refusal_of(world, external_id)) == "done":
        external_id = unique("ext")  # It had not begun to stop yet.
        time.sleep(0.05)
    outcomes.append(outcome)
    outcomes.append(refusal_of_turn(world))
    world.model.release(gate)
    timer.cancel()
    world.server.wait_stopped()
    world.server.start()
    assert world.client.workflows.list_workflows(external_id=external_id).total == 0
    assert world.client.threads.list_threads(include_total=True).total == before
    return f"a workflow: {outcomes[0]}; a turn: {outcomes[1]}; neither left anything behind"


def refusal_of(world: World, external_id: str) -> str:
    try:
        world.client.workflows.create_workflow(name=unique("Late"), definition={}, external_id=external_id)
    except ApiError as error:
        assert error.status_code == 503 and error.body["error"]["code"] == "SERVICE_UNAVAILABLE", error.body
        return "503"
    except httpx.TransportError as error:
        return type(error).__name__
    return "done"


def refusal_of_turn(world: World) -> str:
    try:
        world.client.responses.create_response(inputs=[said("Late")], request_options=ONCE)
    except ApiError as error:
        assert error.status_code == 503, error.body
        return "503"
    except httpx.TransportError as error:
        return type(error).__name__
    raise AssertionError("a stopping server took a new turn")
