"""What a call opened encloses nothing, until a statement enters it; that is still one lifecycle, at the statement."""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from tenure._assembly.request_rename import Renamed
from tenure._core import buffer
from tenure._core.record_layout import ACQUIRE, RESOURCE, SITE, TASK, Listed, Record
from tenure._identify import tasks, tracer


class StatementEntry(NamedTuple):
    """The buffer's entry: the lifecycle as ``Renamed`` has it, with the site of the statement.

    ``encloses``: the task is the same, so that what it holds in the body is a child.
    """

    renamed: Renamed
    encloses: bool


class _Lifecycle(Protocol):
    record: Listed
    shipped: int | None

    def note(self, fact: Renamed, /) -> None: ...


_L = TypeVar("_L", bound=_Lifecycle)


def note(record: Record, site: str) -> None:
    """Let an open lifecycle that a call began be at this site from now on, because the running task enters it."""
    task = cast("int", record[TASK])
    renamed = Renamed(task, cast("int", record[ACQUIRE]), site, cast("int", record[RESOURCE]))
    buffer.put(StatementEntry(renamed, encloses=tasks.find() == task))


class HeldBeside(Generic[_L]):
    """The open lifecycles that a call began and no statement entered."""

    def __init__(self) -> None:
        self._by_task: dict[int, list[_L]] = {}
        self._sites = tracer.current.enclosing_nothing

    def __contains__(self, task: int) -> bool:
        return task in self._by_task

    def takes(self, lifecycle: _L) -> bool:
        """Whether this is one of them; it is kept then."""
        is_beside = lifecycle.record[SITE] in self._sites
        if is_beside:
            self._by_task.setdefault(cast("int", lifecycle.record[TASK]), []).append(lifecycle)
        return is_beside

    def enter(self, entry: StatementEntry, within: dict[int, list[_L]]) -> None:
        """Rename the lifecycle, and let it enclose what its task holds from now on."""
        renamed = entry.renamed
        beside = self._by_task.get(renamed.task, [])
        for lifecycle in beside:
            if lifecycle.record[ACQUIRE] == renamed.acquire_ns:
                lifecycle.note(renamed)
                if entry.encloses:
                    beside.remove(lifecycle)
                    within.setdefault(renamed.task, []).append(lifecycle)
                return

    def evict(self, task: int, closed: int) -> None:
        """Forget those of a task that were shipped in the phase ``closed``."""
        beside = [lifecycle for lifecycle in self._by_task.pop(task, ()) if lifecycle.shipped != closed]
        if beside:
            self._by_task[task] = beside
