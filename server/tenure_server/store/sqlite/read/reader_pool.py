"""The connections that read. The writer can pause them: a read that is going on keeps SQLite from emptying the log."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_GRACE_S = 5.0  # for an interrupted read to end


class ReaderPool:
    """Lends each connection to one read at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: list[sqlite3.Connection] = []
        self._active: set[sqlite3.Connection] = set()
        self._opening = 0
        self._generation = 0  # counts the files: a connection to an earlier file is not used again
        self._paused = False
        self._changed = threading.Condition()

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for one read.

        Raises:
            sqlite3.Error: the file cannot be opened.
        """
        with self._changed:
            while self._paused:
                self._changed.wait()
            generation = self._generation
            connection = self._idle.pop() if self._idle else None
            if connection is None:
                self._opening += 1
            else:
                self._active.add(connection)
        if connection is None:
            connection = self._open()
        try:
            yield connection
        finally:
            with self._changed:
                self._active.discard(connection)
                if generation == self._generation:
                    self._idle.append(connection)
                else:
                    connection.close()
                self._changed.notify_all()

    def _open(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            connection = self._connect()
            return connection
        finally:
            with self._changed:
                self._opening -= 1
                if connection is not None:
                    self._active.add(connection)
                self._changed.notify_all()

    @contextmanager
    def paused(self, patience_s: float) -> Iterator[None]:
        """No read goes on within. A read that takes longer than ``patience_s`` is interrupted and fails."""
        with self._changed:
            self._paused = True
        try:
            self._wait(patience_s)
            with self._changed:
                for connection in self._active:
                    connection.interrupt()
            self._wait(_GRACE_S)
            yield
        finally:
            with self._changed:
                self._paused = False
                self._changed.notify_all()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while (self._active or self._opening) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def close_all(self) -> None:
        """Close every connection; one that is in use, when its read ends."""
        with self._changed:
            self._generation += 1
            while self._idle:
                self._idle.pop().close()
