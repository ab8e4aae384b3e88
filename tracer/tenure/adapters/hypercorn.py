"""hypercorn: the requests, websockets and the lifespan of the ASGI application that it calls."""

from __future__ import annotations

from types import ModuleType

from tenure._identify import libraries
from tenure._patching import class_patches
from tenure.adapters._kit import asgi


def install(wrappers: ModuleType) -> None:
    """Patch ASGIWrapper, through which every call of the application goes."""
    libraries.know("hypercorn")
    kind = wrappers.ASGIWrapper
    class_patches.replace(kind, "__call__", asgi.handling(kind.__call__, _application))


def _application(wrapper: object) -> object:
    return wrapper.app  # type: ignore[attr-defined]
