"""A network that loses answers: passes every request on to the server, but hides the next answer behind a 503.

The server has then done what it was asked and the client does not know; what its repeat does is what the checks look at.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class LosingProxy:
    def __init__(self, target: str) -> None:
        self.lose = 0
        self.statuses: list[int] = []
        """What the server really answered, in order."""
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self, target))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def lose_next(self, count: int = 1) -> None:
        """Forgets what was seen, and hides the next `count` answers."""
        self.lose = count
        self.statuses = []

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


def handler_of(proxy: LosingProxy, target: str) -> type[BaseHTTPRequestHandler]:
    address = urlsplit(target)
    connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            headers["Content-Length"] = str(len(body))
            connection = connect(address.netloc, timeout=60)
            try:
                connection.request(self.command, f"{address.path}{self.path}", body, headers)
                answer = connection.getresponse()
                data = answer.read()
            finally:
                connection.close()
            proxy.statuses.append(answer.status)
            if proxy.lose > 0:
                proxy.lose -= 1
                return self.reply(503, [("content-type", "application/json")], b"{}")
            self.reply(answer.status, [pair for pair in answer.getheaders() if pair[0].lower() not in HOP_BY_HOP], data)

        def reply(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    return Handler
