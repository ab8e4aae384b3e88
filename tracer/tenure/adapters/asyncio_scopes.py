"""asyncio.timeout, timeout_at and TaskGroup: made for one use, so each place in the program is one resource.

Libraries enter timeouts without an end wherever a caller of theirs might have wanted one: nothing is held then, and
nothing is recorded.
"""

from __future__ import annotations

import asyncio
from types import ModuleType

from tenure import patching, resources
from tenure.failures import type_name
from tenure.resources import Description


def install(module: ModuleType) -> None:
    """Patch the classes of asyncio."""
    resources.register(module.Timeout, _timeout)
    patching.patch_manager(module.Timeout, wants=_has_an_end)
    resources.register(module.TaskGroup, _task_group)
    patching.patch_manager(module.TaskGroup)


def _timeout(manager: object, _: str) -> Description:
    return Description("asyncio.timeout", None, name=_length(manager))


def _has_an_end(manager: object) -> bool:
    return getattr(manager, "_when", None) is not None


def _task_group(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), None)


def _length(manager: object) -> str:
    """How long the timeout is from now on, just before it is entered: "0.5 s"; "" for one without an end.

    Two digits are enough to know it by, and keep the number of resources small where the lengths vary.
    """
    when = getattr(manager, "_when", None)
    if not isinstance(when, int | float):
        return ""
    seconds = when - asyncio.get_running_loop().time()
    return "0 s" if seconds < 0.001 else f"{float(f'{seconds:.2g}'):.6g} s"
