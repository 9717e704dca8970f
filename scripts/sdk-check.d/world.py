"""What a check needs: the client, what went over the wire, objects to work on, and the questions all checks ask."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Callable, Iterable, Optional, TypeVar

import httpx
from aitronos import Aitronos
from aitronos.core.api_error import ApiError
from aitronos.types.input_message import InputMessage
from aitronos.types.workflow_response import WorkflowResponse
from model import ScriptedModel
from pydantic import BaseModel
from server import Server

ONCE: Any = {"max_retries": 0}
"""Request options for calls that are meant to be refused: without them the client repeats a 409 twice."""

Result = TypeVar("Result")


class World:
    def __init__(self, url: str, key: str, server: Optional[Server], model: Optional[ScriptedModel]) -> None:
        self.url = url
        self.key = key
        self.server = server
        self.model = model
        self.answers: list[httpx.Response] = []
        """Every answer that `client` got, the repeated ones too."""
        self.client = self.client_of(key)
        self.afterwards: list[Callable[[], object]] = []
        self._organization_id: Optional[str] = None

    def client_of(self, key: str, url: Optional[str] = None) -> Aitronos:
        """The unmodified client. Its HTTP client is ours only to look on, and to go round proxies of the environment."""
        http = httpx.Client(
            timeout=60, follow_redirects=True, trust_env=False, event_hooks={"response": [self.answers.append]}
        )
        return Aitronos(api_key=key, base_url=url or self.url, httpx_client=http)

    @property
    def organization_id(self) -> str:
        if self._organization_id is None:
            self._organization_id = self.client.organizations.list_organizations().organizations[0].id
        return self._organization_id

    @property
    def last(self) -> httpx.Response:
        return self.answers[-1]

    def strictly(self, result: Result) -> Result:
        """The client reads kindly ("1" as 1). What it read must be what was sent, in the documented types."""
        if not isinstance(result, BaseModel):
            raise AssertionError(f"not a model of the client: {result!r}")
        unchanged(result, self.last.json(), "answer")
        return result

    def created(self, result: Result, location: bool = True) -> Result:
        """As `strictly`, for an answer that must be 201 and say where the object is."""
        assert self.last.status_code == 201, f"status {self.last.status_code}"
        assert not location or self.last.headers.get("location"), "no Location header"
        return self.strictly(result)

    def raw(self, method: str, path: str, json: Any = None, **options: Any) -> Any:
        """A call that the client has no method for, over the client's own transport. Errors are raised as it does."""
        answer = self.client._client_wrapper.httpx_client.request(path, method=method, json=json, **options)
        if not 200 <= answer.status_code < 300:
            raise ApiError(status_code=answer.status_code, headers=dict(answer.headers), body=answer.json())
        return answer.json() if answer.text else None

    def workflow(self, definition: Optional[dict[str, Any]] = None, **fields: Any) -> WorkflowResponse:
        fields.setdefault("name", unique("Workflow"))
        made = self.client.workflows.create_workflow(
            definition=one_node() if definition is None else definition, **fields
        )
        self.afterwards.append(lambda: self.client.workflows.delete_workflow(made.id))
        return made

    def promoted(self, definition: Optional[dict[str, Any]] = None, **fields: Any) -> tuple[WorkflowResponse, str]:
        """A workflow and the id of the assistant that it was promoted to."""
        workflow = self.workflow(definition, **fields)
        assistant_id = self.client.workflows.promote_workflow_to_assistant(workflow.id).assistant_id
        self.afterwards.append(lambda: self.client.assistants.delete_assistant(assistant_id))
        return workflow, assistant_id

    def assistant(self, **fields: Any) -> Any:
        fields.setdefault("name", unique("Assistant"))
        made = self.client.assistants.create_assistant(organization_id=self.organization_id, **fields)
        self.afterwards.append(lambda: self.client.assistants.delete_assistant(made.id))
        return made

    def thread(self, **fields: Any) -> Any:
        made = self.client.threads.create_thread(organization_id=self.organization_id, **fields)
        self.afterwards.append(lambda: self.client.threads.delete_thread(made.id))
        return made

    def ask(self, text: str, **fields: Any) -> Any:
        """One turn, answered as JSON."""
        answer = self.client.responses.create_response(inputs=[said(text)], **fields)
        self.afterwards.append(lambda: self.client.threads.delete_thread(answer["thread_id"]))
        return answer

    def messages(self, thread_id: str) -> list[Any]:
        """All messages of a thread, oldest first."""
        return self.client.messages.get_thread_messages(thread_id, limit=100, order="asc").data

    def clean(self) -> None:
        """Removes what was made, from a server that is not ours to throw away."""
        if self.server is not None:
            return
        for undo in reversed(self.afterwards):
            try:
                undo()
            except Exception:
                pass  # Most is gone already: the checks delete things too.


