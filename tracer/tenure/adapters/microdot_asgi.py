"""Microdot under ASGI: where no server's adapter began a request, it begins at the application."""

from __future__ import annotations

from types import ModuleType

from tenure._patching import class_patches
from tenure.adapters._kit import asgi
from tenure.adapters.microdot import KIND


def install(module: ModuleType) -> None:
    """Patch the Microdot that ASGI servers call."""
    kind = module.Microdot
    class_patches.replace(kind, "__call__", asgi.handling(kind.__call__, asgi.itself, asgi.Kind(KIND)))
