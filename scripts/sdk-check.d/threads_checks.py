"""`client.threads` and `client.messages`."""

from __future__ import annotations

from typing import Any

from aitronos.core.api_error import ApiError
from aitronos.errors import NotFoundError, UnprocessableEntityError
from aitronos.types.message_input import MessageInput
from registry import check
from world import ONCE, World, has, identified, moment, refused, unique

OBJECT = ("id object created_at updated_at last_message_at metadata assistant_id organization_id user_id title status "
          "message_count visible_in_ui last_model_used is_pinned pinned_at space_ids workflow_id pinned_workflow "
          "workflow_version open_pauses end_user_id").split()
MESSAGE = "id created_at thread_id role content attachments metadata tool_calls iterations response_blocks".split()


@check("threads.create")
def create(world: World) -> None:
    assistant_id = world.assistant().id
    title = unique("Title")
    made = world.created(world.client.threads.create_thread(
        organization_id=world.organization_id, title=title, assistant_id=assistant_id, metadata={"a": "b"}, visible_in_ui=True
    ))
    world.afterwards.append(lambda: world.client.threads.delete_thread(made.id))
    identified(made.id, "thread")
    has(made, OBJECT)
    moment(made.created_at), moment(made.updated_at)
    assert made.object == "thread" and (made.title, made.metadata) == (title, {"a": "b"})
    assert (made.assistant_id, made.organization_id) == (assistant_id, world.organization_id)
    assert (made.status, made.message_count, made.is_pinned, made.pinned_at) == ("inactive", 0, False, None)


@check("threads.create refused")
def create_refused(world: World) -> None:
    refused(422, "VALIDATION_ERROR", lambda: world.thread(title="x" * 201), UnprocessableEntityError)
    refused(404, "ASSISTANT_NOT_FOUND", lambda: world.thread(assistant_id=f"asst_{'0' * 32}"))
    call = world.client.threads.create_thread
    refused(403, "ORGANIZATION_ACCESS_DENIED", lambda: call(organization_id=f"org_{'0' * 32}"))


@check("threads.get")
def get(world: World) -> None:
    answer = world.ask("Hello", model="gpt-4o")
    got = world.strictly(world.client.threads.get_thread(answer["thread_id"]))
    has(got, OBJECT)
    assert got.message_count == 2 and got.last_model_used and got.status == "inactive"
    moment(got.last_message_at)
    refused(404, "THREAD_NOT_FOUND", lambda: world.client.threads.get_thread(f"thread_{'0' * 32}"))


@check("threads.get of a promoted workflow")
def get_pinned(world: World) -> None:
    workflow, assistant_id = world.promoted()
    thread_id = world.ask("Hello", assistant_id=assistant_id)["thread_id"]
    got = world.strictly(world.client.threads.get_thread(thread_id))
    assert got.pinned_workflow == {"id": workflow.id, "version": 1} and got.workflow_version == 1
    assert got.workflow_id == workflow.id and got.open_pauses == []
    listed = world.client.threads.list_threads(workflow_id=workflow.id)
    assert [each.id for each in listed.data] == [thread_id]


@check("threads.list")
def list_pages(world: World) -> None:
    assistant_id = world.assistant().id
    made = [world.thread(assistant_id=assistant_id).id for _ in range(3)]

    def page(**options: Any) -> Any:
        return world.strictly(world.client.threads.list_threads(assistant_id=assistant_id, **options))

    first = page()
    assert first.object == "list" and first.limit == 20 and first.has_more is False
    assert [each.id for each in first.data] == made[::-1], "the newest first"
    assert (first.first_id, first.last_id) == (made[2], made[0])
    assert [each.id for each in page(order="asc").data] == made
    two = page(limit=2, include_total=True, organization_id=world.organization_id)
    assert two.has_more is True and two.total == 3 and len(two.data) == 2
    rest = page(limit=2, after=two.last_id)
    assert [each.id for each in rest.data] == made[:1] and rest.has_more is False
    assert [each.id for each in page(before=two.last_id).data] == [made[2]]


@check("threads.list filters")
def list_filters(world: World) -> None:
    assistant_id = world.assistant().id
    pinned, hidden, deleted = (world.thread(assistant_id=assistant_id, visible_in_ui=place != 1).id for place in range(3))
    world.client.threads.pin_thread(pinned)
    world.client.threads.delete_thread(deleted)

    def ids(**options: Any) -> set[str]:
        return {each.id for each in world.client.threads.list_threads(assistant_id=assistant_id, **options).data}

    assert ids(is_pinned=True) == {pinned} and pinned not in ids(is_pinned=False)
    assert ids(visible_in_ui=True) == {pinned} and ids(visible_in_ui=False) == {hidden}
    assert deleted not in ids() and deleted in ids(include_deleted=True)
    refused(422, "VALIDATION_ERROR", lambda: ids(limit=101))
    refused(422, "VALIDATION_ERROR", lambda: ids(order="sideways"))


@check("threads.update")
def update(world: World) -> None:
    made = world.thread(title="Old", metadata={"a": "b"})
    call = world.client.threads.update_thread
    changed = world.strictly(call(made.id, title="New", visible_in_ui=False))
    assert (changed.title, changed.visible_in_ui, changed.metadata) == ("New", False, {"a": "b"})
    assistant_id = world.assistant().id
    assert call(made.id, assistant_id=assistant_id, metadata={"c": "d"}).assistant_id == assistant_id
    used = world.ask("Hello")["thread_id"]
    refused(409, "THREAD_ASSISTANT_LOCKED", lambda: call(used, assistant_id=assistant_id, request_options=ONCE))
    refused(404, "THREAD_NOT_FOUND", lambda: call(f"thread_{'0' * 32}", title="x"))


