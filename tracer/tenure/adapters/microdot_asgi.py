"""Microdot under ASGI: where no server's adapter began a request, it begins at the application."""

from __future__ import annotations

from types import ModuleType

from tenure.adapters._kit import asgi
from tenure.adapters.microdot import KIND


def install(module: ModuleType) -> None:
    """Patch the Microdot that ASGI servers call."""
    asgi.patch_application(module.Microdot, KIND)
