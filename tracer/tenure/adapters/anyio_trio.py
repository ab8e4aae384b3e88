"""anyio on trio: task groups and the locks of the backend. Cancel scopes are recorded only with ``--sync``."""

from __future__ import annotations

from types import ModuleType

from tenure._identify import libraries, resources
from tenure._patching import class_patches
from tenure.adapters import anyio
from tenure.adapters._kit import databases


def install(backend: ModuleType) -> None:
    """Patch the classes of anyio's trio backend."""
    libraries.know("anyio")
    for kind in (backend.Lock, backend.Semaphore, backend.CapacityLimiter):
        anyio.patch_lock(kind)
    resources.register(backend.TaskGroup, databases.one_use("anyio.TaskGroup", "participant"))
    class_patches.patch_manager(backend.TaskGroup, any_task=True, predicate=libraries.entered_outside("anyio"))
    resources.register(backend.CancelScope, databases.one_use("anyio.CancelScope", "participant"))
