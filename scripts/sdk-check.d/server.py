"""A Brevet server of our own: free port, throw-away data folder, a known key, the scripted model as its provider."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 180
STOP_SECONDS = 30
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    def __init__(self, root: Path, folder: Path, model_url: str) -> None:
        self.root = root
        self.folder = folder
        self.model_url = model_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = f"ak_{secrets.token_hex(16)}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and returns once it says that it is ready. Starting again takes the same port, data and key."""
        # Settings of the caller's own installation must not reach this one.
        foreign = ("BREVET_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "DATABASE_URL", "OTEL_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        environment.update(
            BREVET_HOST="127.0.0.1",
            BREVET_PORT=str(self.port),
            BREVET_DATA=str(self.folder / "data"),
            BREVET_BOOTSTRAP_API_KEY=self.key,
            OPENAI_API_KEY="scripted",
            OPENAI_BASE_URL=self.model_url,
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["node", "scripts/start.mjs"], cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with {self.process.returncode} before it was ready:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise SystemExit(f"the server was not ready after {START_SECONDS} s:\n{self.tail()}")
            time.sleep(0.2)

    def ready(self) -> bool:
        try:
            with DIRECT.open(f"{self.url}/v1/health/details", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def ask_to_stop(self) -> None:
        """The first half of `stop`: from here on the server drains."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.ask_to_stop()
        self.wait_stopped()

    def tail(self) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
