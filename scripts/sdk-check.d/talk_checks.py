"""`client.responses`: a turn as JSON and as a stream, tools, editing, cancelling, output modes, reasoning levels."""

from __future__ import annotations

import time
from typing import Any

from aitronos.errors import UnprocessableEntityError
from aitronos.responses.types.chat_request_tools_item import ChatRequestToolsItem_Function
from aitronos.types.input_message import InputMessage
from aitronos.types.reasoning_config import ReasoningConfig
from registry import check
from stream import Live, streamed, well_told
from world import ONCE, World, identified, refused, said, unique

WEATHER = ChatRequestToolsItem_Function(
    name="weather", description="The weather of a city", parameters={"type": "object", "properties": {"city": {"type": "string"}}}
)


@check("responses.create")
def create(world: World) -> None:
    _, assistant_id = world.promoted()
    answer = world.ask("Good morning", assistant_id=assistant_id)
    assert world.last.status_code == 200 and answer["success"] is True
    for name, prefix in (("thread_id", "thread"), ("response_id", "resp"), ("run_id", "run"), ("message_id", "msg")):
        identified(answer[name], prefix)
    assert answer["is_summarized"] is False and answer["stop_reason"] == "stop" and answer["model"]
    [part] = answer["response"]
    assert part["type"] == "text" and (world.model is None or part["text"] == "You said: Good morning"), part
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    thread = world.client.threads.get_thread(answer["thread_id"])
    assert (thread.assistant_id, thread.message_count) == (assistant_id, 2)


@check("responses.create without an assistant")
def create_plain(world: World) -> None:
    assert text_of(world.ask("Hello", model="gpt-4o"))
    assert text_of(world.ask("Hello"))
    answer = world.ask("Hello", organization_id=world.organization_id, assistant_id=None, thread_id=None, stream=False)
    assert world.client.threads.get_thread(answer["thread_id"]).assistant_id is None
    refused(404, "ASSISTANT_NOT_FOUND", lambda: world.ask("Hello", assistant_id=f"asst_{'0' * 32}"))


def text_of(answer: dict[str, Any]) -> str:
    return "".join(part["text"] for part in answer["response"])


@check("responses.create in the same thread")
def second_turn(world: World) -> None:
    first = world.ask("One", assistant_id=world.assistant().id)
    second = world.ask("Two", thread_id=first["thread_id"])
    assert second["thread_id"] == first["thread_id"] and second["response_id"] != first["response_id"]
    roles = [(message.role, message.content) for message in world.messages(first["thread_id"])]
    assert [role for role, _ in roles] == ["user", "assistant"] * 2 and roles[0][1] == "One" and roles[2][1] == "Two"
    other = world.assistant().id
    call = world.client.responses.create_response
    refused(409, "THREAD_ASSISTANT_LOCKED", lambda: call(
        inputs=[said("Three")], thread_id=first["thread_id"], assistant_id=other, request_options=ONCE
    ))
    refused(404, "THREAD_NOT_FOUND", lambda: world.ask("Hello", thread_id=f"thread_{'0' * 32}"))


@check("responses.create inputs of several roles and shapes")
def inputs(world: World) -> None:
    parts = [{"type": "text", "text": "Blo"}, {"type": "text", "text": "cks"}]
    answer = world.client.responses.create_response(inputs=[
        said("Speak plainly.", "system"), said("First"), said("Answer", "assistant"), InputMessage(role="user", content=parts),
    ])
    stored = [(message.role, message.content) for message in world.messages(answer["thread_id"])]
    assert [role for role, _ in stored if role != "system"] == ["user", "assistant", "user", "assistant"], stored
    assert stored[-2][1] == "Blocks"
    call = world.client.responses.create_response
    for wrong in ([], [said("x", "assistant")], [said("x", "nobody")]):
        refused(422, "VALIDATION_ERROR", lambda: call(inputs=wrong), UnprocessableEntityError)


@check("responses.create settings reach the model", own_server=True)
def settings(world: World) -> None:
    mark = unique("settings")
    world.ask(mark, model="gpt-4o", instructions="Be a pirate.", temperature=0.7, top_p=0.8, max_output_synapses=99)
    [body] = world.model.asked_with(mark)
    assert (body["model"], body["temperature"], body["top_p"]) == ("gpt-4o", 0.7, 0.8)
    assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert "Be a pirate." in str(body["messages"][0]["content"])


