"""The Python probe: does what ``tenure._probe`` does in C, where that cannot be built.

A record is a plain list (``tenure._core.record_layout``), put into the buffer at its acquire and filled in where it
lies, so that the shipping thread sees open lifecycles too. No record refers to an object of the program: only ``begin``
puts the manager after the last place, and rewritten code pops it at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import cast

from tenure._core import buffer, faults, object_access
from tenure._core.bell import python_bell
from tenure._core.record_layout import (
    ACQUIRE,
    ACQUIRED,
    BODY,
    RAISED,
    RELEASE,
    RELEASED,
    RELEASER,
    TASK,
    WENT_ON,
    Listed,
)
from tenure._identify import cancellation, lookup, releasing, resources, tasks, tracer
from tenure._identify.exceptions import Failure

_DESCRIBING = "describing an exception"  # the place that a fault names
_pending = buffer.pending
# Of the current tracer: bound once at each begin, for the stamps read no attribute.
now = tracer.current.clock
_settled = tracer.current.single_use.settled_sites
_shared = tracer.current.resource_ids.by_address
_append: Callable[[object], None] = _pending.entries.append
# A manager that a task is entering: its record, its address, and the mark of the one that it is entered for.
_Mark = tuple[Listed, int, "_Mark | None"]
_marks: dict[int, _Mark] = {}  # by task; swept now and then of those that are done
_sweep_at = [1_000]  # marks


def bind() -> None:
    """Read the current tracer's parts from now on."""
    global now, _settled, _shared, _append  # noqa: PLW0603  # the hot path reads no attribute
    here = tracer.current
    now, _settled, _shared = here.clock, here.single_use.settled_sites, here.resource_ids.by_address
    _append = _appending_with(here.context)


def _appending_with(reader: tracer.ContextReader | None) -> Callable[[object], None]:
    """What puts a record into the buffer: alone, or with the context that it begins in."""
    append = _pending.entries.append
    if reader is None:
        return append
    read = partial(reader.get, None) if isinstance(reader, ContextVar) else reader

    def append_in_context(record: object) -> None:
        context = read()
        append((record, context) if context else record)

    return append_in_context


def stop() -> None:
    """Remove the marks."""
    _marks.clear()


def begin(site: str, task: int, manager: object) -> Listed:
    """Begin the lifecycle of a manager that rewritten code enters next; the manager is the record's last element."""
    try:
        try:
            kind, resource = _settled[site]
        except KeyError:
            _settled[site] = None, 0
            return _begin(site, task, manager)
        if kind is not type(manager) or not task:
            return _begin(site, task, manager)
        record = [site, task, resource, now(), 0, 0, 0, None, None, 0, manager]
        _append(record)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("beginning a lifecycle", error)
        record = [site, task, 0, 0, 0, 0, 0, None, None, 0, manager]
    return record


def _begin(site: str, task: int, manager: object) -> Listed:
    """``begin`` where the resource is not known yet, or where nothing is recorded (``task`` 0)."""
    resource, patched = _shared.get(id(manager)) or lookup.resource_of(site, manager) if task else (0, False)
    if resource:
        python_bell.note_entries(len(_pending.entries))
        if len(_pending.entries) >= _pending.limit:
            faults.drop("buffer full")
            resource = 0
    record: Listed = [site, task, resource, 0, 0, 0, 0, None, None, 0, manager]
    if resource:
        if patched:
            _mark(record, manager)
        record[ACQUIRE] = now()
        _append(record)
    return record


def enter_at(site: str, manager: object, task: int | None = None) -> Listed:
    """Begin the lifecycle of a manager that is entered at once; ``task`` None: by the running one."""
    try:
        record = _begin(site, tasks.current() if task is None else task, manager)
        record.pop()
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("beginning a lifecycle", error)
        return unrecorded(site, manager)
    return record


