"""What tasks await and which loops stand still, until a batch takes it along."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tenure import wire
from tenure._core.process_scrubber import text
from tenure._identify import tracer

if TYPE_CHECKING:
    from tenure._assembly.await_watch import TaskAwait
    from tenure._assembly.stall_watch import LoopStall
    from tenure._assembly.tables import Tables
    from tenure._identify.task_table import Task

_AWAITS_A_BATCH = 5_000


class Observations:
    """What the next batch has beside its rows."""

    def __init__(self) -> None:
        self._awaits: dict[int, TaskAwait] = {}  # by task: the latest
        self._stalls: list[LoopStall] = []

    def __bool__(self) -> bool:
        return bool(self._awaits or self._stalls)

    def add(self, awaits: list[TaskAwait], stalls: list[LoopStall]) -> None:
        """Keep these for the next batch."""
        self._awaits.update((entry.task.id, entry) for entry in awaits)
        self._stalls += stalls

    def take(self, tables: Tables, place: Callable[[Task], int]) -> tuple[list[wire.Await], list[wire.Stall]]:
        """Take them for this batch; ``place`` gives the index of a task in its tables."""
        numbers = list(self._awaits)[:_AWAITS_A_BATCH]
        awaits = [
            _await(self._awaits[number], tables, place)
            for number in numbers
            if number in tracer.current.tasks.by_id and self._awaits[number].task.finished_ns is None
        ]
        for number in numbers:
            del self._awaits[number]
        stalls, self._stalls = self._stalls[: wire.MAX_STALLS], self._stalls[wire.MAX_STALLS :]
        return awaits, [_stall(stall, tables, place) for stall in stalls]


def _await(entry: TaskAwait, tables: Tables, place: Callable[[Task], int]) -> wire.Await:
    is_known = entry.resource in tracer.current.resource_ids.table
    return wire.Await(
        place(entry.task),
        entry.since_ns,
        text(entry.awaited),
        tables.site(entry.site) + 1 if entry.site else 0,
        tables.resource(entry.resource) + 1 if is_known else 0,
    )


def _stall(stall: LoopStall, tables: Tables, place: Callable[[Task], int]) -> wire.Stall:
    return wire.Stall(
        stall.loop,
        text(stall.thread),
        stall.begin_ns,
        stall.duration_ns,
        stall.is_over,
        0 if stall.task is None else place(stall.task) + 1,
        tables.site(stall.site) + 1 if stall.site else 0,
        [text(f"{call.code.co_qualname} ({call.code.co_filename}:{call.line})") for call in stall.calls],
    )