@check("threads.pin, threads.unpin")
def pin(world: World) -> None:
    made = world.thread()
    answer = world.strictly(world.client.threads.pin_thread(made.id))
    assert (answer.id, answer.is_pinned) == (made.id, True) and moment(answer.pinned_at) and answer.message
    assert world.client.threads.get_thread(made.id).is_pinned is True
    answer = world.strictly(world.client.threads.unpin_thread(made.id))
    assert (answer.id, answer.is_pinned, answer.pinned_at) == (made.id, False, None)
    refused(404, "THREAD_NOT_FOUND", lambda: world.client.threads.pin_thread(f"thread_{'0' * 32}"))


@check("threads.generate_name")
def generate_name(world: World) -> None:
    thread_id = world.ask("What is the height of the Eiger?")["thread_id"]
    assert world.client.threads.generate_thread_name(thread_id)
    title = world.client.threads.get_thread(thread_id).title
    assert title and len(title) <= 200
    given = [MessageInput(role="user", content="Something else")]
    assert world.client.threads.generate_thread_name(world.thread().id, messages=given)
    refused(404, "THREAD_NOT_FOUND", lambda: world.client.threads.generate_thread_name(f"thread_{'0' * 32}"))


@check("threads.delete")
def delete(world: World) -> None:
    thread_id = world.ask("Hello")["thread_id"]
    assert world.client.threads.delete_thread(thread_id) is None
    assert world.last.status_code == 204
    refused(404, "THREAD_NOT_FOUND", lambda: world.client.threads.get_thread(thread_id))
    refused(404, "THREAD_NOT_FOUND", lambda: world.client.threads.delete_thread(thread_id))
    refused(404, "THREAD_NOT_FOUND", lambda: world.ask("More", thread_id=thread_id))


@check("threads.delete_all", own_server=True)
def delete_all(world: World) -> None:
    world.thread()
    before = world.client.threads.list_threads(include_total=True).total
    answer = world.strictly(world.client.threads.delete_all_threads(organization_id=world.organization_id))
    assert before and answer.deleted >= before and answer.message
    assert world.client.threads.list_threads().data == []
    assert world.client.threads.delete_all_threads().deleted == 0


@check("messages.list")
def messages(world: World) -> None:
    thread_id = world.ask("One")["thread_id"]
    world.ask("Two", thread_id=thread_id)

    def page(**options: Any) -> Any:
        return world.strictly(world.client.messages.get_thread_messages(thread_id, **options))

    asc = page(order="asc")
    assert asc.object == "list" and [each.role for each in asc.data] == ["user", "assistant"] * 2
    assert (asc.first_id, asc.last_id, asc.has_more) == (asc.data[0].id, asc.data[-1].id, False)
    for message in asc.data:
        identified(message.id, "msg")
        has(message, MESSAGE)
        assert message.thread_id == thread_id and isinstance(message.content, str) and message.created_at.tzinfo
    assert [each.id for each in page(order="desc").data] == [each.id for each in reversed(asc.data)]
    first = page(order="asc", limit=3)
    assert first.has_more is True and len(first.data) == 3
    assert [each.id for each in page(order="asc", after=first.last_id).data] == [asc.data[3].id]
    assert [each.id for each in page(order="asc", before=asc.data[1].id).data] == [asc.data[0].id]
    for mode in ("text", "plain", "structured"):
        assert len(page(output_mode=mode).data) == 4


@check("messages.list refused")
def messages_refused(world: World) -> None:
    call = world.client.messages.get_thread_messages
    thread_id = world.thread().id
    refused(422, "VALIDATION_ERROR", lambda: call(thread_id, limit=0), UnprocessableEntityError)
    refused(404, "THREAD_NOT_FOUND", lambda: call(f"thread_{'0' * 32}"), NotFoundError)


@check("messages.update")
def message_update(world: World) -> None:
    answer = world.ask("One")
    thread_id, message_id = answer["thread_id"], answer["message_id"]
    call = world.client.messages.update_message
    changed = world.strictly(call(thread_id, message_id, content="Edited", metadata={"k": "v"}))
    assert (changed.id, changed.thread_id, changed.role) == (message_id, thread_id, "assistant")
    assert (changed.content, changed.metadata["k"]) == ("Edited", "v") and changed.updated_at >= changed.created_at
    assert world.messages(thread_id)[1].content == "Edited"
    assert world.strictly(call(thread_id, message_id, metadata={"k": "w"})).content == "Edited"
    refused(404, "MESSAGE_NOT_FOUND", lambda: call(thread_id, f"msg_{'0' * 32}", content="x"), NotFoundError)


@check("messages.delete")
def message_delete(world: World) -> None:
    answer = world.ask("One")
    thread_id, message_id = answer["thread_id"], answer["message_id"]
    gone = world.strictly(world.client.messages.delete_message(thread_id, message_id))
    assert world.last.status_code == 200
    assert (gone.id, gone.deleted, gone.object) == (message_id, True, "thread.message.deleted")
    assert [message.role for message in world.messages(thread_id)] == ["user"]
    call = world.client.messages.delete_message
    refused(404, "MESSAGE_NOT_FOUND", lambda: call(thread_id, message_id), NotFoundError)


@check("threads.generate_name stream=True")
def generate_name_stream(world: World) -> str:
    thread_id = world.ask("Hello")["thread_id"]
    try:
        world.client.threads.generate_thread_name(thread_id, stream=True)
    except ApiError as error:
        # As with create_response: a stream reaches the caller as the text of an error with status 200.
        assert error.status_code == 200 and error.body.endswith("data: [DONE]\n\n"), error
        return "as a stream"
    assert world.client.threads.get_thread(thread_id).title
    return "as JSON"
