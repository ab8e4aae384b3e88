"""``await barrier.wait()`` of asyncio: who waits for the others, and who came last.

Such a wait is a lifecycle of a resource of its own, from the call until the last one arrives, which releases it. Nobody
holds anything meanwhile. ``async with barrier`` is a lifecycle of the barrier, acquired when all have arrived.
"""

from __future__ import annotations

import sys
from types import ModuleType

from tenure import _probe_api as probe
from tenure._core.object_access import ByIdentity, attribute
from tenure._identify import resources, sites, tasks, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import condition_waits
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

_WAITING = "waiting at a barrier"  # said where it fails


class _Manager:
    """What is waited for, in the place of a manager."""

    __slots__ = ("barrier",)

    def __init__(self, barrier: object) -> None:
        self.barrier = barrier


class _Arrivals:
    """The calls of ``wait()`` that have not returned, and those of them that the barrier counts."""

    def __init__(self) -> None:
        self.by_task: dict[int, probe.Record] = {}
        self.by_barrier: ByIdentity[dict[int, probe.Record]] = ByIdentity()  # by task


def install(asyncio: ModuleType) -> None:
    """Patch the barrier: ``_wait`` counts who waits, ``_release`` is called by who came last."""
    kind = asyncio.Barrier
    resources.register(_Manager, _describe)
    tracer.current.of(AcquiringTasks).codes.add(kind.wait.__code__)
    for name, wrapper in (
        ("wait", awaited.acquire(kind.wait, _WAITING, before=_begin, after=_end, failed=_failed)),
        ("_wait", awaited.method(kind._wait, _WAITING, before=_arrive)),  # noqa: SLF001  # no public name shows it
        ("_release", awaited.method(kind._release, _WAITING, before=_of, after=_all_arrived)),  # noqa: SLF001
    ):
        class_patches.replace(kind, name, wrapper)


def _describe(manager: object, expression: str) -> Description:
    barrier = attribute(manager, "barrier")
    kind = f"{kind_name(type(barrier))}.wait"
    name = sites.owner_name(expression, "wait")
    return Description(kind, barrier, name, stereotype="control", enter="wait", exit="wait")


def _begin(barrier: object, _: tuple[object, ...], __: dict[str, object]) -> probe.Record | None:
    frame = sys._getframe(1).f_back  # noqa: SLF001  # no other way to the caller
    task, site = condition_waits.caller_of_wait(frame, ())
    tracer.current.of(AcquiringTasks).made_by.pop(tasks.running())  # what its condition does is asyncio's own affair
    record = probe.enter(_Manager(barrier), site, task=task) if site else None
    if record is not None:
        tracer.current.of(_Arrivals).by_task[tasks.current()] = record
    return record


def _arrive(barrier: object, _: object, __: object) -> None:
    arrivals = tracer.current.of(_Arrivals)
    record = arrivals.by_task.get(tasks.current())
    if record is None:
        return
    waiting = arrivals.by_barrier.get(barrier)
    if waiting is None:
        arrivals.by_barrier.put(barrier, waiting := {})
    waiting[tasks.current()] = record


def _of(barrier: object, _: object, __: object) -> object:
    return barrier


def _all_arrived(barrier: object, _: object, __: object = None) -> None:
    arrivals = tracer.current.of(_Arrivals)
    waiting = arrivals.by_barrier.pop(barrier) or {}
    last = arrivals.by_task.get(tasks.current())
    for record in (*waiting.values(), *([last] if last is not None else ())):
        _release(record)


def _release(record: probe.Record) -> None:
    if not record[probe.RELEASED]:
        probe.acquired(record)
        probe.leaving(record, None)
        probe.released(record, None)


def _end(record: probe.Record, _: object, __: object) -> None:
    _release(record)
    _forget(record)


def _failed(record: probe.Record, error: BaseException) -> None:
    if not record[probe.RELEASED]:  # else all had arrived, and its task was cancelled afterwards
        probe.failed(record, error)
    _forget(record)


def _forget(record: probe.Record) -> None:
    arrivals, task = tracer.current.of(_Arrivals), tasks.current()
    if arrivals.by_task.get(task) is record:
        del arrivals.by_task[task]
