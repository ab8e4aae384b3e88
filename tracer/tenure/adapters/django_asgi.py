"""Django's ASGI handler: where no server's adapter began a request, it begins there."""

from __future__ import annotations

from types import ModuleType

from tenure._patching import class_patches
from tenure.adapters._kit import asgi
from tenure.adapters.django import KIND


def install(module: ModuleType) -> None:
    """Patch ASGIHandler."""
    kind = module.ASGIHandler
    class_patches.replace(kind, "__call__", asgi.handling(kind.__call__, asgi.itself, asgi.Kind(KIND)))
