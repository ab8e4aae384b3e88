"""After any faults a store is consistent and can be read completely."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.qualification.reliability import histories
from tests.qualification.reliability.histories import FOLLOWER, History
from tests.qualification.reliability.integrity import faults
from tests.qualification.reliability.readers import read_everything
from tests.server.support.batches import Program, at
from tests.server.support.collector import Clock
from tests.server.support.store_queries import all_lifecycles
from tests.support.fuzzing import examples

from tenure import wire
from tenure_server.model.lens import Lens
from tenure_server.store import Paging, TraceQuery
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file.references import BELONGING, NEEDED


@pytest.mark.parametrize("wild", [False, True], ids=["right clocks", "wrong clocks"])
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=False), steps=st.integers(1, 25), in_file=st.booleans())
def test_after_every_step_everything_can_be_read(wild: bool, random: Random, steps: int, in_file: bool) -> None:
    """No reader fails, every reference leads somewhere, and the retention deletes what came too long ago, only."""

    async def live(path: Path | None) -> None:
        clock = histories.Clock()
        store = SqliteStore(path, clock)
        try:
            history = History(random, store, clock, wild=wild)
            done = []
            for _ in range(steps):
                done.append(await history.step())
                _, wrong = await read_everything(store, clock(), FOLLOWER)
                with store._guard:
                    wrong += faults(store._connection)
                assert (wrong + history.wrong) == [], done
        finally:
            await store.close()

    with TemporaryDirectory() as directory:
        asyncio.run(live(Path(directory) / "store.sqlite" if in_file else None))


def shared(number: int, service: str, otel: bytes, acquire: float) -> Program:
    """A service that has a part in an OpenTelemetry trace."""
    program = Program(number, service)
    root = program.use("main", f"Lock {service}", acquire=acquire, wait=1, hold=1, release=1)
    program.traces[root.id] = wire.Trace(root.id, otel_trace_id=otel, otel_parent_id=b"parent!!")
    return program


async def hold_together(store: SqliteStore) -> None:
    with store._guard:
        assert faults(store._connection) == []
    _, wrong = await read_everything(store, store._clock(), FOLLOWER)
    assert wrong == []


@pytest.mark.parametrize("first_goes", [True, False], ids=["the first goes", "the second goes"])
async def test_a_trace_of_which_a_service_is_gone_is_listed_by_the_other(clock: Clock, first_goes: bool) -> None:
    """By the oldest of what is left; and all that tells of the other has gone with it."""
    store = SqliteStore(None, clock)
    otel = bytes(range(16))
    gone, left = shared(1, "shop", otel, 0), shared(2, "mail", otel, 5)
    order = [gone, left] if first_goes else [left, gone]
    for program in order:
        await store.write(program.batch())
    await store.write(gone.batch(final=True))
    clock.now_ns += 100 * 10**9
    left.use("main", "Lock mail", acquire=100_000, wait=1, hold=1, release=1)
    left.uses[-1].root = left.uses[0].id
    await store.write(left.batch())
    await hold_together(store)

    assert await store.retain(60 * 10**9, None) == 2
    clock.now_ns += 40 * 10**9
    await store.retain(60 * 10**9, None)

    assert [process.id for process in (await store.processes(Paging())).items] == [left.hex]
    (trace,) = (await store.traces(TraceQuery())).items
    assert (trace.id, trace.name, trace.services) == (otel.hex(), "main: Lock mail", ["mail"])
    assert trace.start_ns == at(100_000 if first_goes else 0)
    assert len((await store.diagram_input(Lens(trace=otel.hex()), 10)).lifecycles) == 1
    await hold_together(store)
    late = shared(3, "shop", otel, 101_000)  # it goes on
    await store.write(late.batch())
    assert [trace.services for trace in (await store.traces(TraceQuery())).items] == [["mail", "shop"]]
    await hold_together(store)
    await store.close()


async def test_the_row_of_a_process_is_never_given_to_another(clock: Clock) -> None:
    """What an exporter still has to be told of a process that is gone is not taken for what another did."""
    store = SqliteStore(None, clock)
    await store.follow([FOLLOWER])
    first, second = Program(1), Program(2)
    first.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await store.write(first.batch(final=True))
    clock.now_ns += 100 * 10**9
    await store.retain(60 * 10**9, None)
    assert (await store.processes(Paging())).items == []

    second.use("main", "Lock stock", acquire=0, wait=1, hold=1)
    await store.write(second.batch())

    assert store._connection.execute("SELECT process FROM processes").fetchall() == [(2,)]
    assert (await store.closed_lifecycles(FOLLOWER, 10)).items == []
    await store.close()


async def test_every_column_is_a_reference_or_known_not_to_be_one(clock: Clock) -> None:
    """A new table or column has to be judged: whether it names rows, and what becomes of it when they go."""
    store = SqliteStore(None, clock)
    tables = [
        name
        for (name,) in store._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
    named = {(reference.table, reference.value.partition(" ")[0]) for reference in (*BELONGING, *NEEDED)}
    columns = {(table, row[1]) for table in tables for row in store._connection.execute(f"PRAGMA table_info({table})")}

    assert columns - named == {(table, column) for table, some in PLAIN.items() for column in some.split()}
    assert named <= columns
    await store.close()


PLAIN = {
    "processes": "process id service host pid python started_ns last_seen_ns ended dropped lifecycles contiguous"
    " latest_ns skew_ns internal",
    "batches_ahead": "sequence",
    "sites": "site file line function expression enter exit internal",
    "exceptions": "exception type message used_ns cancelled via",
    "resources": "kind name capacity stereotype total failed waits holds used_ns internal"
    " internal_failed internal_waits internal_holds",
    "tasks": "name coroutine kind parent created_in created_ns finished_ns outcome lifecycles first last loop thread"
    " internal",
    "traces": "otel_id start_ns end_ns lifecycles open errors first first_ns order_ns internal internal_errors",
    "otel_traces": "id",
    "roots": "link otel_trace_id otel_parent_id",
    "lifecycles": "parent acquire_ns wait_ns hold_ns release_ns outcomes span_id span_parent status",
    "probe": "filling",
    "process_rows": "deleted",
    "arrivals": "arrival first_ns last_ns lifecycles keys",
    "outbox": "entry at_ns lifecycles keys",
    "followers": "name cursor expired",
    "abandoned": "key",
    "series": "series kind name is_pool is_overflow counts",
    "pools": "idle idle_max gone",
    "awaits": "since_ns awaited",
    "stalls": "loop begin_ns duration_ns is_over thread stack",
}


async def test_a_store_of_version_2_goes_on(tmp_path: Path, clock: Clock) -> None:
    """With all that it had, mended where a sweep of that version had left half of a trace; its rows age from now on."""
    path = tmp_path / "store.sqlite"
    otel = bytes(range(16))
    gone, left = shared(1, "shop", otel, 0), shared(2, "mail", otel, 5)
    store = SqliteStore(path, clock)
    await store.write(gone.batch())
    await store.write(left.batch())
    waiting = left.use("main", "Lock open", acquire=10)
    await store.write(left.batch())
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "DROP TABLE arrivals; DROP TABLE process_rows; DROP TABLE unordered; ALTER TABLE traces DROP order_ns;"
            "DROP INDEX lifecycles_released_by;"
            "ALTER TABLE lifecycles DROP status; ALTER TABLE lifecycles DROP released_by;"
            "ALTER TABLE tasks DROP loop; ALTER TABLE tasks DROP thread; DROP TABLE awaits; DROP TABLE stalls;"
            "ALTER TABLE processes DROP internal; ALTER TABLE tasks DROP internal; ALTER TABLE traces DROP internal;"
            "ALTER TABLE traces DROP internal_errors; ALTER TABLE resources DROP internal;"
            "ALTER TABLE resources DROP internal_failed; ALTER TABLE resources DROP internal_waits;"
            "ALTER TABLE resources DROP internal_holds;"
            "CREATE TABLE older AS SELECT site, file, line, function, expression, enter, exit FROM sites;"
            "DROP TABLE sites; ALTER TABLE older RENAME TO sites;"
            "DELETE FROM processes WHERE process = 1; DELETE FROM lifecycles WHERE key >> 40 = 1;"
            "PRAGMA user_version = 2;"
        )
    connection.close()

    store = SqliteStore(path, clock)

    assert [lifecycle.id for lifecycle in await all_lifecycles(store)] == [left.id(2), left.id(1)]
    assert [trace.name for trace in (await store.traces(TraceQuery())).items] == ["main: Lock open", "main: Lock mail"]
    await hold_together(store)
    left.go_on(waiting, wait=1, hold=1, release=1)
    clock.now_ns += 50 * 10**9
    await store.write(left.batch())
    assert await store.retain(60 * 10**9, None) == 0
    clock.now_ns += 20 * 10**9
    assert await store.retain(60 * 10**9, None) == 1
    await hold_together(store)
    await store.close()
