"""asyncio.Runner, entered by ``with``: it holds an event loop. The one within ``asyncio.run`` is not recorded."""

from __future__ import annotations

from types import ModuleType

from tenure._identify import resources
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches


def install(asyncio: ModuleType) -> None:
    """Patch Runner."""
    resources.register(asyncio.Runner, _runner)
    class_patches.patch_manager(asyncio.Runner, sync=True)


def _runner(manager: object, _: str) -> Description:
    return Description(kind_name(type(manager)), manager)
