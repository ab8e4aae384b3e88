"""All connections of clients, with a time limit for each stage of a connection.

aiohttp's server has no time limit for a header or a reader, and no maximum number of connections. So each of its
protocols has a ``Connection`` in front. It passes everything on, knows the stage of the connection, and closes it when
a stage takes too long. At the maximum number, a new connection replaces the one that has let the collector wait for
longest; it is refused only if all connections are being answered.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import Literal

import msgspec
from aiohttp import web

from tenure_server.http.listening.complaints import Complaints
from tenure_server.http.problems import CONTENT_TYPE, Handler, ProblemDocument
from tenure_server.http.response_headers import HEADERS, NOT_KEPT
from tenure_server.limits import (
    HEADER_LIMIT_S,
    IDLE_LIMIT_S,
    MAX_CONNECTIONS,
    READER_BYTES,
    READER_LIMIT_S,
    RESERVED_FILES,
)

# header: the next header is awaited, a part of it may be there; idle: between two requests; body: a body is read;
# answer: the answer is made and sent; live: a WebSocket is open, with heartbeats instead of time limits.
Stage = Literal["header", "idle", "body", "answer", "live"]

_CHECK_S = 0.5  # between two checks of all connections
_GRACE_S = 1.0
_END_OF_HEADER = b"\r\n\r\n"

_LATE = f"the header was not complete after {HEADER_LIMIT_S:g} s, the limit HEADER_LIMIT_S"
_FULL = "all {} connections are in use, the limit is MAX_CONNECTIONS or the number of open files (retry later)"


class Connection(asyncio.Protocol):
    """One connection. ``inner`` is aiohttp's protocol."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._is_admitted = False
        self._header_tail = b""  # the last bytes of the header so far
        self.has_data = False  # of the header
        self.has_header_end = False  # only aiohttp knows for certain that the header is complete
        self._unsent: int | None = None  # bytes; None: the client reads as fast as the collector writes
        self._unsent_since_s = 0.0
        self.transport: asyncio.Transport | None = None
        self.stage: Stage = "header"
        self.since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.enter("header")
        if self._connections.admit(self):
            self._is_admitted = True
            self._inner.connection_made(transport)
        else:
            self.refuse(503, _FULL.format(self._connections.maximum))

    def data_received(self, data: bytes) -> None:
        if self.stage == "idle":
            self.enter("header")
        if self.stage == "header":
            self.has_data = True
            self._header_tail += data
            self.has_header_end = self.has_header_end or _END_OF_HEADER in self._header_tail
            self._header_tail = self._header_tail[1 - len(_END_OF_HEADER) :]
        if self._is_admitted:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._is_admitted else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        if self._is_admitted:
            self._inner.connection_lost(exc)
        self.transport = None

    def pause_writing(self) -> None:
        if self.transport is not None:
            self._unsent, self._unsent_since_s = self.transport.get_write_buffer_size(), self._connections.now_s
        if self._is_admitted:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._unsent = None
        if self._is_admitted:
            self._inner.resume_writing()

    def enter(self, stage: Stage) -> None:
        """Begin a stage."""
        self.stage, self.since_s = stage, self._connections.now_s
        self._header_tail, self.has_data, self.has_header_end = b"", False, False

    def check_limits(self, now_s: float) -> str | None:
        """Close the connection if its stage takes too long; answer the text to log, None: nothing."""
        took_s = now_s - self.since_s
        if self.stage == "header" and took_s > HEADER_LIMIT_S:
            if not self.has_data:  # browsers open connections in advance
                self.close()
                return None
            self.refuse(408, f"{_LATE} (send the header faster)")
            return f"a connection was closed: {_LATE}"
        if self.stage == "idle" and took_s > IDLE_LIMIT_S and not self.is_sending:
            self.close()  # this is normal, so nothing is logged
        if self.stage != "live" and self._is_slow_reader(now_s):
            self.abort()
            return (
                f"a connection was closed: its client read less than {READER_BYTES} bytes of the answer in"
                f" {READER_LIMIT_S:g} s, the limit READER_LIMIT_S"
            )
        return None

    @property
    def is_sending(self) -> bool:
        """Whether a part of an answer is not sent yet: aiohttp writes its end after the application's work."""
        return self.transport is not None and self.transport.get_write_buffer_size() > 0

    @property
    def is_idle(self) -> bool:
        return self.stage == "idle" and not self.is_sending

    def _is_slow_reader(self, now_s: float) -> bool:
        if self._unsent is None or self.transport is None:
            return False
        unsent = self.transport.get_write_buffer_size()
        if unsent > self._unsent or self._unsent - unsent >= READER_BYTES:  # a new answer, or enough of this one
            self._unsent, self._unsent_since_s = unsent, now_s
        return now_s - self._unsent_since_s > READER_LIMIT_S

    def refuse(self, status: int, detail: str) -> None:
        """Answer without the application, then close."""
        if self.transport is not None and not self.transport.is_closing():
            phrase = {408: "Request Timeout", 503: "Service Unavailable"}[status]
            body = msgspec.json.encode(ProblemDocument("about:blank", phrase, status, detail))
            headers = {
                "Content-Type": CONTENT_TYPE,
                "Content-Length": str(len(body)),
                "Retry-After": "1",
                "Connection": "close",
                **HEADERS,
                **NOT_KEPT,
            }
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            self.transport.write(f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode() + body)
        self.close()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close without sending the rest, also what the kernel has buffered: it may be megabytes."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None and sys.platform != "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


