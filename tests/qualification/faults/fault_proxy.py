"""A proxy between the program and the collector that forwards, answers, garbles or drops each request."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Answer(NamedTuple):
    """What the proxy answers itself; the collector does not get the request."""

    status: int
    headers: dict[str, str]
    body: bytes


FORWARD, LOSE, GARBLE, MUTE, RESET = "forward", "lose the answer", "garble the answer", "never answer", "hang up"
Behaviour = Callable[[int], Answer | str]  # of the request's number, from 0


def first_requests(count: int, behaviour: Answer | str) -> Behaviour:
    """Treat so many requests so, and forward the rest."""
    return lambda number: behaviour if number < count else FORWARD


class Proxy(http.server.ThreadingHTTPServer):
    """Takes requests for the collector; ``requests`` counts them."""

    daemon_threads = True

    def __init__(self, port: int, behaviour: Behaviour) -> None:
        self.port, self.behaviour = port, behaviour
        self.requests = 0
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where the program sends to."""
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for_requests(self, requests: int) -> None:
        """Wait until so many requests came."""
        deadline = time.monotonic() + 30
        while self.requests < requests:
            assert time.monotonic() < deadline, f"{self.requests} requests came"
            time.sleep(0.02)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks off is part of the scenario."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        number, self.server.requests = self.server.requests, self.server.requests + 1
        behaviour = self.server.behaviour(number)
        if behaviour == RESET:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if behaviour == MUTE:
            self.server.stopped.wait()
            self.close_connection = True
        elif isinstance(behaviour, Answer):
            self._answer(*behaviour)
        else:
            status, answer = self._forward(body)
            if behaviour == FORWARD:
                self._answer(status, {}, answer)
            else:
                self.close_connection = True
                if behaviour == GARBLE:
                    self.wfile.write(b"HTTP/1.1 2\xff0 \0\r\n" + answer)

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"]})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def in_front_of(port: int, behaviour: Behaviour) -> Iterator[Proxy]:
    """A proxy in front of the collector on this port."""
    with Proxy(port, behaviour) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()
