"""Django's ASGI handler: where no server's adapter began a request, it begins there."""

from __future__ import annotations

from types import ModuleType

from tenure.adapters._kit import asgi
from tenure.adapters.django import KIND


def install(module: ModuleType) -> None:
    """Patch ASGIHandler."""
    asgi.patch_application(module.ASGIHandler, KIND)