@check("responses.create the assistant's settings reach the model", own_server=True)
def assistant_settings(world: World) -> None:
    mark = unique("assistant")
    _, assistant_id = world.promoted()
    world.client.assistants.update_assistant(assistant_id, temperature=0.9)
    world.ask(mark, assistant_id=assistant_id)
    [body] = world.model.asked_with(mark)
    assert body["temperature"] == 0.9 and "Answer in one sentence." in str(body["messages"][0]["content"])


@check("responses.create refused")
def create_refused(world: World) -> None:
    many = {str(place): "x" for place in range(17)}
    for fields in ({"temperature": 1.1}, {"top_p": -0.1}, {"output_mode": "song"}, {"metadata": many},
                   {"metadata": {"x" * 65: "x"}}, {"metadata": {"x": "x" * 513}},
                   {"previous_response_id": "resp_x", "edit_message_id": "msg_x"}):
        refused(422, "VALIDATION_ERROR", lambda: world.ask("Hello", **fields), UnprocessableEntityError)
    error = refused(422, "UNSUPPORTED_PARAMETER", lambda: world.ask("Hello", vector_store_ids=["vs_x"]))
    assert error["details"]["field"] == "vector_store_ids"
    assert text_of(world.ask("Hello", request_options={"additional_body_parameters": {"colour": "red"}}))


@check("responses.create metadata, workflow_id, store")
def metadata(world: World) -> None:
    tag = unique("tag")
    answer = world.ask("Hello", metadata={"ticket": "7"}, workflow_id=tag, store=False)
    assert world.client.threads.get_thread(answer["thread_id"]).workflow_id == tag
    visible = world.client.threads.list_threads(workflow_id=tag, visible_in_ui=True).data
    assert visible == [], "store=False hides the thread"
    shown = world.ask("Hello", workflow_id=tag, store=True)
    assert [each.id for each in world.client.threads.list_threads(workflow_id=tag).data] == [shown["thread_id"]]


@check("responses.create output_mode")
def output_modes_used(world: World) -> None:
    texts = {mode: text_of(world.ask("[markdown]", output_mode=mode)) for mode in ("text", "plain", "structured")}
    assert all(texts.values())
    if world.model is not None:
        assert "**bold**" in texts["text"] and "**" not in texts["plain"] and "#" not in texts["plain"], texts


@check("responses.create reasoning")
def reasoning_used(world: World) -> None:
    for effort in ("off", "low", "medium", "high", "maximum"):
        assert text_of(world.ask("Hello", reasoning=ReasoningConfig(effort=effort, summary="auto")))
    wrong = ReasoningConfig(effort="enormous")
    refused(422, "VALIDATION_ERROR", lambda: world.ask("Hello", reasoning=wrong), UnprocessableEntityError)


@check("responses.create client tools are refused as long as they do not work")
def tools(world: World) -> None:
    error = refused(
        422, "UNSUPPORTED_PARAMETER", lambda: world.ask("Weather in Bern?", tools=[WEATHER]), UnprocessableEntityError
    )
    assert "tools" in str(error["details"]["field"])


@check("responses.create edit_message_id, previous_message_id, previous_response_id")
def editing(world: World) -> None:
    first = world.ask("One")
    thread_id = first["thread_id"]
    world.ask("Two", thread_id=thread_id)
    two = world.messages(thread_id)[2]
    edited = world.ask("Two, edited", thread_id=thread_id, edit_message_id=two.id)
    assert [message.content for message in world.messages(thread_id)][::2] == ["One", "Two, edited"]
    world.ask("Three", thread_id=thread_id, previous_message_id=first["message_id"])
    assert [message.content for message in world.messages(thread_id)][::2] == ["One", "Three"]
    world.ask("Four", thread_id=thread_id, previous_response_id=first["response_id"])
    assert len(world.messages(thread_id)) == 6, "previous_response_id removes nothing"
    refused(404, "MESSAGE_NOT_FOUND", lambda: world.ask("x", thread_id=thread_id, edit_message_id=edited["message_id"]))
    refused(422, "VALIDATION_ERROR", lambda: world.ask("x", edit_message_id=two.id), UnprocessableEntityError)


@check("responses.create stream=True")
def stream(world: World) -> None:
    _, assistant_id = world.promoted()
    frames = streamed(world, inputs=[said("Grüezi 🌍")], assistant_id=assistant_id)
    text = well_told(frames)
    created, completed = frames[1], frames[-1]
    assert created["assistant_id"] == assistant_id and completed["thread_id"] == created["thread_id"]
    assert completed["response_id"] == created["response_id"] and completed["stop_reason"] == "stop"
    assert completed["usage"]["total_tokens"] > 0
    stored = world.messages(created["thread_id"])
    assert [message.id for message in stored] == [created["user_message_id"], completed["message_id"]]
    assert stored[1].content == text and (world.model is None or text == "You said: Grüezi 🌍"), text


