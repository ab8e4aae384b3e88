"""Collectors that answer as a test says or not at all, and a sink in memory."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tenure import wire
from tenure._sinks.losses import Loss

PROCESS = wire.Process(bytes(16), "service", "host", 1, "3.11.0", 0)
ROW = wire.Row(1, 0, 0, 0, 0, 0, 0, 1, 1, 1, wire.OK)


def batch(sequence: int, rows: int = 1) -> wire.Batch:
    """A whole batch; its rows are closed."""
    return wire.Batch(
        version=wire.VERSION,
        process=PROCESS,
        sequence=sequence,
        clock_offset_ns=0,
        base_ns=0,
        sites=[wire.Site("app.py", 1, "main", "lock")],
        resources=[wire.Resource(1, "Lock", "lock", 1)],
        tasks=[wire.Task(1, "main", "main", "task", 0, 0, None, None)],
        traces=[wire.Trace(1)],
        exceptions=[],
        rows=[ROW] * rows,
    )


class Server(http.server.ThreadingHTTPServer):
    """A collector that gives these answers in turn; the last one is repeated."""

    daemon_threads = True

    def __init__(self, *answers: tuple[int, dict[str, str], bytes], port: int = 0, reads: int = wire.VERSION_2) -> None:
        self.reads = reads  # the latest version of batches
        self.versions: list[int] = []
        self.answers = list(answers) or [(200, {}, b"{}")]
        self.received: list[wire.Batch] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.connections = 0
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def finish_request(self, request: object, address: object) -> None:
        self.connections += 1
        super().finish_request(request, address)

    def accepted(self) -> list[int]:
        return [received.sequence for received in self.received]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, answer = self.server.answers[0]
        self.server.bodies.append(body)
        version = 2 if b"\xa7version\x02" in body[:16] else 1
        self.server.versions.append(version)
        if version > self.server.reads:
            detail = f"unsupported batch version: version {version}, this side reads version 1 - at `$.version`"
            status, headers, answer = 400, {}, json.dumps({"title": "Bad Request", "detail": detail}).encode()
        elif len(self.server.answers) > 1:
            self.server.answers.pop(0)
        self.server.times.append(time.monotonic())
        self.server.headers.append(dict(self.headers))
        if status == 200:
            assert self.path == "/v1/lifecycles"
            self.server.received.append(wire.decode(wire.encode(wire.decode(body))))  # as version 1, to compare
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(
    *answers: tuple[int, dict[str, str], bytes], port: int = 0, reads: int = wire.VERSION_2
) -> Iterator[Server]:
    with Server(*answers, port=port, reads=reads) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server that answers every connection with these bytes; with None it accepts and never answers."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                kept.append(connection)
                if answer is not None:
                    connection.recv(100_000)
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()
            for connection in kept:
                connection.close()


class Memory:
    """A sink that keeps what it gets."""

    wants_heartbeats = True

    def __init__(self) -> None:
        self.batches: list[wire.Batch] = []
        self.closed = False

    def send(self, batch: wire.Batch) -> None:
        self.batches.append(batch)

    def settle(self, seconds: float) -> bool:
        return True

    def lost(self) -> list[Loss]:
        return []

    def close(self, seconds: float) -> None:
        self.closed = True

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> "Memory":
        return self