def unique(word: str) -> str:
    return f"{word} {secrets.token_hex(6)}"


def said(text: str, role: str = "user", **fields: Any) -> InputMessage:
    return InputMessage(role=role, content=text, **fields)


def refused(status: int, code: str, call: Callable[[], object], kind: type[ApiError] = ApiError) -> dict[str, Any]:
    """Calls, expects this refusal, and returns the envelope's error."""
    try:
        result = call()
    except ApiError as error:
        assert isinstance(error, kind), f"raised {type(error).__name__}, not {kind.__name__}"
        assert error.status_code == status, f"status {error.status_code}, not {status}: {error.body}"
        return enveloped(error, code)
    raise AssertionError(f"not refused: {result!r}")


def enveloped(error: ApiError, code: str) -> dict[str, Any]:
    """The documented error envelope, whole."""
    body = error.body
    assert isinstance(body, dict) and body.get("success") is False, f"no envelope: {body!r}"
    inner = body["error"]
    assert inner["code"] == code, f"code {inner['code']}, not {code}: {inner['message']}"
    for name in ("message", "system_message", "type", "trace_id", "timestamp"):
        assert isinstance(inner[name], str) and inner[name], f"error.{name} is {inner.get(name)!r}"
    assert inner["status"] == error.status_code
    assert inner["trace_id"].startswith("req_")
    assert (error.headers or {}).get("x-request-id") == inner["trace_id"]
    moment(inner["timestamp"])
    return inner


def moment(text: str) -> datetime:
    """A time on the wire: ISO 8601, UTC, with Z."""
    assert isinstance(text, str) and text.endswith("Z"), f"not an ISO 8601 time with Z: {text!r}"
    return datetime.fromisoformat(text[:-1] + "+00:00")


def unchanged(read: Any, sent: Any, path: str) -> None:
    """What the client read is what was sent: the same types (an integer may stand for a number), times as ISO 8601."""
    if isinstance(read, BaseModel):
        for name in read.model_fields_set:
            unchanged(getattr(read, name), sent[name], f"{path}.{name}")
    elif isinstance(read, datetime):
        assert moment(sent) == read, f"{path} is {sent!r}"
    elif isinstance(read, (list, dict)):
        assert type(sent) is type(read) and len(sent) == len(read), f"{path} is {sent!r}"
        for place in read if isinstance(read, dict) else range(len(read)):
            unchanged(read[place], sent[place], f"{path}.{place}")
    else:
        number = type(read) is float and type(sent) in (int, float)
        assert (number or type(sent) is type(read)) and sent == read, f"{path} is {sent!r}, read as {read!r}"


def identified(value: Any, prefix: str) -> str:
    """An id of ours: prefix, underscore, 32 lower-case hex digits."""
    head, _, tail = str(value).rpartition("_")
    assert head == prefix and len(tail) == 32 and set(tail) <= set("0123456789abcdef"), f"not an id of {prefix}: {value!r}"
    return value


def has(value: Any, names: Iterable[str]) -> None:
    """The answer carries these fields (null counts as there)."""
    held = set(value.model_fields_set | set(value.model_extra or {})) if isinstance(value, BaseModel) else set(value)
    missing = sorted(set(names) - held)
    assert not missing, f"missing: {', '.join(missing)}"


def language_node(node_id: str, **parameters: Any) -> dict[str, Any]:
    return {
        "id": node_id, "name": f"Writer {node_id}", "type": "FreddyLLM", "typeVersion": 1, "position": [220, 0],
        "parameters": {"model": "gpt-4o", "system_message": "Answer in one sentence.", "temperature": 0.2,
                       "max_tokens": 200, **parameters},
    }


def one_node(**parameters: Any) -> dict[str, Any]:
    """A chat trigger and one FreddyLLM node, `writer`."""
    writer = language_node("writer", **parameters)
    trigger = {"id": "chat", "name": "Chat", "type": "@n8n/n8n-nodes-langchain.chatTrigger", "typeVersion": 1.1,
               "position": [0, 0], "parameters": {}}
    link = {"node": writer["name"], "type": "main", "index": 0}
    return {"nodes": [trigger, writer], "connections": {"Chat": {"main": [[link]]}}}


def two_nodes() -> dict[str, Any]:
    """A chat trigger, then the FreddyLLM nodes `writer` and `second` in a row."""
    definition = one_node()
    second = language_node("second", system_message="Say it shorter.")
    definition["nodes"].append(second)
    definition["connections"]["Writer writer"] = {"main": [[{"node": second["name"], "type": "main", "index": 0}]]}
    return definition
