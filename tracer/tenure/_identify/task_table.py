"""What one recording knows of tasks and threads; ``tenure._identify.tasks`` fills it in."""

from __future__ import annotations

import asyncio
import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Literal, NamedTuple

from tenure._identify.exceptions import Canceller, Failure
from tenure._identify.sites import Place

AnyTask = asyncio.Task[object]
# Gets asyncio's running task. The id of another library's task that runs in this thread, inside that one or without it;
# None: there is none; 0: nothing of it is to be recorded. It never raises.
FindForeign = Callable[[AnyTask | None], int | None]


class Task:
    """What is known of one task or thread. The program's side fills it in, the shipping thread reads it."""

    __slots__ = (
        "canceller",
        "coroutine",
        "created_ns",
        "ended",
        "failure",
        "finished_ns",
        "id",
        "is_cancelled",
        "kind",
        "loop",
        "name",
        "origin",
        "parent",
        "reference",
        "thread",
    )

    def __init__(self, number: int, kind: Literal["task", "thread"], parent: int, created_ns: int | None) -> None:
        self.id = number
        self.kind: Literal["task", "thread"] = kind
        self.parent = parent  # id of the task that created it, 0 where unknown or none
        self.created_ns = created_ns
        self.name = ""  # "" until the first lifecycle, the first child or the end: until then the program may rename it
        self.coroutine = ""
        self.origin: Place | None = None  # see ``task_origins``
        self.reference: weakref.ref[object] | None = None  # to the task; None: a thread
        self.loop = 0  # number of its event loop in this process
        self.thread = ""  # name of the thread in which it was first seen
        self.finished_ns: int | None = None  # when it ended, or when it was found to be gone
        self.ended = False  # how it ended is known
        self.failure: Failure | None = None
        self.canceller: Canceller | None = None  # who asked last, however long ago; see ``tasks.canceller_of``
        self.is_cancelled: Callable[[], bool] | None = None  # whether that still stands, where the count does not say


def unknown_task(number: int) -> Task:
    """A task that ended before its lifecycle came to the ledger; a row must name one all the same."""
    return Task(number, "task", 0, None)


class Ended(NamedTuple):
    """The buffer's entry for a task's end; the task itself is the entry for its creation."""

    task: Task


class Adopted(NamedTuple):
    """The buffer's entry for a task that runs for another task or thread than its creator, from this instant on."""

    task: int
    maker: int
    instant_ns: int


class TaskTable:
    """Numbers tasks and threads from 1. No task is kept alive: they are known by address while they live."""

    def __init__(self) -> None:
        self.by_id: dict[int, Task] = {}  # the ledger takes out what is finished and shipped
        self.numbers = itertools.count(1)
        self.known: dict[int, tuple[Task, weakref.ref[object]]] = {}  # by address: created, or found
        self.creating: dict[int, tuple[int, int]] = {}  # by address of the coroutine: id of its maker, and when
        self.running: dict[int, int] = {}  # address to id: the tasks that have a name; the native probe has its own
        self.loops: dict[int, weakref.ref[asyncio.AbstractEventLoop]] = {}  # by thread: the loop last seen running
        self.foreign: FindForeign | None = None  # None: the program has imported no such library
        self.hosts: set[int] = set()  # addresses of asyncio's tasks in which another library's loop runs
        self.lanes: set[int] = set()  # ids that stand for no task: any task may release what is in them
        self.of_thread = threading.local()  # ``id`` of the running thread, and ``units``, by who holds them
        self.titles: dict[str, str] = {}  # by the coroutine's qualified name: what people call such tasks
        self.ordinals: dict[tuple[str, bool], int] = {}  # how many tasks have this title already
