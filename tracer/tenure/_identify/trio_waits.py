"""``await_chain.look`` for trio's tasks, which wait for no future.

A task of trio's counts how often it has waited. While it waits, it has a function by which it can be cancelled.
"""

from __future__ import annotations

import weakref
from collections.abc import Container
from typing import cast

from tenure._core import object_access
from tenure._identify import await_chain
from tenure._identify.await_chain import FUTURE, IS_REPORTED, SINCE, TASK, Event, Row


def look(rows: list[Row], now: int, shapes: Container[int]) -> list[Event]:
    """In place of a future, a row has the number of the wait; None: the task did not wait."""
    events: list[Event] = []
    for row in rows:
        task = cast("weakref.ref[object]", row[TASK])()
        wait = None if task is None else _wait_of(task)
        if wait is None or wait != row[FUTURE]:
            row[FUTURE], row[SINCE] = wait, now
            if row[IS_REPORTED]:
                row[IS_REPORTED] = False
                events.append((row,))
        elif not row[IS_REPORTED]:
            standing = await_chain.read(object_access.attribute(task, "coro"), None, row, shapes)
            if _wait_of(task) == wait:
                row[IS_REPORTED] = True
                events.append(standing)
    return events


def _wait_of(task: object) -> int | None:
    if object_access.attribute(task, "_abort_func") is None:
        return None
    number = object_access.attribute(task, "_schedule_points")
    return number if type(number) is int else None
