"""A library's call is recorded alike however the program runs it: awaited, gathered, as a task, with a time limit.

Each public coroutine method of what adapters patch is called in each way. What is recorded is what is recorded of the
call when it is awaited, at a line of the program.
"""

import asyncio
import contextlib
import importlib
import inspect
from pathlib import Path
from typing import NamedTuple

import mcp.server
import pytest
from tests.tracer.support import http_answers, library_calls, queue_calls, servers, ways_of_awaiting
from tests.tracer.support.ways_of_awaiting import OF_ANY_AWAITABLE, OF_COROUTINES, awaited

from tenure._patching import class_patches
from tenure.adapters import ADAPTERS

PROGRAM = ways_of_awaiting.__file__, library_calls.__file__, queue_calls.__file__, __file__
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
OF_A_SERVER = str(Path(mcp.server.__file__).parent)  # what the server enters, in tasks of its own
SETUP = {"timeout", "TaskGroup"}  # what a way itself enters


TABLES = library_calls.OF | queue_calls.OF
# The packages whose patched methods must be among a library's calls.
PACKAGES = {
    "asyncpg": {"asyncpg"},
    "psycopg": {"psycopg", "psycopg_pool"},
    "sqlalchemy": {"sqlalchemy"},
    "redis": {"redis"},
    "clients": {"httpx", "httpcore", "aiohttp"},
    "brokers": {"aiokafka", "aio_pika"},
    "mappers": {"tortoise", "aiobotocore"},
    "others": {"asyncio", "contextlib", "aiosqlite", "nats", "mcp"},
}
# What calls of the tables call within, what servers call, or another class's method that is the same.
WITHIN = {
    "AIOKafkaProducer.abort_transaction",  # the broker of the tests grants no transaction
    "AIOKafkaProducer.begin_transaction",
    "AIOKafkaProducer.commit_transaction",
    "Channel.close",  # aio-pika's need a broker, which PyPI has none of (test_aio_pika_rabbitmq.py)
    "Channel.initialize",
    "Connection.close",
    "Connection.connect",
    "RobustChannel.close",
    "RobustChannel.initialize",
    "RobustConnection.close",
    "RobustConnection.connect",
    "Application.cleanup",
    "Application.shutdown",
    "Application.startup",
    "AsyncConnection.wait",
    "AsyncConnectionPool.handle_async_request",
    "AsyncPoolRequest.wait_for_connection",
    "AsyncSessionTransaction.commit",
    "AsyncSessionTransaction.rollback",
    "AsyncSessionTransaction.start",
    "AsyncTransaction.start",
    "BaseConnector.connect",
    "BlockingConnectionPool.get_connection",
    "BlockingConnectionPool.release",
    "Client.connect",
    "ConnectionPool.ensure_connection",
    "PoolByteStream.aclose",
    "Redis.close",
    "RedisCluster.close",
    "ServerRunner.run",
    "Tool.run",
    "UrlDispatcher.resolve",
}


# Packages without a table.
NOT_CALLED = {
    *("faststream", "granian", "microdot", "taskiq", "unittest", "uvicorn"),  # only servers and runners call theirs
    *("httpx2", "httpcore2"),  # patched by the adapters of httpx and httpcore
    *("aiofiles", "websockets"),  # only `close` of what a file or a server opened
    *("anyio", "trio"),  # in the table of others, by names that are not asyncio's; trio has other tasks
}


class Servers(NamedTuple):
    postgres: str
    redis: str
    nats: str
    url: str


@pytest.fixture(scope="module")
def backends(postgres):
    with servers.redis() as redis, servers.nats() as nats:
        yield Servers(postgres, redis, nats, "")


class Seen:
    """What was recorded since the last look."""

    def __init__(self, recorder):
        self._recorder, self._from = recorder, 0

    def new(self) -> list[tuple[str, str, str]]:
        """Each lifecycle without its task; the file and the function of its site."""
        recorder = self._recorder
        rows = zip(recorder.lifecycles(), recorder.lines(), recorder.sites(), strict=True)
        found = [
            (_unnamed(line), site.file, site.function)
            for lifecycle, line, site in rows
            if lifecycle.id > self._from
            and lifecycle.resource.rpartition(".")[2].split()[0] not in SETUP
            and site.file  # a server's own lifecycles have none
            and not site.file.startswith(OF_A_SERVER)
        ]
        self._from = max((lifecycle.id for lifecycle in recorder.lifecycles()), default=0)
        return found


def _unnamed(line):
    """The line without its task and its resource's name, which a lock gets from the expression at its site."""
    resource, _, outcomes = line.partition(": ")[2].rpartition(", ")
    return f"{resource.partition(' ')[0]}, {outcomes}"


def patched(packages):
    """The public coroutine methods of classes of these packages that adapters have patched."""
    found = set()
    for owner, name, _ in class_patches._replaced:
        value = vars(owner).get(name)
        function = value.__func__ if isinstance(value, classmethod) else value
        is_of_these = isinstance(owner, type) and owner.__module__.partition(".")[0] in packages
        if is_of_these and not name.startswith("_") and inspect.iscoroutinefunction(function):
            found.add(f"{owner.__qualname__}.{name}")
    return found


async def run_each(calls, seen):
    wrong = []
    for label, call in calls.items():
        expected: list[str] = []
        for way in [awaited, *OF_ANY_AWAITABLE, *(OF_COROUTINES if call.is_coroutine else [])]:
            seen.new()
            thing = await call.begin()
            result = await way(lambda thing=thing, call=call: call.make(thing))
            await call.end(thing, result)
            rows = seen.new()
            lines = [line for line, _, _ in rows]
            if way is awaited:  # twice: the first call of all may do more, as loading a script
                expected = lines
            elif lines != expected:
                wrong.append(f"{label} {way.__name__}: {lines}, not {expected}")
            wrong += [
                f"{label} {way.__name__}: at {file} {function}" for _, file, function in rows if file not in PROGRAM
            ]
    return wrong


@pytest.mark.parametrize("library", TABLES)
def test_every_method_is_recorded_in_every_way(recorder, backends, library):
    """No call is missing and none is recorded at a line of a library, whatever task runs it."""

    async def main():
        async with http_answers.serving(EMPTY) as url, TABLES[library](backends._replace(url=url)) as calls:
            return patched(PACKAGES[library]) - set(calls) - WITHIN, await run_each(calls, Seen(recorder))

    assert asyncio.run(main()) == (set(), [])


def test_every_package_with_patched_methods_is_called(recorder):
    """A new adapter that patches coroutine methods has a table of calls, or its package is named here."""
    for name in ADAPTERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    packages = {
        owner.__module__.partition(".")[0] for owner, _, _ in class_patches._replaced if isinstance(owner, type)
    }
    with_methods = {package for package in packages if patched({package})}
    assert with_methods - set().union(*PACKAGES.values()) <= NOT_CALLED
