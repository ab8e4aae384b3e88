"""The hot path: what the four stamps around an ``async with`` do.

A lifecycle is a *record* while it runs: a plain list, put into the buffer at its acquire and filled in where it lies,
so that the shipping thread sees open lifecycles too. Its places:

    SITE      str    where it is entered (``tenure.sites``)
    TASK      int    id of the task that entered it
    RESOURCE  int    id of the resource; 0: nobody records this lifecycle
    ACQUIRE, ACQUIRED, RELEASE, RELEASED      perf_counter_ns, 0 where not reached; RELEASED is written last
    BODY      Failure or None                 what left the body
    RAISED    Failure, WENT_ON or None        what acquire or release raised of its own; WENT_ON: the body's exception

No record refers to an object of the program: only ``begin`` puts the manager behind the last place, for the rewritten
code to pop it on the spot. Rewritten code calls ``begin``, ``body_raised`` and ``raised`` and stamps the rest in place.

An adapter's class patch does the same through functions, none of which raises:

    record = enter(manager)       None: somebody records this very entry already, or recording is off; pass through
    acquired(record)              __aenter__ returned
    leaving(record, error)        __aexit__ was called; error is the body's exception or None
    released(record, value)       __aexit__ returned this: true suppresses the exception of the body
    failed(record, error)         __aenter__ or __aexit__ raised; this ends the lifecycle

One lifecycle is recorded once: a manager of a patched type (``resources.patched``) that is about to be entered is
*marked* for its task, and until it is acquired ``enter`` passes over it there, be it through ``super().__aenter__()``.
A manager that enters another one on its behalf marks that one itself: ``mark(record, other)``.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from time import perf_counter_ns
from types import FrameType
from typing import NamedTuple

from tenure import buffer, habits, identity, libraries, resources, sites, tasks
from tenure.failures import Failure, failure_of

SITE, TASK, RESOURCE, ACQUIRE, ACQUIRED, RELEASE, RELEASED, BODY, RAISED = range(9)
WENT_ON = True

Record = list[object]
now = perf_counter_ns  # the clock; tenure.testing puts a fixed one in its place

_recording = False
_settled = habits.settled
_shared = identity.shared
_append = buffer.pending.append
_marks: dict[int, _Mark] = {}  # by task; swept now and then of those that are done
_sweep_at = [1_000]  # marks
_stopped: set[type] = set()  # types whose tracing stopped after a fault
_OURS = str(Path(__file__).parent)
_ENTERS = frozenset({"__aenter__", "__enter__"})
_ASYNCIO = str(Path(asyncio.__file__).parent)  # a barrier's condition is nothing that the program holds
_CONTEXTLIB = contextlib.__file__  # an exit stack and a decorator enter on behalf of their caller


class _Mark(NamedTuple):
    """A manager that a task is entering."""

    record: Record
    address: int
    outer: _Mark | None  # the one that it is entered for


def start() -> None:
    """Record from now on."""
    global _recording  # noqa: PLW0603
    _recording = True


def stop() -> None:
    """Record nothing more; rewritten code and class patches that stay behind pass through."""
    global _recording  # noqa: PLW0603
    _recording = False
    _settled.clear()
    _shared.clear()
    _marks.clear()


def begin(site: str, task: int, manager: object) -> Record:
    """Begin the lifecycle of a manager that rewritten code enters next; the manager is the record's last element."""
    try:
        kind, resource = _settled[site]
    except KeyError:
        _settled[site] = None, 0
        return _begin(site, task, manager)
    if kind is not type(manager):
        return _begin(site, task, manager)
    record = [site, task, resource, now(), 0, 0, 0, None, None, manager]
    _append(record)
    return record


def _begin(site: str, task: int, manager: object) -> Record:
    """``begin`` where the resource has to be asked for, or where nothing is recorded."""
    known = _shared.get(id(manager))
    if known is not None:
        resource, patched = known
    else:
        resource = _resource(site, manager)
        patched = resource != 0 and resources.is_patched(type(manager))
    record: Record = [site, task, resource, 0, 0, 0, 0, None, None, manager]
    if resource:
        if patched:
            mark(record, manager)
        record[ACQUIRE] = now()
        _append(record)
    return record


def body_raised(record: Record) -> None:
    """Rewritten code: an exception is leaving the body. It is the one being handled."""
    error = sys.exception()
    if error is not None:
        record[BODY] = failure_of(error)


def raised(record: Record) -> None:
    """Rewritten code: an exception is leaving the whole statement. It is the one being handled."""
    error = sys.exception()
    if error is not None:
        _set_raised(record, error)


