"""Who is running: asyncio tasks and, outside a task, threads, each under a sequence number of its own.

An adapter tells the things that cannot be seen from here:

    creating(coroutine), created(task, coroutine)   before and after a task is made, in the task or thread that makes it
    finished(task, error)                           when its coroutine ended; error: what it raised, None: it returned

A task of which nothing was told is found at its first lifecycle. No task is kept alive: what is stored is its address,
and a weak reference's callback removes that before the address can be used again.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import weakref
from collections.abc import Callable
from threading import get_ident
from time import perf_counter_ns
from typing import Literal, NamedTuple

from tenure._core import buffer, faults, object_access, probe_backend
from tenure._identify import task_names
from tenure._identify.exceptions import Canceller, Failure, failure_of

now = perf_counter_ns
AnyTask = asyncio.Task[object]
_ASYNCIOS = asyncio.Task


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
        "name",
        "parent",
    )

    def __init__(self, number: int, kind: Literal["task", "thread"], parent: int, created_ns: int | None) -> None:
        self.id = number
        self.kind: Literal["task", "thread"] = kind
        self.parent = parent  # id of the task that created it, 0 where unknown or none
        self.created_ns = created_ns
        self.name = ""  # "" until the first lifecycle, the first child or the end: until then the program may rename it
        self.coroutine = ""
        self.finished_ns: int | None = None  # when it ended, or when it was found to be gone
        self.ended = False  # how it ended is known
        self.failure: Failure | None = None
        self.canceller: Canceller | None = None  # who asked last, be it long ago; see ``canceller_of``
        self.is_cancelled: Callable[[], bool] | None = None  # whether that still stands, where the count does not say


class Ended(NamedTuple):
    """The entry in the buffer that tells of a task's end; the task itself is the one that tells of its creation."""

    task: Task


table: dict[int, Task] = {}  # by id; the ledger takes out what is finished and shipped

_numbers = itertools.count(1)
_known: dict[int, tuple[Task, weakref.ref[AnyTask]]] = {}  # by address: every task that was created or found
_creating: dict[int, tuple[int, int]] = {}  # by address of the coroutine: id of who makes a task of it, and when
_running: dict[int, int] = {}  # address to id: the tasks that have a name
_loops: dict[int, weakref.ref[asyncio.AbstractEventLoop]] = {}  # the loop that was last seen running in a thread
_here = threading.local()


if sys.version_info >= (3, 14):  # the interpreter keeps the current task with the thread: one cheap call

    def _current_id() -> int:
        try:
            return _running[id(asyncio.current_task())]
        except (KeyError, RuntimeError):
            pass
        try:
            return find()
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("finding who runs", error)
            return 0

else:
    _current_tasks: dict[asyncio.AbstractEventLoop, AnyTask] = getattr(asyncio.tasks, "_current_tasks", {})

    def _current_id() -> int:
        """``asyncio.current_task()`` asks the operating system for the process id at every call.

        The loop that runs in this thread is remembered instead, and believed only while it says itself that it runs in
        this thread.
        """
        ident = get_ident()
        try:
            loop = _loops[ident]()
            if loop._thread_id == ident:  # type: ignore[union-attr]  # noqa: SLF001
                return _running[id(_current_tasks[loop])]  # type: ignore[index]
        except (KeyError, AttributeError):
            pass
        try:
            return find()
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("finding who runs", error)
            return 0


# The id of the task that is running, or else of the thread.
current: Callable[[], int] = _current_id


def _remember(address: int, number: int, /) -> None:
    _running[address] = number


def _forget(address: int, /) -> None:
    _running.pop(address, None)


if probe_backend.SERVES:  # it keeps what _running keeps
    from tenure import _probe

    current, _remember, _forget = _probe.current, _probe.task_known, _probe.task_gone


def creating(coroutine: object) -> bool:
    """A task is going to be made from this coroutine now, by the running task or thread; False: that was told already.

    An eager task runs before it is made: where it is found meanwhile, it is known who makes it.
    """
    if id(coroutine) in _creating:
        return False
    _creating[id(coroutine)] = find() if running() is not None else 0, now()
    return True


def created(task: AnyTask | None, coroutine: object, named: object = None) -> None:
    """It was made, and may even be over: it no longer knows its coroutine. None: it was not.

    ``named``: the coroutine that it is named after, where that is another one.
    """
    parent, created_ns = _creating.pop(id(coroutine))
    if task is None:
        return
    known = _known.get(id(task))
    if known is None or known[0].created_ns is None:
        _create(task, coroutine if named is None else named, parent, created_ns)


