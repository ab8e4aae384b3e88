"""Clients, sessions, connections, pools and files that the program makes by hand, of every library with such."""

import asyncio
import gc
import importlib
import linecache
import types
from typing import Any, NamedTuple

import pytest

from tenure._core.object_access import type_name
from tenure._identify import tracer
from tenure._rewriting import rewriter
from tenure.adapters._kit import open_close

FILE = "/srv/program/program.py"  # where no library is installed


class Made(NamedTuple):
    """How a program makes a thing, and how the record calls it."""

    kind: str  # of the resource
    make: str  # an expression; POSTGRES stands for an address, FOLDER for a folder
    close: str
    needs: str = ""  # what the module imports
    title: str = "thing"  # the resource's name, if it has not one of its own
    classes: tuple[str, ...] = ()  # that this row is about, if the kind is not the class
    site: str = ""  # the expression of the site, if the call itself is not
    enters_handle: bool = True  # the statement enters what is not awaited yet
    forms: tuple[str, ...] = ("entered", "entered_later")  # in which a statement can enter it


ENGINE = "sqlalchemy.ext.asyncio.engine.AsyncEngine"
SESSION = "sqlalchemy.ext.asyncio.session.AsyncSession"
SQLITE = "sqlalchemy.ext.asyncio.create_async_engine('sqlite+aiosqlite:///FOLDER/shop.db')"
NO_OPEN_POOL = "psycopg_pool.AsyncConnectionPool('postgresql:POSTGRES', open=False, min_size=0, max_size=1)"
ROWS = [
    Made("aiohttp.client.ClientSession", "aiohttp.ClientSession()", "close", "aiohttp"),
    Made("httpx.AsyncClient", "httpx.AsyncClient()", "aclose", "httpx"),
    Made("httpx2.AsyncClient", "httpx2.AsyncClient()", "aclose", "httpx2"),
    Made("redis.asyncio.client.Redis", "redis.asyncio.Redis()", "aclose", "redis.asyncio", title="localhost:6379/0"),
    Made(
        "redis.asyncio.client.Redis",
        "redis.asyncio.from_url('redis://cache:7000/2')",
        "close",
        "redis.asyncio",
        title="cache:7000/2",
    ),
    Made(
        "redis.asyncio.sentinel.Sentinel",
        "redis.asyncio.Sentinel([('cache', 26379)])",
        "aclose",
        "redis.asyncio",
        title="cache:26379",
    ),
    Made(
        "redis.asyncio.cluster.RedisCluster",
        "redis.asyncio.RedisCluster('cache')",
        "aclose",
        "redis.asyncio",
        title="cache:6379",
        forms=(),  # it connects when it is entered
    ),
    Made(
        f"{ENGINE}.open",
        SQLITE,
        "dispose",
        "sqlalchemy.ext.asyncio",
        forms=(),
        title="shop.db",
        classes=(ENGINE, "sqlalchemy.engine.base.Engine"),
    ),
    Made(SESSION, "sqlalchemy.ext.asyncio.AsyncSession()", "close", "sqlalchemy.ext.asyncio"),
    Made(SESSION, "sqlalchemy.ext.asyncio.async_sessionmaker()()", "aclose", "sqlalchemy.ext.asyncio"),
    Made(
        "aiosqlite.core.Connection",
        "await aiosqlite.connect('FOLDER/shop.db')",
        "close",
        "aiosqlite",
        title="shop.db",
        forms=("entered",),
    ),
    Made(
        "aiofiles.open",
        "await aiofiles.open('FOLDER/notes.txt', 'w')",
        "close",
        "aiofiles",
        forms=(),
        title="notes.txt",
        classes=tuple(
            f"aiofiles.threadpool.{name}"
            for name in (
                "text.AsyncTextIOWrapper",
                "binary.AsyncBufferedIOBase",
                "binary.AsyncBufferedReader",
                "binary.AsyncFileIO",
            )
        ),
    ),
    Made("aio_pika.pool.Pool.open", "aio_pika.pool.Pool(None)", "close", "aio_pika"),
    Made(
        "asyncpg.connection.Connection",
        "await asyncpg.connect('postgresql:POSTGRES')",
        "close",
        "asyncpg",
        forms=(),
        title="shop",
    ),
    Made(
        "asyncpg.pool.Pool.open",
        "await asyncpg.create_pool('postgresql:POSTGRES', min_size=0)",
        "close",
        "asyncpg",
        title="shop",
    ),
    Made(
        "psycopg.AsyncConnection",
        "await psycopg.AsyncConnection.connect('postgresql:POSTGRES')",
        "close",
        "psycopg",
        title="shop",
        enters_handle=False,
    ),
    Made(
        "psycopg_pool.pool_async.AsyncConnectionPool.open",
        f"await opened({NO_OPEN_POOL})",
        "close",
        "psycopg_pool",
        title="shop",
        site="pool.open()",
    ),
]
# What needs more than one line or a server of its own is tested in the file of its library.
ELSEWHERE = {
    "aio_pika.channel.Channel": "test_aio_pika_rabbitmq",
    "aio_pika.robust_channel.RobustChannel": "test_aio_pika_rabbitmq",
    "aio_pika.connection.Connection": "test_aio_pika_rabbitmq",
    "aio_pika.robust_connection.RobustConnection": "test_aio_pika_rabbitmq",
    "aiokafka.consumer.consumer.AIOKafkaConsumer": "test_aiokafka",
    "aiokafka.producer.producer.AIOKafkaProducer": "test_aiokafka",
    "asyncpg.transaction.Transaction": "test_asyncpg",
    "nats.aio.client.Client": "test_nats",
    "sqlalchemy.ext.asyncio.engine.AsyncConnection": "test_sqlalchemy",
    "sqlalchemy.ext.asyncio.engine.AsyncTransaction": "test_sqlalchemy",
    "sqlalchemy.ext.asyncio.session.AsyncSessionTransaction": "test_sqlalchemy",
    "websockets.asyncio.client.ClientConnection": "test_websockets",
}