@check("responses.create stream=True refused")
def stream_refused(world: World) -> None:
    call = world.client.responses.create_response
    refused(422, "VALIDATION_ERROR", lambda: call(inputs=[], stream=True), UnprocessableEntityError)
    refused(404, "ASSISTANT_NOT_FOUND", lambda: call(inputs=[said("x")], stream=True, assistant_id=f"asst_{'0' * 32}"))


@check("responses.create a stream read live", own_server=True)
def stream_live(world: World) -> None:
    gate = unique("h").split()[1]
    live = Live(world, [{"role": "user", "content": f"[hold {gate}] Grüezi 🌍"}])
    assert live.until("response.content_delta")["delta"], "the first word comes while the model still speaks"
    world.model.release(gate)
    live.until("[DONE]")
    text = "".join(frame["delta"] for frame in live.seen if frame["event"] == "response.content_delta")
    assert text == f"You said: [hold {gate}] Grüezi 🌍", text
    assert [frame["event"] for frame in live.seen][-2:] == ["response.completed", "[DONE]"]


@check("responses.get and its events")
def read_response(world: World) -> None:
    answer = world.ask("Hello")
    got = world.raw("GET", f"v1/model/response/{answer['response_id']}")
    assert (got["thread_id"], got["response"], got["stop_reason"]) == (answer["thread_id"], answer["response"], "stop")
    refused(404, "RESPONSE_NOT_FOUND", lambda: world.raw("GET", f"v1/model/response/resp_{'0' * 32}"))


@check("responses.cancel soon: quick_edit", own_server=True)
def cancel_soon(world: World) -> None:
    answer, live, thread_id = cancelled_after(world, 0)
    assert answer.cancel_mode == "quick_edit" and answer.elapsed_seconds < 5
    assert answer.user_message_deleted and answer.assistant_response_deleted and not answer.partial_content_saved
    live.until("response.cancelled")
    live.until("[DONE]")
    assert world.messages(thread_id) == []


@check("responses.cancel later: keep_partial", own_server=True)
def cancel_later(world: World) -> None:
    answer, live, thread_id = cancelled_after(world, 5.5)
    assert answer.cancel_mode == "keep_partial" and answer.elapsed_seconds >= 5
    assert not answer.user_message_deleted and not answer.assistant_response_deleted and answer.partial_content_saved
    assert live.until("response.cancelled")["partial_content_length"] > 0
    messages = world.messages(thread_id)
    assert [message.role for message in messages] == ["user", "assistant"] and messages[1].content.startswith("You")


def cancelled_after(world: World, seconds: float) -> tuple[Any, Live, str]:
    gate = unique("h").split()[1]
    live = Live(world, [{"role": "user", "content": f"[hold {gate}] slowly"}])
    thread_id = live.until("response.created")["thread_id"]
    live.until("response.content_delta")
    time.sleep(seconds)
    try:
        answer = world.strictly(world.client.responses.cancel_stream(thread_id))
    finally:
        world.model.release(gate)
    assert answer.success is True
    return answer, live, thread_id


@check("responses.cancel refused")
def cancel_refused(world: World) -> None:
    call = world.client.responses.cancel_stream
    idle = world.ask("Hello")["thread_id"]
    refused(404, "RESOURCE_NOT_FOUND", lambda: call(idle))
    refused(404, "THREAD_NOT_FOUND", lambda: call(f"thread_{'0' * 32}"))


@check("responses.output_modes")
def output_modes(world: World) -> None:
    answer = world.strictly(world.client.responses.get_output_modes())
    assert answer.success is True and {each.mode for each in answer.output_modes} == {"text", "plain", "structured"}
    assert [each.mode for each in answer.output_modes if each.is_default] == ["text"]
    assert all(each.description for each in answer.output_modes)


@check("responses.reasoning_levels")
def reasoning_levels(world: World) -> None:
    answer = world.strictly(world.client.responses.get_reasoning_levels())
    levels = [each.level for each in answer.reasoning_levels]
    assert answer.success is True and levels == ["off", "low", "medium", "high", "maximum"]
    assert sum(each.is_default for each in answer.reasoning_levels) == 1
