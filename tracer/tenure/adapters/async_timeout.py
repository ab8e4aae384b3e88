"""async_timeout, on the Pythons that have asyncio.timeout: its timeouts are asyncio's, made for the program's line."""

from __future__ import annotations

from types import ModuleType

from tenure._core.paths import code_file
from tenure._identify import libraries
from tenure.adapters import asyncio_scopes


def install(module: ModuleType) -> None:
    """Name its timeouts."""
    libraries.know("async_timeout")
    for function in ("timeout", "timeout_at"):
        asyncio_scopes.name_timeouts(code_file(module), function, "async_timeout")
