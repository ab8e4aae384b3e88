"""Managers entered through an AsyncExitStack: their place is the caller's of ``enter_async_context``.

The stack enters a manager by its class, so a class patch would see contextlib at work; and it sees managers of classes
that nobody patched. So the stack itself is patched: it records the entry, and puts its record around the callback by
which the stack will leave the manager.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from types import MethodType, ModuleType, TracebackType
from typing import cast

from tenure import _probe_api as probe
from tenure._core import faults, object_access
from tenure._patching import class_patches

Leave = Callable[[type[BaseException] | None, BaseException | None, TracebackType | None], Awaitable[object]]


def install(contextlib: ModuleType) -> None:
    """Patch AsyncExitStack."""
    kind = contextlib.AsyncExitStack
    class_patches.replace(kind, "enter_async_context", _entering(kind.enter_async_context))


def _entering(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def enter_async_context(stack: object, cm: object) -> object:
        record = _begin(cm)
        try:
            value = await original(stack, cm)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, enter_async_context.__code__)
            raise
        if record is not None:
            probe.acquired(record)
            _watch_exit(stack, record)
        return value

    return enter_async_context


def _begin(manager: object) -> probe.Record | None:
    try:
        return probe.enter(manager) if object_access.has(type(manager), "__aenter__") else None
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("entering through an exit stack", error)
        return None


def _watch_exit(stack: object, record: probe.Record) -> None:
    """Put the record around the callback that the stack pushed just now."""
    try:
        callbacks = cast("deque[tuple[bool, MethodType]]", object_access.attribute(stack, "_exit_callbacks"))
        is_sync, leave = callbacks[-1]
        callbacks[-1] = is_sync, MethodType(_leaving(leave, record), leave.__self__)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("watching an exit stack", error)


def _leaving(leave: Leave, record: probe.Record) -> Callable[..., Awaitable[object]]:
    async def leaving(
        _: object, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> object:
        probe.leaving(record, error)
        try:
            value = await leave(kind, error, traceback)
        except BaseException as raised:
            probe.failed(record, raised)
            class_patches.strip_frame(raised, code)
            del _, error, traceback
            raise
        probe.released(record, value)
        return value

    code = leaving.__code__  # by itself: a function that refers to itself keeps the manager until the next collection
    return leaving
