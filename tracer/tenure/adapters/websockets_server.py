"""websockets' asyncio server: what ``serve()`` gives is made for one use; its tasks are called connections."""

from __future__ import annotations

from types import ModuleType

from tenure import libraries, patching, resources, tasks
from tenure.adapters import pools


def install(server: ModuleType) -> None:
    """Patch the class that is entered: serve itself until version 16, then Server, which serve returns."""
    libraries.know("websockets")
    kind = server.serve if isinstance(server.serve, type) else server.Server
    resources.register(kind, pools.one_use("websockets.serve", "participant"))
    patching.patch_manager(kind, moves=True)
    for coroutine in ("Server.conn_handler", "serve.<locals>.conn_handler", "serve.<locals>.protocol_handler"):
        tasks.entitle(coroutine, "connection")
