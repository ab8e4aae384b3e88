"""What tasks hold, wait for and await, and event loops that stood still: plain data, as the API answers it."""

from __future__ import annotations

from typing import Literal

import msgspec

from tenure_server.model.records import Outcome, ResourceRef, Site, TaskRef


class TaskUse(msgspec.Struct, frozen=True):
    """A lifecycle that a task holds or waits for. ``since_ns`` is when the hold or the wait began."""

    lifecycle: str
    resource: ResourceRef
    site: Site
    since_ns: int


class TaskAwait(msgspec.Struct, frozen=True):
    """What a task awaits, such as "Queue.join", "sleep 3 s" or "task worker-3".

    ``since_ns`` is when it was first seen there. ``site`` is the innermost line of the program's own, null: there is
    none, the task is a library's. ``resource`` is what it waits for; null: no resource that is known.
    """

    awaited: str
    since_ns: int
    site: Site | None
    resource: ResourceRef | None


class TaskState(msgspec.Struct, frozen=True):
    """A task, or a thread outside of tasks, and what it does now; of a dead process, what it did last.

    ``open``: it is not finished, and its process is alive. ``parent`` is the task that created it. ``loop`` is the
    number of its event loop in its process, ``thread`` the name of the thread in which it began. ``holds`` and
    ``waits_for`` are its open lifecycles, oldest first. ``awaits`` is null while it runs, moves on all the time, or was
    not looked at yet. Null: not known, or none.
    """

    id: str
    process: str
    service: str
    name: str
    coroutine: str
    kind: Literal["task", "thread"]
    open: bool
    parent: TaskRef | None
    created_ns: int | None
    finished_ns: int | None
    outcome: Outcome | None
    loop: int | None
    thread: str | None
    holds: list[TaskUse]
    waits_for: list[TaskUse]
    awaits: TaskAwait | None


class Stall(msgspec.Struct, frozen=True):
    """An event loop that stood still: one callback ran for so long.

    ``loop`` is the number of the loop in its process, ``thread`` the name of its thread. ``duration_ns`` is how long it
    was seen to last, so far where it is not ``over``. ``task`` is the task that ran, null: a plain callback. ``site``
    is the innermost line of the program's own, null: there is none. ``stack`` begins with the innermost line.
    """

    process: str
    service: str
    loop: int
    thread: str
    begin_ns: int
    duration_ns: int
    over: bool
    task: TaskRef | None
    site: Site | None
    stack: list[str]
