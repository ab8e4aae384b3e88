"""All connections of clients, and how long each may take over what it does now.

aiohttp's server has no time limit for a header or a reader, and no cap. So a protocol of ours stands before each of
aiohttp's: it passes everything on, knows the stage that the connection is in, and closes it when a stage takes too
long. When there are as many connections as may be, a new one takes the place of the one that has kept the collector
waiting longest; only where all are being answered it is refused.
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

# A header is awaited (some of it may be there), or nothing; a body is read; the answer is made and sent; or a WebSocket
# is open, which has heartbeats instead of limits.
Stage = Literal["header", "idle", "body", "answer", "live"]

_LOOK_S = 0.5  # between two looks at all connections
_GRACE_S = 1.0
_END_OF_HEADER = b"\r\n\r\n"

_LATE = f"the header was not complete after {HEADER_LIMIT_S:g} s, the limit HEADER_LIMIT_S"
_FULL = "all {} connections are in use, the limit is MAX_CONNECTIONS or the number of open files (retry later)"


class Connection(asyncio.Protocol):
    """One connection. ``inner`` is aiohttp's protocol."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._is_passed_on = False
        self._last = b""  # bytes of the header that is awaited
        self.has_data = False  # of it
        self.looks_whole = False  # the header; only aiohttp knows
        self._unsent: int | None = None  # bytes; None: the client reads as fast as we write
        self._unsent_since_s = 0.0
        self.transport: asyncio.Transport | None = None
        self.stage: Stage = "header"
        self.since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.enter("header")
        if self._connections.admit(self):
            self._is_passed_on = True
            self._inner.connection_made(transport)
        else:
            self.refuse(503, _FULL.format(self._connections.most))

    def data_received(self, data: bytes) -> None:
        if self.stage == "idle":
            self.enter("header")
        if self.stage == "header":
            self.has_data = True
            self._last += data
            self.looks_whole = self.looks_whole or _END_OF_HEADER in self._last
            self._last = self._last[1 - len(_END_OF_HEADER) :]
        if self._is_passed_on:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._is_passed_on else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self)
        if self._is_passed_on:
            self._inner.connection_lost(exc)
        self.transport = None

    def pause_writing(self) -> None:
        if self.transport is not None:
            self._unsent, self._unsent_since_s = self.transport.get_write_buffer_size(), self._connections.now_s
        if self._is_passed_on:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._unsent = None
        if self._is_passed_on:
            self._inner.resume_writing()

    def enter(self, stage: Stage) -> None:
        """From now on it is in this stage."""
        self.stage, self.since_s = stage, self._connections.now_s
        self._last, self.has_data, self.looks_whole = b"", False, False

    def judge(self, now_s: float) -> str | None:
        """Close it if its stage takes too long; answer what to log."""
        took_s = now_s - self.since_s
        if self.stage == "header" and took_s > HEADER_LIMIT_S:
            if not self.has_data:  # a browser's, made beforehand
                self.close()
                return None
            self.refuse(408, f"{_LATE} (send the header faster)")
            return f"a connection was closed: {_LATE}"
        if self.stage == "idle" and took_s > IDLE_LIMIT_S and not self.is_sending:
            self.close()  # nothing is wrong with it, so nothing is logged
        if self.stage != "live" and self._is_slow_reader(now_s):
            self.abort()
            return (
                f"a connection was closed: its client read less than {READER_BYTES} bytes of the answer in"
                f" {READER_LIMIT_S:g} s, the limit READER_LIMIT_S"
            )
        return None

    @property
    def is_sending(self) -> bool:
        """The end of an answer, which aiohttp writes when the application is done with the request."""
        return self.transport is not None and self.transport.get_write_buffer_size() > 0

    def _is_slow_reader(self, now_s: float) -> bool:
        if self._unsent is None or self.transport is None:
            return False
        unsent = self.transport.get_write_buffer_size()
        if unsent > self._unsent or self._unsent - unsent >= READER_BYTES:  # a new answer, or enough of this one
            self._unsent, self._unsent_since_s = unsent, now_s
        return now_s - self._unsent_since_s > READER_LIMIT_S

    def refuse(self, status: int, detail: str) -> None:
        """Answer without the application, and close."""
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
        """Close it without sending what waits, neither here nor in the kernel, where it may be megabytes."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None and sys.platform != "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


# In this order, for a good client's first bytes may still be on their way, and its answer may not be written yet.
_GIVE_WAY: tuple[Callable[[Connection, float], bool], ...] = (
    lambda each, _: each.stage == "header" and each.has_data and not each.looks_whole,
    lambda each, now_s: each.stage == "idle" and now_s - each.since_s > _GRACE_S and not each.is_sending,
    lambda each, now_s: each.stage == "header" and now_s - each.since_s > _GRACE_S and not each.has_data,
    lambda each, _: each.stage == "body",
    lambda each, _: each.stage == "idle" and not each.is_sending,
)


class Connections:
    """Those that are open, at most ``most`` of them."""

    def __init__(self, make_inner: Callable[[], asyncio.Protocol], complaints: Complaints) -> None:
        self.most = min(MAX_CONNECTIONS, max(_files() - RESERVED_FILES, 16))
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
        """For a new connection."""
        return Connection(self, self._make_inner())

    def admit(self, connection: Connection) -> bool:
        """Let it in, in another's place where there is no room; false: it is one too many."""
        if self.count >= self.most and not self.make_room():
            self._complaints.count("a connection was refused: all connections are in use")
            return False
        self._open.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(_LOOK_S, self._look)
        return True

    def make_room(self) -> bool:
        """Close the connection that has been waited for longest; false: none is waited for."""
        for is_waited_for in _GIVE_WAY:
            waiting = [each for each in self._open if is_waited_for(each, self.now_s)]
            if waiting:
                oldest = min(waiting, key=lambda each: each.since_s)
                self._open.discard(oldest)
                oldest.abort()
                self._complaints.count("a connection without a complete request was closed to make room for another")
                return True
        return False

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)

    def _look(self) -> None:
        now_s = self.now_s
        for connection in list(self._open):
            complaint = connection.judge(now_s)
            if complaint:
                self._complaints.count(complaint)
        self._timer = self._loop.call_later(_LOOK_S, self._look) if self._open else None

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def connection_of(request: web.BaseRequest) -> Connection | None:
    """The connection that a request came by; None where it is gone, or none of ours."""
    protocol = None if request.transport is None else request.transport.get_protocol()
    return protocol if isinstance(protocol, Connection) else None


@web.middleware
async def note_stages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request has come, whole but for its body; and is answered."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    connection.enter("answer")
    try:
        return await handler(request)
    finally:
        connection.enter("idle")


def _files() -> int:
    """How many files this process may have open."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS + RESERVED_FILES
    import resource  # noqa: PLC0415 -- POSIX only

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS + RESERVED_FILES if soft == resource.RLIM_INFINITY else soft