def unrecorded(site: str, _: object) -> Listed:
    """A record that is not in the buffer; its stamps are not shipped."""
    return [site, 0, 0, 0, 0, 0, 0, None, None, 0]


def enter_known(site: str, manager: object) -> Listed | None:
    """``probe.enter`` by the running task, at a site that is known."""
    try:
        here = tracer.current
        if not here.is_recording:
            return None
        task = tasks.current()
        if not task or _is_marked(manager, task) or (here.types.only_named and not resources.is_wanted(manager)):
            return None
        resource, patched = _shared.get(id(manager)) or lookup.resource_of(site, manager)
        if not resource or not task:
            return None
        python_bell.note_entries(len(_pending.entries))
        if len(_pending.entries) >= _pending.limit:
            faults.drop("buffer full")
            return None
        record: Listed = [site, task, resource, 0, 0, 0, 0, None, None, 0]
        if patched:
            _mark(record, manager)
        record[ACQUIRE] = now()
        _append(record)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("entering a manager", error)
        return None
    return record


def body_raised(record: Listed) -> None:
    """Rewritten code: an exception is leaving the body. It is the one being handled."""
    try:
        error = sys.exception()
        if error is not None:
            record[BODY] = cancellation.failure(error)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_DESCRIBING, fault)


def raised(record: Listed) -> None:
    """Rewritten code: an exception is leaving the whole statement. It is the one being handled."""
    try:
        error = sys.exception()
        if error is not None:
            _set_raised(record, error)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_DESCRIBING, fault)


def acquired(record: Listed) -> None:
    """``__aenter__`` returned."""
    record[ACQUIRED] = now()


def leaving(record: Listed, error: BaseException | None) -> None:
    """``__aexit__`` is called, with the exception that left the body or None; perhaps by another task."""
    try:
        task = record[TASK]
        if task and not record[RELEASE] and tasks.current() != task and tracer.current.is_recording:
            record[RELEASER] = releasing.releaser_of(cast("int", task))  # before the stamp: who sees that sees it too
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault("finding the task that releases", fault)
    try:
        if error is not None:
            record[BODY] = cancellation.failure(error)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_DESCRIBING, fault)
    record[RELEASE] = now()


def released(record: Listed, value: object) -> None:
    """``__aexit__`` returned this value; where it is false, an exception of the body goes on."""
    try:
        if record[BODY] is not None and value is not True and not object_access.is_true(value):
            record[RAISED] = WENT_ON
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_DESCRIBING, fault)
    record[RELEASED] = now()


def failed(record: Listed, error: BaseException) -> None:
    """``__aenter__`` or ``__aexit__`` raised, perhaps the body's own exception again. The lifecycle ends."""
    try:
        _set_raised(record, error)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_DESCRIBING, fault)
    record[RELEASED] = now()


def is_marked(manager: object) -> bool:
    """Whether the running task is entering this manager already."""
    return _is_marked(manager, tasks.current())


def _is_marked(manager: object, task: int) -> bool:
    mark = _marks.get(task)
    while mark is not None:
        record, address, mark = mark
        if address == id(manager) and not (record[ACQUIRED] or record[RELEASED]):
            return True
    return False


def _mark(record: Listed, manager: object) -> None:
    task = cast("int", record[TASK])
    outer = _marks.get(task)
    while outer is not None and (outer[0][ACQUIRED] or outer[0][RELEASED]):
        outer = outer[2]
    _marks[task] = record, id(manager), outer
    if len(_marks) > _sweep_at[0]:
        for key, (done, _, _) in list(_marks.items()):
            if done[ACQUIRED] or done[RELEASED]:
                _marks.pop(key, None)
        _sweep_at[0] = max(1_000, 2 * len(_marks))


def _set_raised(record: Listed, error: BaseException) -> None:
    body = record[BODY]
    record[RAISED] = (
        WENT_ON if isinstance(body, Failure) and body.identity == id(error) else cancellation.failure(error)
    )