def enter(manager: object, site: str | None = None, *, task: int | None = None, sync: bool = False) -> Record | None:
    """Begin the lifecycle of a manager whose class patch is being called; sync: by its ``__enter__``.

    The site is the nearest caller outside Tenure and contextlib, and the task the one that is running, where the
    adapter does not say them. What asyncio uses within itself is passed over.
    """
    if not _recording:
        return None
    try:
        task = tasks.current() if task is None else task
        if _is_marked(task, id(manager)) or not resources.is_wanted(manager):
            return None
        site = site or _site_of_caller(manager)
        if not site:
            return None
        if sync:
            site = sites.Site.of(site)._replace(sync=True).key()
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault("finding out who enters a manager", error)
        return None
    record = _begin(site, task, manager)
    record.pop()
    return record if record[RESOURCE] else None


def mark(record: Record, manager: object) -> None:
    """Let ``enter`` pass over this manager in the record's task until the record is acquired."""
    task = record[TASK]
    assert isinstance(task, int)
    outer = _marks.get(task)
    while outer is not None and (outer.record[ACQUIRED] or outer.record[RELEASED]):
        outer = outer.outer
    _marks[task] = _Mark(record, id(manager), outer)
    if len(_marks) > _sweep_at[0]:
        for key, done in list(_marks.items()):
            if done.record[ACQUIRED] or done.record[RELEASED]:
                _marks.pop(key, None)
        _sweep_at[0] = max(1_000, 2 * len(_marks))


def _is_marked(task: int, address: int) -> bool:
    mark = _marks.get(task)
    while mark is not None:
        if mark.address == address and not (mark.record[ACQUIRED] or mark.record[RELEASED]):
            return True
        mark = mark.outer
    return False


def acquired(record: Record) -> None:
    """``__aenter__`` returned."""
    record[ACQUIRED] = now()


def leaving(record: Record, error: BaseException | None) -> None:
    """``__aexit__`` is called, with the exception that left the body or None."""
    if error is not None:
        record[BODY] = failure_of(error)
    record[RELEASE] = now()


def released(record: Record, value: object) -> None:
    """``__aexit__`` returned this value; where it is false, an exception of the body goes on."""
    if record[BODY] is not None and not _is_true(value):
        record[RAISED] = WENT_ON
    record[RELEASED] = now()


def failed(record: Record, error: BaseException) -> None:
    """``__aenter__`` or ``__aexit__`` raised, be it the body's own exception again. The lifecycle ends."""
    _set_raised(record, error)
    record[RELEASED] = now()


def _is_true(value: object) -> bool:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001  # the interpreter asks it again right away, and the program gets its exception
        return False


def _set_raised(record: Record, error: BaseException) -> None:
    body = record[BODY]
    record[RAISED] = WENT_ON if isinstance(body, Failure) and body.identity == id(error) else failure_of(error)


def _site_of_caller(manager: object) -> str:
    """The site of whoever enters the manager; "" where that is a library's own affair, or asyncio's."""
    frame = sys._getframe(2)  # noqa: SLF001  # there is no other way to the caller
    library = ""
    while frame.f_back is not None:
        if not _is_between(frame, manager):
            package = libraries.of_frame(frame)
            if not package:
                break
            if package != libraries.of_type(resources.described(type(manager))):
                return ""
            library = package
        frame = frame.f_back
    file = frame.f_code.co_filename
    if file.startswith(_ASYNCIO) and (library or file != asyncio.events.__file__):
        return ""
    return sites.of_instruction(frame.f_code, frame.f_lasti, type(manager).__qualname__ if library else "")


def _is_between(frame: FrameType, manager: object) -> bool:
    """Whether this frame enters on behalf of another: ours, contextlib's, or the __aenter__ of a subclass."""
    code = frame.f_code
    if code.co_filename == _CONTEXTLIB or code.co_filename.startswith(_OURS):
        return True
    in_method = code.co_name in _ENTERS and code.co_argcount > 0
    return in_method and frame.f_locals.get(code.co_varnames[0]) is manager


def _resource(site: str, manager: object) -> int:
    """The resource's id; 0: this lifecycle is not recorded, and where it should have been, that is counted."""
    if not _recording or type(manager) in _stopped:
        return 0
    if not buffer.has_room():
        buffer.drop("buffer full")
        return 0
    try:
        return resources.resolve(manager, site)
    except Exception as error:  # noqa: BLE001  # an adapter met what it did not expect: the program goes on
        _stopped.add(type(manager))
        buffer.fault(f"finding the resource of a {type(manager).__qualname__}", error)
        return 0