def _create(task: AnyTask, coroutine: object, parent: int, created_ns: int) -> Task:
    known = _known.get(id(task))
    entry = known[0] if known is not None else _add(task, Task(next(_numbers), "task", parent, created_ns))
    entry.parent, entry.created_ns = parent, created_ns
    entry.coroutine = task_names.qualified(coroutine)
    buffer.put(entry)
    return entry


def finished(task: AnyTask, error: BaseException | None) -> None:
    """Note a task's end, in the task or in its done callback."""
    known = _known.get(id(task))
    if known is None:
        return
    entry = known[0]
    if not entry.name or task_names.given(task):
        _name(entry, task)
    entry.ended = True
    entry.failure = None if error is None else failure_of(error, canceller_of(task))
    entry.canceller = entry.is_cancelled = None
    entry.finished_ns = now()
    buffer.put(Ended(entry))


def known(task: AnyTask) -> Task | None:
    """What is known of a task, with the name that it has now; None: nothing."""
    entry = _known.get(id(task))
    if entry is None:
        return None
    if not entry[0].name:
        _name(entry[0], task)
    return entry[0]


def cancelled(task: AnyTask, canceller: Canceller, stands: Callable[[], bool] | None) -> None:
    """Note who cancels a task; ``stands``: whether that is so still, asked beside ``task.cancelling()``."""
    found = _known.get(id(task))
    if found is not None:
        found[0].canceller, found[0].is_cancelled = canceller, stands


def canceller_of(task: AnyTask | None) -> Canceller | None:
    """Who asked for the cancellation of this task that stands now; None where none does, or nobody knows."""
    found = None if task is None else _known.get(id(task))
    if task is None or found is None:
        return None
    entry = found[0]
    if entry.canceller is not None and not (
        _ASYNCIOS.cancelling(task) and (entry.is_cancelled is None or entry.is_cancelled())
    ):
        entry.canceller = entry.is_cancelled = None
    return entry.canceller


def forget_all() -> None:
    """Begin anew with number 1; for tests."""
    global _numbers  # noqa: PLW0603
    _numbers = itertools.count(1)
    table.clear()
    _known.clear()
    _creating.clear()
    _running.clear()
    if probe_backend.SERVES:
        _probe.forget_tasks()
    task_names.forget_all()
    _here.__dict__.clear()


def running() -> AnyTask | None:
    """The task that runs in this thread, None outside any."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def find() -> int:
    """The current task or thread by the slow way, registered where it is new."""
    try:
        task = running()
        if task is not None:
            return _registered(task)
    except Exception as error:  # noqa: BLE001  # it may be no task at all: a program can enter what it likes
        faults.fault("finding the running task", error)
    try:
        return _thread()
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding the running thread", error)
        return 0


def _registered(task: AnyTask) -> int:
    loop = asyncio.get_running_loop()
    if object_access.attribute(loop, "_thread_id") == get_ident():
        _loops[get_ident()] = weakref.ref(loop)
    known = _known.get(id(task))
    entry = known[0] if known is not None else _found(task)
    if not entry.name:
        _name(entry, task)
    _remember(id(task), entry.id)
    return entry.id


def _found(task: AnyTask) -> Task:
    """A task that nobody told of, or an eager one that is being made."""
    coroutine = task_names.coroutine_of(task)
    creation = _creating.get(id(coroutine)) if _creating else None
    if creation is None:
        return _add(task, Task(next(_numbers), "task", 0, None))
    return _create(task, coroutine, *creation)


def _add(task: AnyTask, entry: Task) -> Task:
    address = id(task)

    def gone(_: weakref.ref[AnyTask]) -> None:
        _known.pop(address, None)
        try:
            _forget(address)
            if entry.finished_ns is None:
                entry.finished_ns = now()
                if not entry.name:
                    table.pop(entry.id, None)
                else:
                    buffer.put(Ended(entry))
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("noting that a task is gone", error)

    _known[address] = entry, weakref.ref(task, gone)
    table[entry.id] = entry
    return entry


def _thread() -> int:
    try:
        return _here.id  # type: ignore[no-any-return]
    except AttributeError:
        entry = Task(next(_numbers), "thread", 0, None)
        entry.name = task_names.of_thread()
        table[entry.id] = entry
        _here.id = entry.id
        return entry.id


def _name(entry: Task, task: AnyTask) -> None:
    """Keep the name that the program gave; else make one from the coroutine: "main", "worker-3"."""
    entry.coroutine = entry.coroutine or task_names.qualified(task_names.coroutine_of(task))
    entry.name = task_names.given(task) or task_names.made(entry.coroutine, is_first=entry.parent == 0)
