"""Who is running: asyncio tasks and, outside a task, threads, each under a sequence number of its own.

An adapter reports what cannot be seen from here:

    creating(coroutine), created(task, coroutine)   before and after a task is made, in the task or thread that makes it
    finished(task, error)                           when its coroutine ended; error: what it raised, None: it returned

A task that was not reported is found at its first lifecycle. No task is kept alive: its address is stored, and a weak
reference's callback removes that before the address can be used again.

Tasks of another library than asyncio are looked for where asyncio has none; its adapter adds them by ``add_foreign``.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable
from threading import get_ident

from tenure._core import buffer, faults, object_access, probe_backend
from tenure._identify import loops, task_names, tracer, units
from tenure._identify.exceptions import Canceller, failure_of
from tenure._identify.task_table import Adopted, AnyTask, Ended, Task

_ASYNCIOS = asyncio.Task

_FINDING = "finding the running task"  # said where it fails

# Of the current tracer's table, for ``current``: bound once at each begin.
_running = tracer.current.tasks.running
_loops = tracer.current.tasks.loops


def bind() -> None:
    """Read the current tracer's tables from now on."""
    global _running, _loops  # the hot path reads no attribute
    table = tracer.current.tasks
    _running, _loops = table.running, table.loops


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
    """Note that the running task or thread makes a task of this coroutine now; False: that is noted already.

    An eager task runs before it is made. Where it is found meanwhile, its maker is known.
    """
    table = tracer.current.tasks
    if id(coroutine) in table.creating:
        return False
    table.creating[id(coroutine)] = current() if running() is not None else 0, tracer.current.clock()
    return True


def created(task: AnyTask | None, coroutine: object, named: object = None) -> None:
    """Note the task that was made of this coroutine; None: making it failed. It may have ended already.

    ``named``: the coroutine that the task is named after, where that is another one.
    """
    table = tracer.current.tasks
    maker = table.creating.pop(id(coroutine), None)
    if task is None or maker is None:  # None: recording began meanwhile
        return
    parent, created_ns = maker
    known = table.known.get(id(task))
    if known is None or known[0].created_ns is None:
        _create(task, coroutine if named is None else named, parent, created_ns)


def _create(task: AnyTask, coroutine: object, parent: int, created_ns: int) -> Task:
    table = tracer.current.tasks
    known = table.known.get(id(task))
    entry = known[0] if known is not None else _add(task, Task(next(table.numbers), "task", parent, created_ns))
    entry.parent, entry.created_ns = parent, created_ns
    entry.coroutine = task_names.qualified(coroutine)
    buffer.put(entry)
    holders = None if parent else units.holders()
    if holders:
        buffer.put(Adopted(entry.id, holders[-1], created_ns))
    return entry


def begin_unit(holder: int = 0) -> None:
    """Note that a unit of work begins here: tasks that a thread creates from outside any task are part of it.

    ``holder``: the id under which it is entered, where that is not the thread's.
    """
    if running() is None:
        units.holders().append(holder or _thread())


def end_unit() -> None:
    """Note that a unit of work of this task or thread has ended."""
    if running() is None and units.holders():
        units.holders().pop()


def add_foreign(task: object, coroutine: object, parent: int, created_ns: int | None, name: str = "") -> Task:
    """Add a task of another library than asyncio.

    ``parent``: the id of its parent task, 0: none. ``created_ns`` None: it was found running. ``name`` "": one is made
    from the coroutine.
    """
    table = tracer.current.tasks
    entry = _add(task, Task(next(table.numbers), "task", parent, created_ns))
    entry.name, entry.coroutine = name, task_names.qualified(coroutine)
    if created_ns is not None:
        buffer.put(entry)
    return entry


def hosts(task: AnyTask) -> None:
    """Look for another library's task from now on where this task of asyncio's runs."""
    tracer.current.tasks.hosts.add(id(task))
    _forget(id(task))


def finished(task: object, error: BaseException | None) -> None:
    """Note a task's end, in the task or in its done callback."""
    known = tracer.current.tasks.known.get(id(task))
    if known is None:
        return
    entry = known[0]
    if not entry.name or task_names.set_by_program(task, entry.coroutine):
        _name(entry, task)
    entry.ended = True
    entry.failure = None if error is None else failure_of(error, _canceller_of(entry, task))
    entry.canceller = entry.is_cancelled = None
    entry.finished_ns = tracer.current.clock()
    buffer.put(Ended(entry))


def known(task: object) -> Task | None:
    """What is known of a task, with the name that it has now; None: nothing."""
    entry = tracer.current.tasks.known.get(id(task))
    if entry is None:
        return None
    if not entry[0].name:
        _name(entry[0], task)
    return entry[0]


