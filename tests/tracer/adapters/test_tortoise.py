"""tortoise-orm with SQLite and with a real PostgreSQL."""

import asyncio
import contextlib

import pytest
from tests.tracer.support.tortoise_models import Item
from tortoise import Tortoise
from tortoise.transactions import atomic, in_transaction


@contextlib.asynccontextmanager
async def database(url):
    await Tortoise.init(db_url=url, modules={"models": [Item.__module__]})
    await Tortoise.generate_schemas()
    await Item.all().delete()
    try:
        yield
    finally:
        await Tortoise.close_connections()


async def with_database(recorder, url, use):
    """Runs ``use()`` with a database that is held by no statement of the program; the lines of the use."""
    manager = database(url)
    await manager.gen.__anext__()
    before = len(recorder.lines())
    try:
        await use()
    finally:
        await manager.gen.aclose()
    return recorder.lines()[before:]


def run(recorder, url, use):
    return asyncio.run(with_database(recorder, url, use))


async def query():
    return await Item.all()


async def transaction():
    async with in_transaction():
        await Item.all()  # not create(): tortoise keeps its text of an earlier database


async def failing():
    with contextlib.suppress(LookupError):
        async with in_transaction():
            raise LookupError("no such item")


async def nested():
    async with in_transaction(), in_transaction():
        pass


@atomic()
async def decorated():
    pass


def test_a_query_uses_the_connection_at_the_programs_line(recorder, written, tmp_path):
    """The resource is the database's file; aiosqlite's connection and the lock before it are tortoise's own."""
    lines = run(recorder, f"sqlite://{tmp_path}/shop.sqlite", written(query))
    assert lines == ["with_database: tortoise.Connection shop.sqlite (1), ok ok ok"]
    site = recorder.sites()[-1]
    assert (site.file, site.function, site.expression) == (__file__, "query", "Item.all()")
    assert recorder.resources()[-1].stereotype == "database"


def test_a_transaction_holds_the_connection_and_its_queries_use_the_transaction(recorder, written):
    """One lifecycle for the statement, one for each query inside."""
    assert run(recorder, "sqlite://:memory:", written(transaction)) == [
        "with_database: tortoise.Connection :memory: (1), ok ok ok",
        "with_database: tortoise.Transaction :memory: (1), ok ok ok",
    ]
    assert recorder.sites()[-2].enter == "in_transaction"


def test_a_transaction_that_is_rolled_back_has_the_bodys_failure(recorder, written):
    """The exception goes on."""
    assert run(recorder, "sqlite://:memory:", written(failing)) == [
        "with_database: tortoise.Connection :memory: (1), ok error(LookupError) goes on"
    ]


def test_a_nested_transaction_is_a_savepoint(recorder, written):
    """It holds no second connection."""
    assert run(recorder, "sqlite://:memory:", written(nested)) == [
        "with_database: tortoise.Connection :memory: (1), ok ok ok",
        "with_database: tortoise.Savepoint, ok ok ok",
    ]


def test_the_decorator_is_a_transaction_too(recorder):
    """At the line that calls the decorated function."""
    assert run(recorder, "sqlite://:memory:", decorated) == [
        "with_database: tortoise.Connection :memory: (1), ok ok ok"
    ]


def test_who_waits_for_the_one_connection_of_sqlite_is_seen_to_wait(recorder):
    """A query beside a transaction begins when the transaction has ended."""
    line = "tortoise.Connection :memory: (1), "
    waiting = [f"with_database: {line}ok ?", f"asking: {line}?"]
    begun, lines = asyncio.Event(), []

    async def ask():
        await begun.wait()
        await query()

    async def main():
        asking = asyncio.create_task(ask(), name="asking")  # outside the transaction, which is the context's
        async with in_transaction():
            begun.set()
            lines.extend(await recorder.until(waiting, select=lambda lines: lines[-2:]))
        await asking

    run(recorder, "sqlite://:memory:", main)
    assert lines == waiting


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_a_pool_has_its_capacity_and_waiting_queries_wait(recorder, postgres, driver):
    """Three queries on a pool of two; the driver's own pool is not recorded."""

    async def main():
        await asyncio.gather(*(query() for _ in range(3)))
        await transaction()

    lines = run(recorder, f"{driver}:{postgres}?minsize=1&maxsize=2", main)
    assert sorted(line.partition(": ")[2] for line in lines) == [
        *["tortoise.Connection shop (2), ok ok ok"] * 4,
        "tortoise.Transaction shop (1), ok ok ok",
    ]
