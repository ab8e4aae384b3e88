"""The Python probe's class patches: what stands in place of ``__aenter__``, ``__aexit__`` and their like.

The native probe has its own (tracer/native/patch/manager_methods.c), which add no coroutine.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import cast

from tenure import _probe_api as probe
from tenure._core.wrapping import Method
from tenure._identify import call_site_cache, tasks, tracer
from tenure._identify.open_uses import OpenManager, OpenManagers
from tenure._patching.bodies import awaited, immediate
from tenure._probe_api import pure_probe

_Predicate = Callable[[object], bool] | None  # None: every object
_ENTERING, _LEAVING = "entering a patched manager", "leaving a patched manager"  # said where they fail


def entering(original: Method, predicate: _Predicate, *, any_task: bool, sync: bool) -> Method:
    """In ``__aenter__``'s place, or with ``sync`` in ``__enter__``'s."""
    how = call_site_cache.BY_WITH if sync else call_site_cache.BY_ASYNC_WITH

    def begin(manager: object) -> probe.Record | None:
        """The record; None where another place records this entry, or it is not recorded."""
        if predicate is not None and not predicate(manager):
            return None
        frame = sys._getframe(1).f_back  # noqa: SLF001  # no other way to the caller
        site = frame and call_site_cache.known(frame, how, type(manager))
        return pure_probe.enter_known(site, manager) if site else probe.enter(manager, sync=sync)

    def entered(record: probe.Record, _: object, manager: object) -> None:
        probe.acquired(record)
        key = id(manager), 0 if any_task else cast("int", record[probe.TASK])
        managers = tracer.current.open_managers
        entries = managers.by_manager
        outer = entries.get(key)
        if outer is not None and outer[1] is not None and outer[1]() is not manager:
            outer = None  # another object had this address
        try:
            entries[key] = record, weakref.ref(manager), outer
        except TypeError:
            entries[key] = record, None, outer
        if len(entries) > managers.sweep_at:
            _sweep(managers)

    enter = immediate.enter if sync else awaited.enter
    return enter(original, _ENTERING, before=begin, after=entered, failed=probe.failed)


def leaving(original: Method, *, any_task: bool, sync: bool) -> Method:
    """In ``__aexit__``'s place, or with ``sync`` in ``__exit__``'s."""

    def leave(manager: object, exc_info: tuple[object, ...], named: dict[str, object]) -> probe.Record | None:
        """The record of the entry that is now left; None where another place records it, or it is not recorded."""
        entries = tracer.current.open_managers.by_manager
        if not entries:
            return None
        key = id(manager), 0 if any_task else tasks.current()
        entry = entries.pop(key, None)
        if entry is None:
            return None
        record, reference, outer = entry
        if reference is not None and reference() is not manager:
            return None
        if outer is not None:
            if any_task:
                record, outer = _own_first(entry)
            if outer is not None:
                entries[key] = outer
        probe.leaving(record, raised_in_body(exc_info, named))
        return record

    method = immediate.method if sync else awaited.method
    return method(original, _LEAVING, before=leave, after=probe.released, failed=probe.failed)


def _own_first(latest: OpenManager) -> tuple[probe.Record, OpenManager | None]:
    """The running task's own entry, else the latest; and those that are left."""
    task, later = tasks.current(), []
    entry: OpenManager | None = latest
    while entry is not None and entry[0][probe.TASK] != task:
        later.append(entry)
        entry = entry[2]
    if entry is None:
        return latest[0], latest[2]
    rest = entry[2]
    for record, reference, _ in reversed(later):
        rest = record, reference, rest
    return entry[0], rest


def raised_in_body(exc_info: tuple[object, ...], named: dict[str, object]) -> BaseException | None:
    """The exception among the arguments of ``__aexit__``, however they were passed."""
    if len(exc_info) == 3 and exc_info[0] is exc_info[1] is None:
        return None  # as nearly always
    for value in (*exc_info, *named.values()):
        if issubclass(type(value), BaseException):
            return cast("BaseException", value)
    return None


def _sweep(managers: OpenManagers) -> None:
    """Managers that were dropped without being left leave their entries behind."""
    entries = managers.by_manager
    for key, (_, reference, _) in list(entries.items()):
        if reference is not None and reference() is None:
            entries.pop(key, None)
    managers.sweep_at = max(1_000, 2 * len(entries))
