"""unittest: ``enterAsyncContext`` enters a manager at the line that calls it, and a cleanup leaves it.

The async form of TestCase has its own setup, with which a test begins.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import MethodType, ModuleType
from typing import cast

from tenure import _probe_api as probe
from tenure._core import object_access
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters import contextlib_exit_stacks, unittest_tests

_ENTERING = "entering by enterAsyncContext"  # said where it fails


def install(async_case: ModuleType) -> None:
    """Patch IsolatedAsyncioTestCase."""
    kind = async_case.IsolatedAsyncioTestCase
    enter = awaited.push(
        kind.enterAsyncContext,
        _ENTERING,
        before=contextlib_exit_stacks.begin,
        after=_entered,
        failed=probe.failed,
    )
    class_patches.replace(kind, "enterAsyncContext", enter)
    class_patches.replace(kind, "_callSetUp", unittest_tests.beginning(kind._callSetUp))  # noqa: SLF001


def _entered(record: probe.Record, case: object) -> None:
    """Wrap the cleanup that was just added: the manager's ``__aexit__``."""
    probe.acquired(record)
    cleanups = cast("list[tuple[object, tuple[object, ...], object]]", object_access.attribute(case, "_cleanups"))
    leave, arguments, named = cleanups[-1]
    if inspect.iscoroutinefunction(leave):
        bound = MethodType(cast("Callable[..., Awaitable[object]]", leave), arguments[0])
        cleanups[-1] = contextlib_exit_stacks.leaving(bound, record), arguments, named
