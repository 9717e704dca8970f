"""Streams as the client sees them: its method hands over the whole text in an error, its transport the live frames."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any, Iterator, Optional

from aitronos.core.api_error import ApiError
from aitronos.core.http_sse import EventSource
from world import World

WAIT_SECONDS = 30


def streamed(world: World, **fields: Any) -> list[dict[str, Any]]:
    """The frames of `create_response(stream=True)`.

    The client has no reader for streams here: it waits for the end, finds that the text is not JSON and raises
    `ApiError` with status 200 and the text. So this is how a stream looks to a caller of the unmodified client."""
    try:
        result = world.client.responses.create_response(stream=True, **fields)
    except ApiError as error:
        if error.status_code != 200:
            raise
        assert (error.headers or {}).get("content-type", "").startswith("text/event-stream"), error.headers
        return frames_of(error.body)
    raise AssertionError(f"not a stream: {result!r}")


def frames_of(text: str) -> list[dict[str, Any]]:
    """Frames of a whole stream, each with its number under `#`. The last must be `[DONE]`, which is not returned."""
    assert text.endswith("\n\n"), "the last frame is not ended"
    blocks = text[:-2].split("\n\n")
    assert blocks.pop() == "data: [DONE]", "the last frame is not [DONE]"
    frames, before = [], -1
    for block in blocks:
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        assert set(lines) <= {"id", "data"}, f"lines {sorted(lines)}"
        frame = json.loads(lines["data"])
        assert isinstance(frame["event"], str), frame
        if frame["event"] == "response.heartbeat":
            assert "id" not in lines, "a heartbeat has no number"
            continue
        number = int(lines["id"])
        assert number > before, f"number {number} after {before}"
        before = number
        frames.append({**frame, "#": number})
    return frames


def well_told(frames: list[dict[str, Any]], ending: str = "response.completed") -> str:
    """Checks the order of the frames of a turn and returns the text that a reader has at the end."""
    names = [frame["event"] for frame in frames]
    assert names[:2] == ["response.processing", "response.created"], names
    assert frames[0]["#"] == 0 and not {"thread_id", "response_id"} & set(frames[0]), "processing names nothing"
    created = frames[1]
    assert created["status"] == "in_progress"
    assert {"thread_id", "response_id", "run_id", "user_message_id", "trace_id"} <= set(created), created
    assert names[-1] == ending and names.count(ending) == 1, names
    text = ""
    for frame in frames:
        if frame["event"] == "response.content_delta":
            text += frame["delta"]
        elif frame["event"] == "response.content_reset":
            text = ""
    return text


class Live:
    """A stream read in the background, over the client's own transport and its own reader of events."""

    def __init__(self, world: World, inputs: list[dict[str, Any]], **fields: Any) -> None:
        self.seen: list[dict[str, Any]] = []
        self._arrivals: queue.Queue[Optional[dict[str, Any]]] = queue.Queue()
        self._error: Optional[BaseException] = None
        body = {"inputs": inputs, "stream": True, **fields}
        transport = world.client_of(world.key)._client_wrapper.httpx_client
        self._thread = threading.Thread(target=self._read, args=(transport, body), daemon=True)
        self._thread.start()

    def _read(self, transport: Any, body: dict[str, Any]) -> None:
        try:
            with transport.stream("v1/model/response", method="POST", json=body) as response:
                assert response.status_code == 200, f"status {response.status_code}: {response.read()!r}"
                for event in EventSource(response).iter_sse():
                    self._arrivals.put({"event": "[DONE]"} if event.data == "[DONE]" else event.json())
        except BaseException as error:  # Told to whoever waits for the frames.
            self._error = error
        self._arrivals.put(None)

    def frames(self) -> Iterator[dict[str, Any]]:
        while True:
            frame = self._arrivals.get(timeout=WAIT_SECONDS)
            if frame is None:
                if self._error is not None:
                    raise self._error
                return
            self.seen.append(frame)
            yield frame

    def until(self, event: str) -> dict[str, Any]:
        """The next frame of this kind."""
        for frame in self.frames():
            if frame["event"] == event:
                return frame
        raise AssertionError(f"the stream ended without {event}: {[frame['event'] for frame in self.seen]}")