def cancelled(task: AnyTask, canceller: Canceller, is_pending: Callable[[], bool] | None) -> None:
    """Note who cancels a task; ``is_pending``: whether that still stands, asked beside ``task.cancelling()``."""
    known = tracer.current.tasks.known.get(id(task))
    if known is not None:
        known[0].canceller, known[0].is_cancelled = canceller, is_pending


def canceller_of(task: AnyTask | None) -> Canceller | None:
    """Who requested the cancellation of this task that is pending; None where none is, or it is not known."""
    known = None if task is None else tracer.current.tasks.known.get(id(task))
    return None if known is None else _canceller_of(known[0], task)


def last_canceller(task: AnyTask | None) -> Canceller | None:
    """Who requested the task's last cancellation, also when it has been answered; None where it is not known."""
    known = None if task is None else tracer.current.tasks.known.get(id(task))
    return None if known is None else known[0].canceller


def _canceller_of(entry: Task, task: object) -> Canceller | None:
    if entry.canceller is not None and not (
        task_names.is_task(task) and _ASYNCIOS.cancelling(task) and (entry.is_cancelled is None or entry.is_cancelled())
    ):
        entry.canceller = entry.is_cancelled = None
    return entry.canceller


def running() -> AnyTask | None:
    """The task that runs in this thread, None outside any."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def find() -> int:
    """The id of the current task or thread, found without the caches; registered where it is new."""
    try:
        task, foreign = running(), tracer.current.tasks.foreign
        number = foreign(task) if foreign is not None else None
        if number is not None:
            return number
        if task is not None and task_names.coroutine_of(task) is None:
            stand_in = TypeError(f"{object_access.type_name(type(task))} stands for several tasks")
            faults.fault(_FINDING, stand_in, "what runs in it is not recorded")
            return 0
        if task is not None:
            return _registered(task)
    except Exception as error:  # noqa: BLE001  # it may be no task at all: a program can enter what it likes
        faults.fault(_FINDING, error)
    try:
        return _thread()
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding the running thread", error)
        return 0


def _registered(task: AnyTask) -> int:
    loop = asyncio.get_running_loop()
    if object_access.attribute(loop, "_thread_id") == get_ident():
        tracer.current.tasks.loops[get_ident()] = weakref.ref(loop)
    known = tracer.current.tasks.known.get(id(task))
    entry = known[0] if known is not None else _add_unseen(task)
    if not entry.name:
        _name(entry, task)
    if id(task) not in tracer.current.tasks.hosts:
        _remember(id(task), entry.id)
    return entry.id


def _add_unseen(task: AnyTask) -> Task:
    """Add a task that was not reported, or an eager one that is being made."""
    coroutine = task_names.coroutine_of(task)
    table = tracer.current.tasks
    creation = table.creating.get(id(coroutine)) if table.creating else None
    if creation is None:
        return _add(task, Task(next(table.numbers), "task", 0, None))
    return _create(task, coroutine, *creation)


def _add(task: object, entry: Task) -> Task:
    address, table = id(task), tracer.current.tasks

    def gone(_: weakref.ref[object]) -> None:
        table.known.pop(address, None)
        try:
            if table is not tracer.current.tasks:
                return  # its number is another task's in the recording that has begun since
            _forget(address)
            if entry.finished_ns is None:
                entry.finished_ns = tracer.current.clock()
                if not entry.name:
                    table.by_id.pop(entry.id, None)
                else:
                    buffer.put(Ended(entry))
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("noting that a task is gone", error)

    entry.reference = weakref.ref(task, gone)
    table.known[address] = entry, entry.reference
    table.by_id[entry.id] = entry
    return entry


def _thread() -> int:
    table = tracer.current.tasks
    try:
        return table.of_thread.id  # type: ignore[no-any-return]
    except AttributeError:
        entry = Task(next(table.numbers), "thread", 0, None)
        entry.name = entry.thread = task_names.of_thread()
        table.by_id[entry.id] = entry
        table.of_thread.id = entry.id
        return entry.id


def _name(entry: Task, task: object) -> None:
    """Keep the name that the program gave; else make one from the coroutine: "main", "worker-3"."""
    if not entry.thread:
        loops.note_home(entry, task)
    entry.coroutine = entry.coroutine or task_names.qualified(task_names.coroutine_of(task))
    entry.name = task_names.set_by_program(task, entry.coroutine) or task_names.from_coroutine(
        entry.coroutine, is_first=entry.parent == 0
    )