# The connections that are closed first to make room. A good client may stand late in this order: its first bytes may
# still be on their way, or its answer is not written yet.
_CLOSED_FIRST: tuple[Callable[[Connection, float], bool], ...] = (
    lambda connection, _: connection.stage == "header" and connection.has_data and not connection.has_header_end,
    lambda connection, now_s: connection.is_idle and now_s - connection.since_s > _GRACE_S,
    lambda connection, now_s: (
        connection.stage == "header" and now_s - connection.since_s > _GRACE_S and not connection.has_data
    ),
    lambda connection, _: connection.stage == "body",
    lambda connection, _: connection.is_idle,
)


class Connections:
    """The open connections, at most ``maximum`` of them."""

    def __init__(self, make_inner: Callable[[], asyncio.Protocol], complaints: Complaints) -> None:
        self.maximum = min(MAX_CONNECTIONS, max(_max_open_files() - RESERVED_FILES, 16))
        self._make_inner = make_inner
        self._complaints = complaints
        self._open: set[Connection] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now_s(self) -> float:
        return self._loop.time()

    @property
    def count(self) -> int:
        return len(self._open)

    def protocol(self) -> Connection:
        """The protocol for a new connection."""
        return Connection(self, self._make_inner())

    def admit(self, connection: Connection) -> bool:
        """Add a connection, if necessary in place of another one. False: there is no room."""
        if self.count >= self.maximum and not self.make_room():
            self._complaints.count("a connection was refused: all connections are in use")
            return False
        self._open.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(_CHECK_S, self._check)
        return True

    def make_room(self) -> bool:
        """Close the connection that has let the collector wait for longest. False: there is none."""
        for is_candidate in _CLOSED_FIRST:
            candidates = [connection for connection in self._open if is_candidate(connection, self.now_s)]
            if candidates:
                oldest = min(candidates, key=lambda connection: connection.since_s)
                self._open.discard(oldest)
                oldest.abort()
                self._complaints.count("a connection without a complete request was closed to make room for another")
                return True
        return False

    def remove(self, connection: Connection) -> None:
        """The connection is closed."""
        self._open.discard(connection)

    def _check(self) -> None:
        now_s = self.now_s
        for connection in list(self._open):
            complaint = connection.check_limits(now_s)
            if complaint:
                self._complaints.count(complaint)
        self._timer = self._loop.call_later(_CHECK_S, self._check) if self._open else None

    def close(self) -> None:
        """Stop the checks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def connection_of(request: web.BaseRequest) -> Connection | None:
    """The connection of a request; None: it is lost, or another server's."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Connection) else None


@web.middleware
async def note_stages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Set the stages of the connection when a request's header is complete, and when it is answered."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    connection.enter("answer")
    try:
        return await handler(request)
    finally:
        connection.enter("idle")


def _max_open_files() -> int:
    if sys.platform == "win32":
        return MAX_CONNECTIONS + RESERVED_FILES
    import resource  # noqa: PLC0415 -- POSIX only

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS + RESERVED_FILES if soft == resource.RLIM_INFINITY else soft
