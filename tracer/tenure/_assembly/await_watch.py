"""What unfinished tasks await: looks at them in turn, at most 1,000 a second, and says what changed.

A task is reported when two looks in a row found it waiting for the same future, and once more when it has moved since.
``since_ns`` is the first of these looks: later than the wait began by at most the time between two looks at one task,
0.1 s for up to 100 tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import NamedTuple, cast

from tenure._assembly import awaited_text
from tenure._assembly.awaited_text import Shape
from tenure._identify import await_chain, event_loops, tasks, tracer, trio_waits
from tenure._identify.await_chain import SINCE, TASK, Row, Standing
from tenure._identify.task_table import Task, TaskTable

LOOK_INTERVAL_NS = 100_000_000
TASKS_A_LOOK = 100
_MAX_SHAPES = 4_096
_ASKED_FOR_LOOPS = 5  # of the newest tasks in each round: their loops are known from then on
_ENTRY = SINCE + 1  # place in a row: what is known of the task


class TaskAwait(NamedTuple):
    """What a task awaits; ``awaited`` "": it has gone on."""

    task: Task
    since_ns: int
    awaited: str
    site: str = ""  # key of the innermost line of the program's own, else of the one that made the task
    resource: int = 0


class AwaitWatch:
    """Looks from the shipping thread."""

    def __init__(self, is_own: Callable[[CodeType], bool]) -> None:
        self._is_own = is_own
        self._shapes: dict[int, Shape] = {}
        self._table: TaskTable | None = None
        self._rows: dict[int, Row] = {}  # by task
        self._turn: list[Row] = []  # whose turn is still to come
        self._looked_ns = -LOOK_INTERVAL_NS

    def look(self, now_ns: int) -> list[TaskAwait]:
        """What has changed for the tasks whose turn it is; nothing where the last look is less than 0.1 s ago."""
        if now_ns - self._looked_ns < LOOK_INTERVAL_NS:
            return []
        self._looked_ns = now_ns
        if not self._turn:
            self._begin_round(now_ns)
        rows = self._turn[-TASKS_A_LOOK:]
        del self._turn[-TASKS_A_LOOK:]
        if len(self._shapes) > _MAX_SHAPES:
            self._shapes.clear()
        if tracer.current.tasks.foreign is None:
            events = await_chain.looks(rows, now_ns, self._shapes)
        else:
            own = [row for row in rows if await_chain.is_asyncios(row)]
            others = [row for row in rows if not await_chain.is_asyncios(row)]
            events = await_chain.looks(own, now_ns, self._shapes) + trio_waits.look(others, now_ns, self._shapes)
        return [
            self._standing(event) if isinstance(event, Standing) else TaskAwait(_entry(event[0]), now_ns, "")
            for event in events
        ]

    def _begin_round(self, now_ns: int) -> None:
        table = tracer.current.tasks
        if table is not self._table:
            self._table, self._rows = table, {}
        before = self._rows
        self._rows = {
            entry.id: before.get(entry.id) or [reference, None, False, now_ns, entry]
            for entry, reference in list(table.known.values())
        }
        self._turn = list(self._rows.values())
        for row in self._turn[-_ASKED_FOR_LOOPS:]:
            event_loops.note_loop_of(cast("Callable[[], object]", row[TASK])())

    def _standing(self, standing: Standing) -> TaskAwait:
        entry = _entry(standing.row)
        if not entry.name and (task := cast("Callable[[], object]", standing.row[TASK])()) is not None:
            tasks.known(task)
        shape = self._shapes.get(standing.shape)
        if shape is None:
            levels = cast("tuple[await_chain.Level, ...]", standing.levels)
            shape = self._shapes[standing.shape] = awaited_text.shape_of(levels, self._is_own)
        resource = standing.resource if standing.resource_level > shape.own_level else 0
        since_ns = cast("int", standing.row[SINCE])
        site = shape.site or ("" if entry.origin is None else entry.origin.site())
        return TaskAwait(entry, since_ns, awaited_text.text_of(shape, standing), site, resource)


def _entry(row: Row) -> Task:
    return cast("Task", row[_ENTRY])
