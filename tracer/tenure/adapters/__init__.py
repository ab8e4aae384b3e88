"""Adapters: what Tenure knows about the managers of asyncio, contextlib and the libraries people use.

An adapter is one small module with ``install(module)``. It patches classes so that they report their lifecycles from
every caller, and describes the resource of a manager: its kind, name, capacity and stereotype. It gets the module that
the program imported, and imports no library itself. If a library has an unexpected shape, its adapter is off, and the
log has one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from types import ModuleType

from tenure._core import faults
from tenure._identify import call_site_cache, tracer
from tenure._patching import class_patches
from tenure._rewriting import post_import
from tenure.adapters import user_adapters

# The module that the program imports, and the adapters that wait for it.
ADAPTERS = {
    "asyncio": (
        "asyncio_locks",
        "asyncio_barriers",
        "asyncio_scopes",
        "asyncio_tasks",
        "asyncio_runners",
        "asyncio_cancelling",
        "asyncio_loop_end",
    ),
    "contextlib": ("contextlib_generators", "contextlib_exit_stacks", "contextlib_aclosing"),
    "_pytest.fixtures": ("pytest_fixtures",),
    "_pytest.runner": ("pytest_tests",),
    "aio_pika": ("aio_pika",),
    "aiobotocore.httpsession": ("aiobotocore",),
    "aiobotocore.response": ("aiobotocore",),
    "aiobotocore.session": ("aiobotocore",),
    "aiofiles.base": ("aiofiles",),
    "aiofiles.tempfile": ("aiofiles",),
    "aiofiles.threadpool": ("aiofiles",),
    "aiohttp.client": ("aiohttp_client", "aiohttp_timeouts"),
    "aiohttp.connector": ("aiohttp_connector",),
    "aiohttp.web": ("aiohttp_web", "aiohttp_lifespan"),
    "aiokafka": ("aiokafka",),
    "aiologic": ("aiologic",),
    "aiosqlite": ("aiosqlite",),
    "anyio": ("anyio",),
    "anyio._backends._asyncio": ("anyio_asyncio", "anyio_cancelling", "anyio_tests"),
    "anyio._backends._trio": ("anyio_trio",),
    "arq.worker": ("arq",),
    "asgiref.sync": ("asgiref",),
    "async_timeout": ("async_timeout",),
    "asyncpg": ("asyncpg",),
    "celery.signals": ("celery",),
    "daphne.server": ("daphne",),
    "django.core.handlers.asgi": ("django_asgi",),
    "django.core.handlers.base": ("django",),
    "dramatiq.worker": ("dramatiq",),
    "faststream._internal.endpoint.subscriber.call_item": ("faststream",),
    "granian.asgi": ("granian",),
    "gunicorn.workers.gasgi": ("gunicorn_asgi",),
    "httpcore._async.connection_pool": ("httpcore",),
    "httpcore2._async.connection_pool": ("httpcore",),
    "httpx": ("httpx",),
    "httpx2": ("httpx",),
    "hypercorn.app_wrappers": ("hypercorn",),
    "litestar.app": ("litestar",),
    "mcp.client.session": ("mcp_client",),
    "mcp.server.fastmcp.tools.base": ("mcp_tools",),
    "mcp.server.lowlevel.server": ("mcp_server",),
    "mcp.server.mcpserver.tools.base": ("mcp_tools",),
    "mcp.server.runner": ("mcp_server",),
    "microdot.asgi": ("microdot_asgi",),
    "microdot.microdot": ("microdot",),
    "multiprocessing.util": ("child_processes",),
    "nats.aio.client": ("nats",),
    "opentelemetry.trace": ("opentelemetry_trace",),
    "psycopg": ("psycopg",),
    "psycopg_pool": ("psycopg_pool",),
    "quart.app": ("quart",),
    "redis.asyncio": ("redis",),
    "sanic.app": ("sanic",),
    "sqlalchemy.ext.asyncio": ("sqlalchemy",),
    "subprocess": ("child_processes",),
    "taskiq.receiver.receiver": ("taskiq",),
    "tenure._patching.work": ("work",),
    "starlette.applications": ("starlette",),
    "tortoise.backends.base.client": ("tortoise",),
    "tortoise.backends.sqlite.client": ("tortoise",),
    "trio": ("trio",),
    "websockets.asyncio.client": ("websockets",),
    "websockets.asyncio.server": ("websockets_server",),
    "unittest.async_case": ("unittest_contexts",),
    "unittest.case": ("unittest_tests",),
    "uvicorn.config": ("uvicorn",),
    "uvicorn.server": ("uvicorn_shutdown",),
    "uvloop": ("asyncio_tasks", "asyncio_loop_end"),
}


def install() -> None:
    """Install every adapter: now if the program has imported its library, else after the import."""
    for name, adapters in ADAPTERS.items():
        for adapter in adapters:
            post_import.after_import(name, _installer(adapter))
    user_adapters.install()


def uninstall() -> None:
    """Undo all class patches and wait for no more imports."""
    post_import.stop_waiting()
    class_patches.undo()
    tracer.current.held_tokens.clear()
    call_site_cache.clear()


def _installer(adapter: str) -> post_import.Install:
    def install_adapter(module: ModuleType) -> None:
        try:
            importlib.import_module(f"tenure.adapters.{adapter}").install(module)
        except Exception as error:  # noqa: BLE001  # whatever the library's shape, the program continues
            faults.fault(f"the adapter {adapter} for {module.__name__} {_version(module)}", error)

    return install_adapter


def _version(module: ModuleType) -> str:
    package = sys.modules.get(module.__name__.partition(".")[0])
    return str(getattr(package, "__version__", ""))


_IMPORTED_FIRST = asyncio, contextlib  # their adapters are installed before the program's first line
