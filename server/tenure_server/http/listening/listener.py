"""Accepts connections: a few in one turn of the event loop, none while the process has no descriptor for them.

When the process has no descriptor left, asyncio's own acceptor tries a hundred times in one turn, and logs a traceback
and schedules a new attempt for each. The log grows by megabytes a second, and the processor does nothing else.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from tenure_server.http.listening.complaints import Complaints
from tenure_server.http.listening.connections import Connections
from tenure_server.limits import ACCEPT_PAUSE_S, ACCEPTS_AT_ONCE, BACKLOG


class Listener:
    """The sockets that are listened on."""

    def __init__(self, connections: Connections, complaints: Complaints) -> None:
        self._connections = connections
        self._complaints = complaints
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._sockets: list[socket.socket] = []
        self._paused: dict[socket.socket, asyncio.TimerHandle] = {}
        self._connecting: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> int:
        """Begin to listen; answer the port.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._server = await self._loop.create_server(
            self._connections.protocol, host, port, backlog=BACKLOG, start_serving=False
        )
        bound = self._server.sockets
        real_port: int = bound[0].getsockname()[1]
        self._sockets = [listening.dup() for listening in bound]
        try:
            for listening in self._sockets:
                listening.setblocking(False)
                listening.listen(BACKLOG)
                self._loop.add_reader(listening, self._accept, listening)
        except NotImplementedError:  # the event loop of Windows
            await self._server.start_serving()
        return real_port

    def close(self) -> None:
        """Stop listening; accepted connections stay open."""
        for timer in self._paused.values():
            timer.cancel()
        self._paused.clear()
        for listening in self._sockets:
            with suppress(NotImplementedError):  # as above: there is no reader to remove
                self._loop.remove_reader(listening)
            listening.close()
        self._sockets.clear()
        if self._server is not None:
            self._server.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                accepted = accept(listening)
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._complaints.count(f"connections cannot be accepted: {error.strerror or error}")
                self._connections.make_room()
                self._pause(listening)
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._connect(accepted))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _connect(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connections.protocol, accepted)
        except OSError:  # the client has closed it
            accepted.close()

    def _pause(self, listening: socket.socket) -> None:
        self._loop.remove_reader(listening)
        self._paused[listening] = self._loop.call_later(ACCEPT_PAUSE_S, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        del self._paused[listening]
        self._loop.add_reader(listening, self._accept, listening)


def accept(listening: socket.socket) -> socket.socket:
    accepted, _ = listening.accept()
    return accepted
