"""A model that the checks can script by what they say to it: the OpenAI chat-completions wire, over real HTTP.

What the last message of the user contains decides the answer:
  `[markdown]`    a text with marks in it
  `[tool]`        a call of the first tool offered; after its result, a text with that result
  `[hold ID]`     the first word, then nothing until `release(ID)`
  `[busy N ID]`   429 for the first N calls that carry this ID
  anything else   `You said: …`
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

HOLD_SECONDS_MAX = 60
MARKDOWN = "# Title\n\nSome **bold** text and `code`."


class ScriptedModel:
    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.busy: Counter[str] = Counter()
        self.gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.http.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def release(self, name: str) -> None:
        self.gates[name].set()

    def asked_with(self, marker: str) -> list[dict[str, Any]]:
        """The requests whose last message of the user contains `marker`."""
        return [body for body in list(self.requests) if marker in last_user_text(body)]

    def stop(self) -> None:
        for gate in list(self.gates.values()):
            gate.set()
        self.http.shutdown()
        self.http.server_close()


def last_user_text(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])
    return ""


def handler_of(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.whole(200, {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "scripted"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
            model.requests.append(body)
            text = last_user_text(body)
            busy = re.search(r"\[busy (\d+) (\w+)\]", text)
            if busy is not None:
                model.busy[busy[2]] += 1
                if model.busy[busy[2]] <= int(busy[1]):
                    return self.whole(429, {"error": {"message": "Too many requests", "type": "requests", "code": None}})
            if body.get("stream"):
                return self.frames(body, text)
            message, reason = answer_to(body, text)
            choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
            self.whole(200, {**common("chat.completion"), "choices": [choice], "usage": USAGE})

        def whole(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def frames(self, body: dict[str, Any], text: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            self.close_connection = True
            message, reason = answer_to(body, text)
            hold = re.search(r"\[hold (\w+)\]", text)
            try:
                for place, delta in enumerate(deltas_of(message)):
                    if place == 1 and hold is not None:
                        model.gates[hold[1]].wait(HOLD_SECONDS_MAX)
                    self.frame({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
                self.frame({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
                self.frame({"choices": [], "usage": USAGE})
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                pass  # The server went away, as it does when a turn is cancelled.

        def frame(self, value: dict[str, Any]) -> None:
            data = json.dumps({**common("chat.completion.chunk"), **value})
            self.wfile.write(f"data: {data}\n\n".encode())
            self.wfile.flush()

    return Handler


USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def common(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1, "model": "gpt-4o"}


def answer_to(body: dict[str, Any], text: str) -> tuple[dict[str, Any], str]:
    if "[markdown]" in text:
        return {"content": MARKDOWN}, "stop"
    if "[tool]" in text and body.get("tools"):
        last = body["messages"][-1]
        if last.get("role") == "tool":
            return {"content": f"The tool said: {last.get('content')}"}, "stop"
        call = {"name": body["tools"][0]["function"]["name"], "arguments": json.dumps({"city": "Bern"})}
        return {"content": None, "tool_calls": [{"id": "call_scripted", "type": "function", "function": call}]}, "tool_calls"
    return {"content": f"You said: {text}"}, "stop"


def deltas_of(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if message.get("tool_calls"):
        yield {"role": "assistant", "tool_calls": [{"index": 0, **message["tool_calls"][0]}]}
        return
    for piece in re.findall(r"\S+\s*|\s+", message["content"]):
        yield {"role": "assistant", "content": piece}
