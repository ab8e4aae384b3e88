"""The Python probe's class patches: what stands in place of ``__aenter__``, ``__aexit__`` and their like.

The native probe has its own (tracer/native/patch/manager_methods.c), which add no coroutine.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import cast

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.wrapping import Method, match_coroutine_kind, strip_frame
from tenure._identify import call_site_cache, tasks, tracer
from tenure._identify.open_uses import OpenManagers
from tenure._probe_api import pure_probe

_Predicate = Callable[[object], bool] | None  # None: every object
_ENTERING, _LEAVING = "entering a patched manager", "leaving a patched manager"  # said where they fail


def entering(original: Method, predicate: _Predicate, *, any_task: bool, sync: bool) -> Method:
    """In ``__aenter__``'s place, or with ``sync`` in ``__enter__``'s."""
    return (
        _entering_sync(original, predicate, any_task=any_task)
        if sync
        else _entering(original, predicate, any_task=any_task)
    )


def leaving(original: Method, *, any_task: bool, sync: bool) -> Method:
    """In ``__aexit__``'s place, or with ``sync`` in ``__exit__``'s."""
    return _leaving_sync(original, any_task=any_task) if sync else _leaving(original, any_task=any_task)


def _entering(original: Method, predicate: _Predicate, *, any_task: bool) -> Method:
    async def entering(manager: object, *, _original: Method = original) -> object:
        record = None
        try:
            record = _begin(manager, predicate, sys._getframe().f_back, call_site_cache.BY_ASYNC_WITH)  # noqa: SLF001  # no other way
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ENTERING, fault)
        try:
            value = await _original(manager)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, entering.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ENTERING, fault)
            del manager
            raise
        if record is not None:
            try:
                probe.acquired(record)
                _remember(manager, record, any_task=any_task)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ENTERING, fault)
        return value

    return match_coroutine_kind(original, entering)


def _leaving(original: Method, *, any_task: bool) -> Method:
    async def leaving(manager: object, *exc_info: object, _original: Method = original, **named: object) -> object:
        record = None
        try:
            record = _recall(manager, any_task=any_task)
            if record is not None:
                probe.leaving(record, raised_in_body(exc_info, named))
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_LEAVING, fault)
        try:
            value = await _original(manager, *exc_info, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, leaving.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_LEAVING, fault)
            del manager, exc_info, named
            raise
        if record is not None:
            try:
                probe.released(record, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_LEAVING, fault)
        return value

    return match_coroutine_kind(original, leaving)


def _entering_sync(original: Method, predicate: _Predicate, *, any_task: bool) -> Method:
    def entering(manager: object) -> object:
        record = None
        try:
            record = _begin(manager, predicate, sys._getframe().f_back, call_site_cache.BY_WITH)  # noqa: SLF001  # no other way
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ENTERING, fault)
        try:
            value = original(manager)
        except BaseException as error:
            try:
                strip_frame(error, entering.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ENTERING, fault)
            del manager
            raise
        if record is not None:
            try:
                probe.acquired(record)
                _remember(manager, record, any_task=any_task)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ENTERING, fault)
        return value

    return entering


def _leaving_sync(original: Method, *, any_task: bool) -> Method:
    def leaving(manager: object, *exc_info: object, **named: object) -> object:
        record = None
        try:
            record = _recall(manager, any_task=any_task)
            if record is not None:
                probe.leaving(record, raised_in_body(exc_info, named))
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_LEAVING, fault)
        try:
            value = original(manager, *exc_info, **named)
        except BaseException as error:
            try:
                strip_frame(error, leaving.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_LEAVING, fault)
            del manager, exc_info, named
            raise
        if record is not None:
            try:
                probe.released(record, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_LEAVING, fault)
        return value

    return leaving


def _begin(manager: object, predicate: _Predicate, frame: FrameType | None, how: int) -> probe.Record | None:
    """The record of a manager that this frame enters; None where somebody else records it, or nobody."""
    if predicate is not None and not predicate(manager):
        return None
    site = frame and call_site_cache.known(frame, how)
    return pure_probe.enter_known(site, manager) if site else probe.enter(manager, sync=how == call_site_cache.BY_WITH)


def raised_in_body(exc_info: tuple[object, ...], named: dict[str, object]) -> BaseException | None:
    """The exception among the arguments of ``__aexit__``, however they were passed."""
    if len(exc_info) == 3 and exc_info[0] is exc_info[1] is None:
        return None  # as nearly always
    for value in (*exc_info, *named.values()):
        if issubclass(type(value), BaseException):
            return cast("BaseException", value)
    return None


def _remember(manager: object, record: probe.Record, *, any_task: bool) -> None:
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


def _recall(manager: object, *, any_task: bool) -> probe.Record | None:
    """The record of the entry that is now left; None where somebody else keeps it, or nobody."""
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
        entries[key] = outer
    return record


def _sweep(managers: OpenManagers) -> None:
    """Managers that were dropped without being left leave their entries behind."""
    entries = managers.by_manager
    for key, (_, reference, _) in list(entries.items()):
        if reference is not None and reference() is None:
            entries.pop(key, None)
    managers.sweep_at = max(1_000, 2 * len(entries))
