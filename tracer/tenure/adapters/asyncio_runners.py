"""asyncio.Runner, entered by ``with``: it holds an event loop. The one within ``asyncio.run`` is not told of."""

from __future__ import annotations

from types import ModuleType

from tenure import patching, resources
from tenure.failures import type_name
from tenure.resources import Description


def install(asyncio: ModuleType) -> None:
    """Patch Runner."""
    resources.register(asyncio.Runner, _runner)
    patching.patch_manager(asyncio.Runner, sync=True)


def _runner(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), manager)
