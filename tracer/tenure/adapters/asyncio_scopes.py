"""asyncio.timeout, timeout_at and TaskGroup: made for one use, so each place in the program is one resource."""

from __future__ import annotations

import asyncio
from types import ModuleType

from tenure import patching, resources
from tenure.failures import type_name
from tenure.resources import Description


def install(module: ModuleType) -> None:
    """Patch the classes of asyncio."""
    for kind, describe in ((module.Timeout, _timeout), (module.TaskGroup, _task_group)):
        resources.register(kind, describe)
        patching.patch_manager(kind)


def _timeout(manager: object, _: str) -> Description:
    return Description("asyncio.timeout", None, name=_length(manager))


def _task_group(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), None)


def _length(manager: object) -> str:
    """How long the timeout is from now on, just before it is entered: "0.5 s"; "" for one without an end.

    Two digits are enough to know it by, and keep the number of resources small where the lengths vary.
    """
    when = manager.when() if isinstance(manager, asyncio.Timeout) else None
    if when is None:
        return ""
    seconds = when - asyncio.get_running_loop().time()
    return "0 s" if seconds < 0.001 else f"{float(f'{seconds:.2g}'):.6g} s"