PROGRAM = """\
import gc
{imports}

kept = []

async def opened(pool):
    await pool.open()
    return pool

async def closed():
    thing = {make}
    await thing.{close}()

async def kept_open():
    thing = {make}
    kept.append(thing)

async def dropped():
    thing = {make}
    del thing
    gc.collect()

async def entered_later():
    thing = {make}
    async with thing:
        pass

async def entered():
    async with {entered} as thing:
        pass
"""


@pytest.fixture(params=[True, False], ids=["rewritten", "as it is"])
def program(request, tmp_path, recorder, monkeypatch):
    """The program around one row, and what it held of the row's kind: lines, and sites."""

    def load(row):
        postgres = request.getfixturevalue("postgres") if "POSTGRES" in row.make else ""
        make = row.make.replace("POSTGRES", postgres).replace("FOLDER", str(tmp_path))
        entered = make.removeprefix("await ") if row.enters_handle and not row.site else make
        imports = f"import {row.needs}"
        source = PROGRAM.format(make=make, entered=entered, imports=imports, close=row.close)
        code = rewriter.rewrite(source.encode(), FILE) if request.param else compile(source, FILE, "exec")
        monkeypatch.setitem(linecache.cache, FILE, (len(source), None, source.splitlines(keepends=True), FILE))
        module: Any = types.ModuleType("program")
        exec(code, module.__dict__)
        module.line = {
            line.strip(): number for number, line in enumerate(source.splitlines(), 1) if line.startswith("async def")
        }
        return module

    return load


def own(recorder, row):
    lifecycles = zip(recorder.lines(), recorder.resources(), recorder.sites(), strict=True)
    return [
        (line.partition(", ")[2], resource, site) for line, resource, site in lifecycles if resource.kind == row.kind
    ]


rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{row.close}")
enterable = pytest.mark.parametrize(
    ("row", "form"),
    [(row, form) for row in ROWS for form in row.forms],
    ids=lambda value: value if isinstance(value, str) else f"{value.kind}-{value.close}",
)


@rows
@pytest.mark.parametrize(
    ("form", "outcomes"),
    [("closed", "ok ok ok"), ("kept_open", "ok ?"), ("dropped", "ok ok error(NeverClosed)")],
)
@pytest.mark.filterwarnings("ignore")  # the libraries say that they were not closed
def test_what_is_made_by_hand_is_held_until_it_is_closed(recorder, program, row, form, outcomes):
    """At the line that makes it, under the name of the variable; what is dropped open was never closed."""
    module = program(row)
    asyncio.run(getattr(module, form)())
    lifecycles = own(recorder, row)
    assert [line for line, _, _ in lifecycles] == [outcomes]
    _, resource, site = lifecycles[0]
    assert resource.name == ("pool" if row.site and row.title == "thing" else row.title)
    if not row.site:
        assert (site.file, site.line, site.function) == (FILE, module.line[f"async def {form}():"] + 1, form)
    module.kept.clear()
    gc.collect()


@enterable
def test_what_a_statement_enters_is_held_once(recorder, program, row, form):
    """At once or later: one lifecycle."""
    module = program(row)
    asyncio.run(getattr(module, form)())
    lifecycles = own(recorder, row)
    assert [line for line, _, _ in lifecycles] == ["ok ok ok"]
    assert lifecycles[0][2].file == FILE


def test_every_class_that_an_adapter_opens_and_closes_has_a_row(recorder):
    """A new one is missing here until it is tested."""
    for library in ("aiokafka", "nats.aio.client", "websockets.asyncio.client", *{row.needs for row in ROWS}):
        importlib.import_module(library)
    tested = {name for row in ROWS for name in row.classes or (row.kind.removesuffix(".open"),)}
    names = {type_name(kind) for kind in tracer.current.of(open_close.Opened).classes}
    assert {name for name in names if not name.startswith("small.")} - set(ELSEWHERE) == tested
    for test in ELSEWHERE.values():
        importlib.import_module(f"tests.tracer.adapters.{test}")
