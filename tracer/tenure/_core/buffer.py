"""The bounded buffer between the program and the shipping thread.

Its entries stand in the order of their events: a record (``tenure._core.record_layout``) at its acquire, alone or with
the OpenTelemetry context that it began in (``tenure._identify.otel_context``), and a task
(``tenure._identify.task_table``) at its creation and again at its end. The program puts in, the shipping thread drains.
A record that was drained while its lifecycle is open stays the same list, and every drain brings it up to date.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from tenure._core import bell, probe_backend
from tenure._core.faults import drop, dropped

LIMIT = 100_000  # entries; a record takes at most 400 bytes, and half a second is enough to ship them all


class _Entries(Protocol):
    """Holds the entries: ``tenure._probe``, or ``Pending``."""

    def put(self, entry: object, /) -> bool: ...
    def waiting(self) -> int: ...
    def drain(self) -> list[object]: ...
    def take_lost(self) -> int: ...
    def set_limit(self, limit: int, /) -> None: ...
    def clear(self) -> None: ...


class Pending:
    """The entries of the Python probe, whose records are the lists themselves."""

    def __init__(self) -> None:
        self.entries: deque[object] = deque()
        self.limit = LIMIT

    def put(self, entry: object, /) -> bool:
        if len(self.entries) >= self.limit:
            return False
        self.entries.append(entry)
        if len(self.entries) == bell.WAKE_ENTRIES:
            bell.ring()
        return True

    def waiting(self) -> int:
        return len(self.entries)

    def drain(self) -> list[object]:
        taken: list[object] = []
        with suppress(IndexError):  # another thread drains at the same time
            for _ in range(len(self.entries)):
                taken.append(self.entries.popleft())  # noqa: PERF401  # what was taken must not be lost
        bell.python_bell.note_taken()
        return taken

    def take_lost(self) -> int:
        return 0

    def set_limit(self, limit: int, /) -> None:
        self.limit = limit

    def clear(self) -> None:
        self.entries.clear()


pending = Pending()
_entries: _Entries = pending
if probe_backend.SERVES:
    from tenure import _probe

    _entries = _probe

put = _entries.put  # False where there is no room; a lifecycle that does not fit is counted by whoever drops it
waiting = _entries.waiting


def has_room() -> bool:
    """Whether one more entry fits in."""
    return waiting() < pending.limit


def set_limit(limit: int) -> None:
    """Let at most this many entries wait."""
    pending.set_limit(limit)
    _entries.set_limit(limit)


def drain() -> list[object]:
    """Take out everything that is in the buffer now, and bring the records taken out before up to date."""
    entries = _entries.drain()
    lost = _entries.take_lost()
    if lost:
        drop("buffer full", lost)
    return entries


late: Callable[[], list[object]] | None = None if probe_backend.SERVES else drain
"""Drains once more within one flush, with the Python probe; see ``tenure._assembly.late_entries``."""


def clear() -> None:
    """Throw away what is in the buffer, and the counts of losses: a recording begins, or a forked child goes on."""
    _entries.clear()
    dropped.clear()
