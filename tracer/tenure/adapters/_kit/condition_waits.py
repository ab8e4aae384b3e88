"""``condition.wait()``: who waits to be notified holds nothing.

The wait is a lifecycle of a resource of its own, from the call to the notification; who notified is who releases it.
The lock around it is given up meanwhile (``tenure._assembly.split_holds``), and wanted again from the notification on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Container, Iterable
from types import CodeType, FrameType

from tenure import _probe_api as probe
from tenure._assembly.given_up import GivenUp, Wanted
from tenure._core import buffer, faults
from tenure._core.object_access import ByIdentity, attribute, type_name
from tenure._core.paths import ASYNCIO_DIR, code_file, is_own_frame
from tenure._identify import libraries, lookup, resources, sites, task_origins, tasks, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import Place, Site
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure.adapters._kit import held_tokens
from tenure.adapters._kit.pure_acquire_release import AcquiringTasks

Waiters = Callable[[object], Iterable[object]]  # what stands for each wait in a condition, in the order of the calls
IsNotified = Callable[[object, object], bool]  # of a condition, and of what stands for a wait in it

_LOCKS = code_file(asyncio.locks)
_WAITING, _NOTIFYING = "waiting for a condition", "notifying who waits for a condition"  # said where they fail


class _Wait:
    """One call of ``wait()``."""

    __slots__ = (
        "condition",
        "given_up",
        "handled",
        "held",
        "is_resumed",
        "record",
        "task",
        "waiter",
        "waits_for_lock",
    )

    def __init__(self, condition: object, record: probe.Record, given_up: GivenUp) -> None:
        self.condition: object = condition
        self.record = record
        self.given_up = given_up
        self.handled = id(sys.exception())  # the exception that the program handles around the call
        self.is_resumed = False  # it wants the lock again
        self.waits_for_lock = False  # then somebody had it
        self.task = tasks.current()
        self.held: tuple[probe.Record, object] | None = None  # the lock's record and token, where a call acquired it
        self.waiter: object = None  # what stands for it in the condition; None: not known yet


class _Waits:
    """The calls that have not returned."""

    def __init__(self) -> None:
        self.by_task: dict[int, _Wait] = {}
        self.by_condition: ByIdentity[list[_Wait]] = ByIdentity()  # those not resumed, in the order of the calls
        self.codes: dict[int, CodeType] = {}  # of the functions that wait, by address


class _Manager:
    """What is waited for, in the place of a manager."""

    __slots__ = ("condition",)

    def __init__(self, condition: object) -> None:
        self.condition = condition


def patch(kind: type, notify: Iterable[str], waiters: Waiters, is_notified: IsNotified) -> None:
    """Let a class of conditions report its waits; ``notify``: its methods that notify."""
    resources.register(_Manager, _describe)
    waits = tracer.current.of(_Waits)
    for name in ("wait", "wait_for"):
        code = getattr(getattr(kind, name, None), "__code__", None)
        if code is not None:
            waits.codes[id(code)] = code
            tracer.current.of(AcquiringTasks).codes.add(code)
    wait = awaited.acquire(kind.wait, _WAITING, before=_begin, after=_end, failed=_failed)  # type: ignore[attr-defined]
    class_patches.replace(kind, "wait", wait)
    for name in notify:
        wrapper = immediate.method(
            getattr(kind, name), _NOTIFYING, before=_notifying(waiters, is_notified), after=_notified(is_notified)
        )
        class_patches.replace(kind, name, wrapper)


def waiters(condition: object) -> Iterable[object]:
    """What asyncio and anyio keep for each wait."""
    return attribute(condition, "_waiters") or ()  # type: ignore[return-value]


def resumes(frame: FrameType) -> bool:
    """Whether this frame, which acquires a lock, is a ``wait()`` that takes back what it gave up; that is noted."""
    waits = tracer.current.of(_Waits)
    if id(frame.f_code) not in waits.codes:
        return False
    wait = waits.by_task.get(tasks.current())
    if wait is not None:
        _resume(wait)
    return True


def _describe(manager: object, expression: str) -> Description:
    condition = attribute(manager, "condition")
    kind = f"{type_name(type(condition))}.wait"
    name = sites.owner_name(expression, "wait wait_for")
    return Description(kind, condition, name, stereotype="control", enter="wait", exit="notify")


def _begin(condition: object, _: tuple[object, ...], __: dict[str, object]) -> _Wait | None:
    waits, frame = tracer.current.of(_Waits), sys._getframe(1).f_back  # noqa: SLF001  # no other way to the caller
    task, site = caller_of_wait(frame, tracer.current.of(_Waits).codes)
    record = probe.enter(_Manager(condition), site, task=task) if site else None
    if record is None:
        return None
    resource = lookup.resource_of(site, condition)[0]
    again = Site.of(site)._replace(via=f"{type_name(type(condition))}.acquire").key()
    is_anyones = attribute(attribute(condition, "_lock"), "_locked") is True  # asyncio asks for no owner
    given_up = GivenUp(record[probe.TASK], resource, again, record[probe.ACQUIRE], is_anyones=is_anyones)  # type: ignore[arg-type]
    wait = _Wait(condition, record, given_up)
    waits.by_task[wait.task] = wait
    waiting = waits.by_condition.get(condition)
    if waiting is None:
        waits.by_condition.put(condition, waiting := [])
    waiting.append(wait)
    if resource:
        tracer.current.given_up.add(resource)
        _put(given_up)
    for token in (condition, attribute(condition, "_lock")):
        held = None if token is None else held_tokens.give_up(token)
        if held is not None:
            wait.held = held, token
    return wait


def caller_of_wait(frame: FrameType | None, codes: Container[int]) -> tuple[int | None, str]:
    """Who waits: the task, None: the running one, and the site; "" where that is a library's own affair.

    ``codes``: of the functions that wait for their caller, by address.
    """
    makers = tracer.current.of(AcquiringTasks).made_by
    made_by = makers.get(tasks.running()) if makers else None
    if made_by is not None:
        task, site, library = made_by
        return task, "" if library else site
    for caller, package in () if frame is None else task_origins.callers(frame):
        file = caller.f_code.co_filename
        if id(caller.f_code) in codes or is_own_frame(caller):
            continue
        if package or file == _LOCKS:  # a barrier waits so
            return None, ""
        if not file.startswith(ASYNCIO_DIR):
            return None, Place(caller.f_code, caller.f_lasti).site("wait", libraries.is_installed(caller))
    origin = task_origins.of_running()
    return None, "" if origin is None else origin.site("wait")


def _notifying(waiters: Waiters, is_notified: IsNotified) -> Callable[..., list[_Wait] | None]:
    def before(condition: object, _: object, __: object) -> list[_Wait] | None:
        waiting = tracer.current.of(_Waits).by_condition.get(condition)
        if not waiting:
            return None
        _know(waiting, list(waiters(condition)))
        return [wait for wait in waiting if wait.waiter is not None and not is_notified(condition, wait.waiter)]

    return before


def _know(waiting: list[_Wait], waiters: list[object]) -> None:
    """Find what stands for each wait: both are in the order of the calls, and earlier ones may not be recorded."""
    known = {id(wait.waiter) for wait in waiting}
    new_waits = [wait for wait in waiting if wait.waiter is None]
    new_waiters = [waiter for waiter in waiters if id(waiter) not in known]
    if len(new_waits) <= len(new_waiters):
        for wait, waiter in zip(reversed(new_waits), reversed(new_waiters), strict=False):
            wait.waiter = waiter


def _notified(is_notified: IsNotified) -> Callable[[list[_Wait], object], None]:
    def after(waits: list[_Wait], _: object) -> None:
        for wait in waits:
            if is_notified(wait.condition, wait.waiter):
                _stop_waiting(wait)
                _want(wait)

    return after


def _stop_waiting(wait: _Wait) -> None:
    """It was notified, by the running task."""
    if not wait.record[probe.RELEASED]:
        probe.acquired(wait.record)
        probe.leaving(wait.record, None)
        probe.released(wait.record, None)


def _want(wait: _Wait) -> None:
    given_up = wait.given_up
    if not given_up.wanted_ns:
        given_up.wanted_ns = tracer.current.clock()
        if given_up.resource:
            _put(Wanted(given_up))


def _resume(wait: _Wait) -> None:
    """The wait is over: it was notified before, or an exception ends it, or nobody knows who notified."""
    wait.is_resumed = True
    wait.waits_for_lock = attribute(attribute(wait.condition, "_lock"), "_locked") is True
    _forget(wait)
    error = sys.exception()
    if error is not None and id(error) != wait.handled and not wait.record[probe.RELEASED]:
        probe.failed(wait.record, error)
    _stop_waiting(wait)
    _want(wait)


def _forget(wait: _Wait) -> None:
    waiting = tracer.current.of(_Waits).by_condition.get(wait.condition)
    if waiting is not None and wait in waiting:
        waiting.remove(wait)
    wait.waiter = None


def _end(wait: _Wait, _: object, __: object) -> None:
    """It returned or raised, and has the lock again."""
    if not wait.is_resumed:
        _resume(wait)
    wait.given_up.regained_ns = tracer.current.clock()
    _close(wait)


def _failed(wait: _Wait, error: BaseException) -> None:
    given_up = wait.given_up
    if not wait.is_resumed and isinstance(error, RuntimeError):  # refused: nothing was given up
        probe.failed(wait.record, error)
        given_up.wanted_ns = given_up.regained_ns = given_up.given_up_ns
        _put(Wanted(given_up))
        _forget(wait)
        _close(wait)
    elif wait.waits_for_lock and isinstance(error, GeneratorExit):
        _close(wait)  # it was closed, so it did not get the lock
    else:
        _end(wait, None, None)


def _close(wait: _Wait) -> None:
    tracer.current.of(_Waits).by_task.pop(wait.task, None)
    if wait.held is not None:
        held_tokens.hold_again(*wait.held)


def _put(entry: GivenUp | Wanted) -> None:
    if not buffer.put(entry):
        faults.drop("buffer full")
