"""What stands between the program and the collector and may be in a bad temper, one request after another."""

from __future__ import annotations

import http.client
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Answer(NamedTuple):
    """What is answered in the collector's place, which hears nothing of the request."""

    status: int
    headers: dict[str, str]
    body: bytes


FORWARD, LOSE, GARBLE, MUTE, RESET = "forward", "lose the answer", "garble the answer", "never answer", "hang up"
Temper = Callable[[int], Answer | str]  # of the request's number, from 0


def first(count: int, bad: Answer | str) -> Temper:
    """Bad to so many requests, and good from then on."""
    return lambda number: bad if number < count else FORWARD


class Way(http.server.ThreadingHTTPServer):
    """Takes requests for the collector; ``requests`` is how many came so far."""

    daemon_threads = True

    def __init__(self, port: int, temper: Temper) -> None:
        self.port, self.temper = port, temper
        self.requests = 0
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where the program sends to."""
        return f"http://127.0.0.1:{self.server_port}"

    def until(self, requests: int) -> None:
        """Wait until so many requests came."""
        deadline = time.monotonic() + 30
        while self.requests < requests:
            assert time.monotonic() < deadline, f"{self.requests} requests came"
            time.sleep(0.02)

    def handle_error(self, request: object, client_address: object) -> None:
        """The program went away, or this did; it is what is tried here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Way

    def do_POST(self) -> None:
        number, self.server.requests = self.server.requests, self.server.requests + 1
        temper = self.server.temper(number)
        if temper == RESET:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if temper == MUTE:
            self.server.over.wait()
            self.close_connection = True
        elif isinstance(temper, Answer):
            self._answer(*temper)
        else:
            status, answer = self._forward(body)
            if temper == FORWARD:
                self._answer(status, {}, answer)
            else:
                self.close_connection = True
                if temper == GARBLE:
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
def before(port: int, temper: Temper) -> Iterator[Way]:
    """Such a one before the collector on this port."""
    with Way(port, temper) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
