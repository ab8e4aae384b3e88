"""The bell wakes the shipping thread: when many entries wait, or at once when something is asked of it.

Where entries pile up all the same, the program's thread lets the shipping thread run until it has taken them, for 2 ms
at most. Nobody attends to the bell in the child of a fork until its own shipping thread begins.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from tenure._core import probe_backend

WAKE_ENTRIES = 20_000
HAND_OVER_ENTRIES = 30_000  # untaken; the thread that puts in the next one hands over, once for so many
HAND_OVER_S = 0.002
SLICE_S, MAX_SLICE_S = 0.025, 0.1

Clocks = tuple[tuple[int, int], ...]  # of threads: the clock of its processor time, and what it said last


class _Bell(Protocol):
    """``tenure._probe``, or ``PythonBell``."""

    def attend(self, is_attended: bool, /) -> None: ...
    def ring(self) -> None: ...
    def wait(self, seconds: float, slice_s: float, clocks: Clocks, /) -> tuple[int, int]: ...


class PythonBell:
    """The bell of the Python probe."""

    def __init__(self) -> None:
        self._attendant = 0
        self._bell, self._taken = threading.Event(), threading.Event()
        self._hand_over_at = HAND_OVER_ENTRIES
        self._is_handed_over = False

    def attend(self, is_attended: bool, /) -> None:
        """The calling thread is the shipping thread from now on, or no longer."""
        if not is_attended and self._attendant == threading.get_ident():
            self._attendant = 0
        if is_attended:
            was_rung, self._bell, self._taken = self._bell.is_set(), threading.Event(), threading.Event()
            self._is_handed_over = False
            if was_rung:
                self._bell.set()
            self._attendant = threading.get_ident()

    def ring(self) -> None:
        """Wake the shipping thread, or let its next wait end at once."""
        self._bell.set()

    def wait(self, seconds: float, slice_s: float, clocks: Clocks, /) -> tuple[int, int]:
        """See ``wait`` below."""
        bell, began_ns, quiet_ns = self._bell, time.monotonic_ns(), 0
        while True:
            due_ns = quiet_ns + round(slice_s * 1e9)
            is_rung = bell.wait(slice_s)
            if is_rung or any(_spent_ns(clock) != spent_ns for clock, spent_ns in clocks):
                break
            quiet_ns = time.monotonic_ns() - began_ns
            if quiet_ns >= min(seconds, MAX_SLICE_S) * 1e9:  # no stamp of the Python probe rings
                break
        if is_rung:
            bell.clear()
        return quiet_ns, due_ns

    def note_entries(self, count: int) -> None:
        """So many entries wait: hand over where nobody took the last ones."""
        if count < self._hand_over_at:
            return
        self._hand_over_at = count + HAND_OVER_ENTRIES
        if self._is_handed_over or self._attendant in (0, threading.get_ident()) or sys.is_finalizing():
            return
        self._is_handed_over = True
        try:
            self._taken.clear()
            self._bell.set()
            self._taken.wait(HAND_OVER_S)
        finally:
            self._is_handed_over = False

    def note_taken(self) -> None:
        """The entries were taken."""
        self._hand_over_at = HAND_OVER_ENTRIES
        if self._is_handed_over:
            self._taken.set()


def _spent_ns(clock: int) -> int:
    try:
        return time.clock_gettime_ns(clock)
    except OSError:  # the thread has ended
        return -1


class _NativeBell:
    """The bell in C."""

    def __init__(self) -> None:
        self.attend, self.ring, self.wait = _probe.bell_attend, _probe.bell_ring, _probe.bell_wait


python_bell = PythonBell()
_bell: _Bell = python_bell
if probe_backend.SERVES:
    from tenure import _probe

    _bell = _NativeBell()

ring = _bell.ring


@contextmanager
def attended() -> Iterator[None]:
    """The calling thread is the shipping thread. It gets new locks: a fork may have left the old ones as they were."""
    _bell.attend(True)
    try:
        yield
    finally:
        _bell.attend(False)


class Rest(NamedTuple):
    """How long to wait for the bell at most."""

    seconds: float
    slice_s: float  # how often to look at the clocks
    clocks: Clocks = ()


SHORT = Rest(SLICE_S, SLICE_S)


def wait(rest: Rest) -> tuple[int, int]:
    """Wait until the bell rings, a thread of these clocks computes, or the time is over.

    Returns two instants of time.perf_counter_ns(): until when no such thread computed, and when this thread asked to
    wake.
    """
    began_ns = time.perf_counter_ns()
    quiet_ns, due_ns = _bell.wait(*rest)
    return began_ns + quiet_ns, began_ns + due_ns
