"""Managers entered through an AsyncExitStack: their place is the caller's of ``enter_async_context``.

The stack enters a manager by its class, so a class patch would see contextlib at work; and it sees managers of classes
that nobody patched. So the stack itself is patched: it records the entry, and puts its record around the callback by
which the stack will leave the manager.
"""

from __future__ import annotations

from collections import deque
from types import MethodType, ModuleType
from typing import cast

from tenure import _probe_api as probe
from tenure._core import object_access
from tenure._core.wrapping import Method
from tenure._patching import class_patches
from tenure._patching.bodies import awaited

_ENTERING, _LEAVING = "entering through an exit stack", "leaving by an exit stack"  # said where they fail


def install(contextlib: ModuleType) -> None:
    """Patch AsyncExitStack."""
    kind = contextlib.AsyncExitStack
    class_patches.replace(kind, "enter_async_context", _entering(kind.enter_async_context))


def _entering(original: Method) -> Method:
    return awaited.method(original, _ENTERING, before=_begin, after=_entered, failed=_failed)


def _begin(
    stack: object, arguments: tuple[object, ...], named: dict[str, object]
) -> tuple[object, probe.Record] | None:
    manager = arguments[0] if arguments else named.get("cm")
    record = probe.enter(manager) if object_access.has(type(manager), "__aenter__") else None
    return None if record is None else (stack, record)


def _entered(state: tuple[object, probe.Record], _: object) -> None:
    stack, record = state
    probe.acquired(record)
    _watch_exit(stack, record)


def _failed(state: tuple[object, probe.Record], error: BaseException) -> None:
    probe.failed(state[1], error)


def _watch_exit(stack: object, record: probe.Record) -> None:
    """Put the record around the callback that the stack pushed just now."""
    callbacks = cast("deque[tuple[bool, MethodType]]", object_access.attribute(stack, "_exit_callbacks"))
    is_sync, leave = callbacks[-1]
    callbacks[-1] = is_sync, MethodType(_leaving(leave, record), leave.__self__)


def _leaving(leave: Method, record: probe.Record) -> Method:
    def begin(exc_info: tuple[BaseException | None, ...], _: object) -> probe.Record:
        probe.leaving(record, exc_info[1])
        return record

    return awaited.callback(leave, _LEAVING, before=begin, after=probe.released, failed=probe.failed)
