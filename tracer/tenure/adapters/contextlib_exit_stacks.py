"""Managers entered through an AsyncExitStack: their site is the call of ``enter_async_context``.

The stack calls ``__aenter__`` of the manager's class, so a class patch would find contextlib as the caller, and many
classes have no class patch. So the stack itself is patched: it records the entry, and wraps the callback by which the
stack will leave the manager.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from types import MethodType, ModuleType, TracebackType
from typing import cast

from tenure import _probe_api as probe
from tenure._core import faults, object_access
from tenure._core.wrapping import Method
from tenure._patching import class_patches
from tenure._patching.bodies import awaited

Leave = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], Awaitable[object]]

_ENTERING, _LEAVING = "entering through an exit stack", "leaving by an exit stack"  # for the log


def install(contextlib: ModuleType) -> None:
    """Patch AsyncExitStack."""
    kind = contextlib.AsyncExitStack
    class_patches.replace(kind, "enter_async_context", _entering(kind.enter_async_context))


def _entering(original: Method) -> Method:
    return awaited.push(original, _ENTERING, before=begin, after=_entered, failed=probe.failed)


def begin(manager: object) -> probe.Record | None:
    """The record of a manager that is about to be entered for the caller; None: it is not recorded."""
    return probe.enter(manager) if object_access.has(type(manager), "__aenter__") else None


def _entered(record: probe.Record, stack: object) -> None:
    probe.acquired(record)
    _watch_exit(stack, record)


def _watch_exit(stack: object, record: probe.Record) -> None:
    """Wrap the callback that the stack has just pushed."""
    callbacks = cast("deque[tuple[bool, MethodType]]", object_access.attribute(stack, "_exit_callbacks"))
    is_sync, leave = callbacks[-1]
    callbacks[-1] = is_sync, MethodType(leaving(leave, record), leave.__self__)


def leaving(leave: Leave, record: probe.Record) -> Callable[..., Awaitable[object]]:
    """The callback that leaves the manager and ends the record. By hand: it is one closure over two names."""

    async def leaving_manager(
        _: object, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> object:
        try:
            probe.leaving(record, error)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_LEAVING, fault)
        try:
            value = await leave(kind, error, traceback)
        except BaseException as raised:
            try:
                class_patches.strip_frame(raised, code)
                probe.failed(record, raised)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_LEAVING, fault)
            del _, error, traceback
            raise
        try:
            probe.released(record, value)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_LEAVING, fault)
        return value

    code = leaving_manager.__code__  # a function that refers to itself would keep the manager until the next collection
    return leaving_manager
