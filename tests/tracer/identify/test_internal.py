"""What a library enters for its own ends is internal; what it enters for the program is at the program's line."""

import asyncio
import importlib
import sys
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tenure._identify import tracer
from tenure._rewriting import rewriter

LIBRARY = """
import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from sqlalchemy.ext.asyncio import AsyncSession


class Session(AsyncSession):
    async def exec(self, statement):
        return (await self.execute(statement)).scalar_one()


class Client:
    def __init__(self):
        self._lock = asyncio.Lock()
        self._slots = asyncio.Semaphore(2)

    async def call(self, work=None):
        async with self._lock, anyio.create_task_group(), self._opened():
            if work is not None:
                await work()

    async def hold(self, manager):
        async with manager:
            pass

    async def by_hand(self):
        await self._slots.acquire()
        self._slots.release()

    @asynccontextmanager
    async def _opened(self):
        yield self

    async def enter(self, *managers):
        async with AsyncExitStack() as stack:
            for manager in managers:
                await stack.enter_async_context(manager)

    async def background(self, session):
        return await session.exec(self.statement)
"""

PROGRAM = """
import asyncio
from contextlib import asynccontextmanager

lock = asyncio.Lock()

async def work():
    async with lock:
        await asyncio.sleep(0)

async def call(client):
    async with asyncio.timeout(9):
        await client.call(work)

async def by_hand(client):
    await client.by_hand()

@asynccontextmanager
async def dependency():
    async with lock:
        yield

class Connection:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        pass

async def enter(client):
    await client.enter(dependency(), Connection())

async def query(session, statement):
    async with session:
        return await session.exec(statement)
"""


@pytest.fixture
def program(recorder):
    """The program's functions, rewritten."""
    names = {}
    exec(rewriter.rewrite(PROGRAM.encode(), "program.py"), names)
    return names


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A package that no adapter knows, where an installer puts it."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "unknown_library.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module("unknown_library")
    sys.modules.pop("unknown_library", None)


def kinds(recorder, *, internal):
    return [
        lifecycle.resource.partition(" ")[0].rpartition(".")[2]
        for lifecycle in recorder.lifecycles()
        if lifecycle.internal is internal
    ]


def test_a_librarys_locks_scopes_and_functions_are_internal(recorder, program, library) -> None:
    """Also what it acquires by a call; what the program holds within is below the program's own."""
    client = library.Client()
    asyncio.run(program["call"](client))
    asyncio.run(program["by_hand"](client))
    assert kinds(recorder, internal=True) == ["Lock", "TaskGroup", "_opened", "Semaphore"]
    outer, *_, inner = [lifecycle for lifecycle in recorder.lifecycles() if not lifecycle.internal]
    assert (inner.parent, inner.trace, inner.expression) == (outer.id, outer.id, "lock")
    assert outer.expression == "asyncio.timeout(9)"


def test_a_visible_one_below_internal_ones_alone_is_a_root(recorder, program, library) -> None:
    asyncio.run(library.Client().call(program["work"]))
    (own,) = [lifecycle for lifecycle in recorder.lifecycles() if not lifecycle.internal]
    assert (own.parent, own.trace) == (0, own.id)
    assert kinds(recorder, internal=True) == ["Lock", "TaskGroup", "_opened"]


def test_what_a_library_enters_of_the_programs_is_at_the_programs_function(recorder, program, library) -> None:
    asyncio.run(program["enter"](library.Client()))
    sites = [(site.function, site.internal) for site in recorder.sites()]
    assert sites == [("dependency", False), ("dependency", False), ("Connection.__aenter__", False)]


def test_one_line_of_a_library_may_enter_both(recorder, library) -> None:
    """Its lock is internal, a known library's connection is not, and that stays so when the line is known."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        client = library.Client()
        for _ in range(3):
            await client.hold(client._lock)
            await client.hold(engine.connect())
        await engine.dispose()

    asyncio.run(main())
    marks = {
        resource.kind.rpartition(".")[2]: site.internal
        for site, resource in zip(recorder.sites(), recorder.resources(), strict=True)
    }
    assert marks["Lock"]
    assert not marks["AsyncEngine"]
    assert kinds(recorder, internal=True) == ["Lock"] * 3


@pytest.mark.parametrize("in_task", [False, True])
def test_a_session_built_on_a_known_library_is_at_the_programs_line(recorder, program, library, in_task) -> None:
    """A task that runs only the library's coroutine holds the connection too, and not internally."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        session = library.Session(engine)
        if in_task:
            library.Client.statement = text("select 1")
            await asyncio.create_task(library.Client().background(session))
            await session.close()
        else:
            await program["query"](session, text("select 1"))
        await engine.dispose()

    asyncio.run(main())
    uses = [
        (site.function, site.internal)
        for site, resource in zip(recorder.sites(), recorder.resources(), strict=True)
        if resource.kind.endswith(".AsyncEngine")
    ]
    assert uses == [("Client.background" if in_task else "query", False)]


def test_an_included_package_is_the_programs_own(recorder, library) -> None:
    tracer.current.installed.included = ("unknown_library",)
    asyncio.run(library.Client().call())
    assert kinds(recorder, internal=True) == []


def test_a_dependency_of_fastapi_is_at_its_own_function(recorder) -> None:
    """And is no library's own affair: the framework enters it by its exit stack."""
    httpx = pytest.importorskip("httpx")
    engine = create_async_engine("sqlite+aiosqlite://")

    async def get_db():
        async with AsyncSession(engine) as session:
            yield session

    app = FastAPI()

    @app.get("/")
    async def read(session: Annotated[AsyncSession, Depends(get_db)]) -> int:
        return (await session.execute(text("select 1"))).scalar_one()

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            assert (await client.get("/")).text == "1"
        await engine.dispose()

    asyncio.run(main())
    places = {
        resource.kind.rpartition(".")[2]: (site.function.rpartition(".")[2], site.internal)
        for site, resource in zip(recorder.sites(), recorder.resources(), strict=True)
    }
    assert places["get_db"] == ("get_db", False)
    assert places["AsyncEngine"] == ("read", False)
