"""trio: its tasks, whose parent is the task of their nursery; and its nurseries, locks and limiters by statement.

Four private functions of trio's runner show its tasks: one makes a task, one ends it, one begins a run, one ends the
run. If a version of trio has others, nothing is recorded in threads where trio runs, and one line on stderr says so.

trio's own methods are not patched: its protection from KeyboardInterrupt depends on their code. Those of Condition are:
their caller holds the lock before and after, so that an interrupt in between changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import cast

from tenure._core import faults
from tenure._core.object_access import ByIdentity, attribute, exact
from tenure._core.stderr import say
from tenure._identify import libraries, resources, task_origins, tasks, tracer
from tenure._identify.resources import Description
from tenure._identify.task_table import AnyTask, FindForeign, Task
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import after_init, condition_waits, databases

_TASKS = "noting a task of trio"  # said where it fails


def install(trio: ModuleType) -> None:
    """Patch the runner; what it must have is read first."""
    libraries.know("trio")
    table = tracer.current.tasks
    table.foreign = _refusing(trio)
    run = trio._core._run  # noqa: SLF001  # there is no public name
    runner, context, setup_runner = run.Runner, run.GLOBAL_RUN_CONTEXT, run.setup_runner
    spawn, task_exited, close = runner.spawn_impl, runner.task_exited, runner.close
    class_patches.replace(runner, "spawn_impl", immediate.method(spawn, _TASKS, before=_spawning, after=_spawned))
    class_patches.replace(runner, "task_exited", immediate.method(task_exited, _TASKS, before=_exited))
    class_patches.replace(runner, "close", immediate.method(close, _TASKS, before=_closing))
    class_patches.replace(run, "setup_runner", immediate.function(setup_runner, _TASKS, after=_begun))
    table.foreign = _finding(context)
    _describe(trio, run)


class _Hosts:
    """The asyncio tasks in which a runner was started."""

    def __init__(self) -> None:
        self.by_runner: dict[int, int] = {}  # addresses


def _finding(context: object) -> FindForeign:
    def find(asyncios: AnyTask | None) -> int | None:
        task = getattr(context, "task", None)  # of this thread, while trio runs a step of it
        table = tracer.current.tasks
        if task is None or (asyncios is not None and id(asyncios) not in table.hosts):
            return None  # asyncio's loop runs in trio's task
        try:
            entry = _entry_of(task)
            if not entry.name:
                tasks.known(task)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault(_TASKS, error)
            return 0
        return entry.id

    return find


def _refusing(trio: ModuleType) -> FindForeign:
    """Record nothing in threads where trio runs."""
    version = exact(attribute(trio, "__version__"), "of an unknown version")
    said: list[bool] = []

    def refuse(asyncios: AnyTask | None) -> int | None:
        if asyncios is not None or not _runs_here(trio):
            return None
        if not said:
            said.append(True)
            say(f"not recorded: trio {version} (this version of Tenure does not know how it keeps its tasks)")
        return 0

    return refuse


def _runs_here(trio: ModuleType) -> bool:
    """Whether trio runs in this thread, by its public function; True where that is not there either."""
    try:
        trio.lowlevel.current_trio_token()
    except RuntimeError:
        return False
    except Exception:  # noqa: BLE001  # then nothing is recorded outside asyncio's tasks
        return True
    return True


def _entry_of(task: object) -> Task:
    known = tracer.current.tasks.known.get(id(task))
    if known is not None:
        return known[0]
    return tasks.add_foreign(task, attribute(task, "coro"), _parent_of(task), None)


def _parent_of(task: object) -> int:
    """The id of the task whose nursery this task is in; 0 for the main task and trio's own ones."""
    nursery = attribute(task, "_parent_nursery")
    parent = None if nursery is None else attribute(nursery, "_parent_task")
    if parent is None or attribute(parent, "_parent_nursery") is None:
        return 0
    entry = _entry_of(parent)
    if not entry.name:
        tasks.known(parent)
    return entry.id


def _spawning(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> tuple[str, int]:
    """The name that the program gives the task, and the time."""
    name = arguments[3] if len(arguments) > 3 else named.get("name")
    return exact(name), tracer.current.clock()


def _spawned(state: tuple[str, int], task: object) -> None:
    name, created_ns = state
    if id(task) not in tracer.current.tasks.known:
        tasks.add_foreign(task, attribute(task, "coro"), _parent_of(task), created_ns, name)
    task_origins.note(task, attribute(task, "coro"), sys._getframe(1))  # noqa: SLF001  # no other way to the caller


def _exited(_: object, arguments: tuple[object, ...], __: dict[str, object]) -> None:
    task, outcome = arguments
    tasks.finished(task, cast("BaseException | None", attribute(outcome, "error")))


def _begun(_: object, runner: object, __: object) -> None:
    """Note the asyncio task that calls ``trio.run``: until that ends, what runs in it are trio's tasks."""
    host = tasks.running()
    if host is not None:
        tasks.hosts(host)
        tracer.current.of(_Hosts).by_runner[id(runner)] = id(host)


def _closing(runner: object, _: object, __: object) -> None:
    host = tracer.current.of(_Hosts).by_runner.pop(id(runner), None)
    tracer.current.tasks.hosts.discard(host or 0)


def _describe(trio: ModuleType, run: ModuleType) -> None:
    resources.register(run.NurseryManager, databases.one_use("trio.Nursery", "participant"))
    resources.register(trio.CancelScope, databases.one_use("trio.CancelScope", "participant"))
    for kind in (trio.Lock, trio.StrictFIFOLock):
        resources.register(kind, _lock)
    resources.register(trio.Condition, _condition)
    after_init.note(trio.Condition, _note_the_lock)
    condition_waits.patch(trio.Condition, ("notify", "notify_all"), _parked, _is_notified)
    resources.register(trio.Semaphore, _semaphore)
    resources.register(trio.CapacityLimiter, _limiter)


def _lock(lock: object, _: str) -> Description:
    return Description(f"trio.{type(lock).__name__}", lock, capacity=1, stereotype="control")


class _Conditions:
    """The conditions that were given a lock."""

    def __init__(self) -> None:
        self.given_a_lock: ByIdentity[bool] = ByIdentity()


def _note_the_lock(condition: object, lock: object = None) -> None:
    if lock is not None:
        tracer.current.of(_Conditions).given_a_lock.put(condition, True)


def _condition(condition: object, _: str) -> Description:
    lock = attribute(condition, "_lock")
    if lock is not None and condition in tracer.current.of(_Conditions).given_a_lock:
        return _lock(lock, "")._replace(lasting=True)
    return _lock(condition, "")


def _parked(condition: object) -> Iterable[object]:
    """The tasks that wait in a condition."""
    return attribute(attribute(condition, "_lot"), "_parked") or ()  # type: ignore[return-value]


def _is_notified(condition: object, task: object) -> bool:
    return task not in _parked(condition)


def _semaphore(semaphore: object, _: str) -> Description:
    values = (attribute(semaphore, name) for name in ("_max_value", "_value"))
    capacity = next((value for value in values if type(value) is int and value), None)
    return Description("trio.Semaphore", semaphore, capacity=capacity, stereotype="control")


def _limiter(limiter: object, _: str) -> Description:
    return Description("trio.CapacityLimiter", limiter, None, _tokens(limiter), "control", capacity_of=_tokens)


def _tokens(limiter: object) -> int | None:
    tokens = attribute(limiter, "_total_tokens")
    return tokens if type(tokens) is int else None
