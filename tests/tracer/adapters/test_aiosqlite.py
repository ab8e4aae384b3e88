"""aiosqlite's connections."""

import asyncio
import gc
import sqlite3
import threading

import aiosqlite
import pytest
from tests.support.waiting import until


async def count_rows(path):
    async with aiosqlite.connect(path) as connection, connection.execute("SELECT 1 UNION SELECT 2") as cursor:
        return len(list(await cursor.fetchall()))


async def query(path, sql):
    async with aiosqlite.connect(path) as connection:
        await connection.execute(sql)


async def query_by_calls(path):
    connection = await aiosqlite.connect(path)
    await connection.execute("SELECT 1")
    await connection.close()


async def by_hand(path):
    connection = aiosqlite.connect(path)
    await connection.__aenter__()
    await connection.__aexit__(None, None, None)


def test_a_connection_is_named_by_its_file_and_its_cursors_are_cursors(recorder, written, tmp_path):
    """The folder says nothing to a reader, and belongs to nobody but the machine."""
    assert recorder.run(written(count_rows)(tmp_path / "shop.sqlite")) == [
        "count_rows: aiosqlite.core.Connection shop.sqlite, ok ok ok",
        "count_rows: aiosqlite.cursor.Cursor, ok ok ok",
    ]
    assert {resource.stereotype for resource in recorder.resources()} == {"database"}


@pytest.mark.parametrize("path", [":memory:", b":memory:"])
def test_a_database_in_memory_is_called_so(recorder, written, path):
    """SQLite's own name for it is what a reader knows."""
    assert recorder.run(written(query)(path, "SELECT 1")) == [
        "query: aiosqlite.core.Connection :memory:, ok ok ok",
    ]


def test_a_file_that_cannot_be_opened_is_an_acquire_that_failed(recorder, written, tmp_path):
    """Nothing was held, and the program gets SQLite's error."""

    async def main():
        threads = threading.active_count()
        with pytest.raises(sqlite3.OperationalError):
            await written(query)(tmp_path / "missing" / "shop.sqlite", "SELECT 1")
        await until(lambda: threading.active_count() == threads)  # it reports its own end to the loop

    assert recorder.run(main()) == ["main: aiosqlite.core.Connection shop.sqlite, error(OperationalError)"]


def test_a_query_that_fails_goes_on_and_the_connection_is_closed(recorder, written):
    """The block failed, the release did not."""

    async def main():
        with pytest.raises(sqlite3.OperationalError):
            await written(query)(":memory:", "no SQL")

    assert recorder.run(main()) == ["main: aiosqlite.core.Connection :memory:, ok error(OperationalError) goes on"]


def test_a_connection_entered_by_hand_is_recorded(recorder):
    """Libraries on top of aiosqlite do this."""
    assert recorder.run(by_hand(":memory:")) == ["by_hand: aiosqlite.core.Connection :memory:, ok ok ok"]


def test_an_awaited_connection_is_held_until_it_is_closed(recorder, written, tmp_path):
    """At the line that awaits it."""
    assert recorder.run(written(query_by_calls)(tmp_path / "shop.sqlite")) == [
        "query_by_calls: aiosqlite.core.Connection shop.sqlite, ok ok ok"
    ]
    site = recorder.sites()[0]
    assert (site.function, site.expression, site.enter, site.exit) == (
        "query_by_calls",
        "aiosqlite.connect(path)",
        "connect",
        "close",
    )


def test_an_awaited_connection_that_cannot_be_opened_was_never_held(recorder, tmp_path):
    """The program gets SQLite's error; stopping its thread ends nothing more."""

    async def main():
        threads = threading.active_count()
        with pytest.raises(sqlite3.OperationalError):
            await aiosqlite.connect(tmp_path / "missing" / "shop.sqlite")
        await until(lambda: threading.active_count() == threads)

    assert recorder.run(main()) == ["main: aiosqlite.core.Connection shop.sqlite, error(OperationalError)"]


@pytest.mark.filterwarnings("ignore:.*was deleted before being closed:ResourceWarning")
def test_a_connection_that_is_dropped_is_held_no_more(recorder):
    """Aiosqlite warns of it and stops its thread; its release failed."""

    async def main():
        connection = await aiosqlite.connect(":memory:")
        del connection
        gc.collect()
        return await recorder.until(dropped)

    dropped = ["main: aiosqlite.core.Connection :memory:, ok ok error(NeverClosed)"]
    assert asyncio.run(main()) == dropped
